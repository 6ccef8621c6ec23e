package jinja

// call is f(…); of filters and tests it is the arguments alone.
type call struct {
	f          expr
	args       []expr
	names      []string
	named      []expr
	list, dict expr // *list, **dict
}

func (e *call) eval(r *run, s *scope) any {
	f := r.eval(e.f, s)
	return r.call(f, e.arguments(r, s))
}

func (e *call) arguments(r *run, s *scope) (a arguments) {
	if n := len(e.args) + len(e.named); n > 0 {
		r.alloc(n * itemBytes)
		a.values = make([]any, 0, len(e.args))
	}
	for _, arg := range e.args {
		a.values = append(a.values, r.eval(arg, s))
	}
	a.names = e.names
	for _, arg := range e.named {
		a.more = append(a.more, r.eval(arg, s))
	}
	if e.list != nil {
		items := r.items(r.eval(e.list, s))
		r.alloc(len(items) * itemBytes)
		a.values = append(a.values, items...)
	}
	if e.dict != nil {
		d, ok := r.eval(e.dict, s).(*Dict)
		if !ok {
			fail("** wants a dict")
		}
		a.names = a.names[:len(a.names):len(a.names)]
		r.alloc(len(d.keys) * entryBytes)
		for _, k := range d.keys {
			a.names, a.more = append(a.names, r.text(k)), append(a.more, d.values[k])
		}
	}
	return a
}

func (r *run) call(f any, a arguments) any {
	switch f := f.(type) {
	case function:
		return f(r, a)
	case Func:
		named := make(map[string]any, len(a.names))
		for i, name := range a.names {
			named[name] = a.more[i]
		}
		v, err := f(a.values, named)
		if err != nil {
			panic(failure{err})
		}
		r.alloc(size(v, 0))
		return v
	case *loop:
		return f.again(r, a)
	}
	fail("%s cannot be called", kind(f))
	return nil
}

// arguments of a call.
type arguments struct {
	values []any
	names  []string
	more   []any // by name
}

// named is the place of a name among those given; -1 if it is not.
func (a arguments) named(name string) int {
	for i, n := range a.names {
		if n == name {
			return i
		}
	}
	return -1
}

// get is the argument at i, or of that name.
func (a arguments) get(i int, name string) (any, bool) {
	if i >= 0 && i < len(a.values) {
		return a.values[i], true
	}
	if at := a.named(name); at >= 0 {
		return a.more[at], true
	}
	return nil, false
}

func (a arguments) need(i int, name string) any {
	v, ok := a.get(i, name)
	if !ok {
		fail("the argument %s is missing", name)
	}
	return v
}

func (a arguments) string(r *run, i int, name, otherwise string) string {
	if v, ok := a.get(i, name); ok {
		return r.text(v)
	}
	return otherwise
}

func (a arguments) integer(i int, name string, otherwise int) int {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return otherwise
	}
	n, ok := integer(v)
	if !ok {
		fail("the argument %s is %s, no integer", name, kind(v))
	}
	return int(n)
}

func (a arguments) truth(i int, name string) bool {
	v, _ := a.get(i, name)
	return truth(v)
}

// filter is v | name(…).
type filter struct {
	of   expr
	name string
	args *call
}

func (e *filter) eval(r *run, s *scope) any {
	return r.filter(e.name, r.eval(e.of, s), e.args.arguments(r, s))
}

func (r *run) filter(name string, v any, a arguments) any {
	f, ok := filters[name]
	if !ok {
		fail("there is no filter %q", name)
	}
	if s, ok := v.(string); ok {
		r.read(s)
	}
	return f(r, v, a)
}

// test is v is name(…).
type test struct {
	of      expr
	name    string
	args    *call
	negated bool
}

func (e *test) eval(r *run, s *scope) any {
	return r.test(e.name, r.eval(e.of, s), e.args.arguments(r, s)) != e.negated
}

func (r *run) test(name string, v any, a arguments) bool {
	f, ok := tests[name]
	if !ok {
		fail("there is no test %q", name)
	}
	return f(r, v, a)
}
