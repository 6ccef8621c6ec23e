package jinja

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// expr is an expression.
type expr interface {
	eval(r *run, s *scope) any
}

type literal struct{ value any }

func (e *literal) eval(*run, *scope) any { return e.value }

type name string

func (e name) eval(_ *run, s *scope) any {
	if v, ok := s.get(string(e)); ok {
		return v
	}
	return undefined(e)
}

type listExpr struct {
	items []expr
	tuple bool
}

func (e *listExpr) eval(r *run, s *scope) any {
	l := r.list(len(e.items))
	l.tuple = e.tuple
	for _, item := range e.items {
		l.Items = append(l.Items, r.eval(item, s))
	}
	return l
}

type dictExpr struct{ keys, values []expr }

func (e *dictExpr) eval(r *run, s *scope) any {
	r.alloc(headBytes)
	d := NewDict()
	for i, k := range e.keys {
		r.set(d, r.eval(k, s), r.eval(e.values[i], s))
	}
	return d
}

// choice is a if b else c.
type choice struct{ yes, condition, no expr }

func (e *choice) eval(r *run, s *scope) any {
	switch {
	case truth(r.eval(e.condition, s)):
		return r.eval(e.yes, s)
	case e.no != nil:
		return r.eval(e.no, s)
	}
	return undefined("the inline if without else")
}

// logic is or, and and.
type logic struct {
	a, b expr
	or   bool
}

func (e *logic) eval(r *run, s *scope) any {
	if v := r.eval(e.a, s); truth(v) == e.or {
		return v
	}
	return r.eval(e.b, s)
}

type not struct{ e expr }

func (e *not) eval(r *run, s *scope) any { return !truth(r.eval(e.e, s)) }

// comparison is a < b <= c: each neighbour is compared.
type comparison struct {
	first expr
	ops   []string
	rest  []expr
}

func (e *comparison) eval(r *run, s *scope) any {
	a := r.eval(e.first, s)
	for i, op := range e.ops {
		b := r.eval(e.rest[i], s)
		if !r.compares(op, a, b) {
			return false
		}
		a = b
	}
	return true
}

func (r *run) compares(op string, a, b any) bool {
	switch op {
	case "==":
		return r.equal(a, b)
	case "!=":
		return !r.equal(a, b)
	case "in":
		return r.contains(b, a)
	case "not in":
		return !r.contains(b, a)
	}
	c := r.compare(a, b)
	return op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0
}

// contains is v in of.
func (r *run) contains(of, v any) bool {
	switch of := of.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			fail("%s is not in a string", kind(v))
		}
		r.read(of)
		return strings.Contains(of, s)
	case *List:
		for _, item := range of.Items {
			if r.equal(item, v) {
				return true
			}
		}
		return false
	case *Dict:
		switch v.(type) {
		case *List, *Dict, *namespace, undefined, function, Func, *loop:
			return false
		}
		_, ok := of.values[v]
		return ok
	case undefined:
		return false
	}
	fail("nothing is in %s", kind(of))
	return false
}

// sign is -a or +a.
type sign struct {
	e     expr
	minus bool
}

func (e *sign) eval(r *run, s *scope) any {
	v := r.eval(e.e, s)
	if !e.minus {
		return arithmetic(r, "+", int64(0), v)
	}
	if f, ok := v.(float64); ok {
		return -f
	}
	return arithmetic(r, "-", int64(0), v)
}

type attribute struct {
	of   expr
	name string
}

func (e *attribute) eval(r *run, s *scope) any { return r.attribute(r.eval(e.of, s), e.name) }

// attribute is v.name: a method, or what a dict has of that name.
func (r *run) attribute(v any, name string) any {
	switch v := v.(type) {
	case undefined:
		fail("%s is undefined, and has no %s", string(v), name)
	case *Dict:
		if m, ok := dictMethods[name]; ok {
			return function(func(r *run, a arguments) any { return m(r, v, a) })
		}
		if item, ok := v.values[name]; ok {
			return item
		}
	case string:
		if m, ok := stringMethods[name]; ok {
			return function(func(r *run, a arguments) any { r.read(v); return m(r, v, a) })
		}
	case *List:
		if m, ok := listMethods[name]; ok {
			return function(func(r *run, a arguments) any { return m(r, v, a) })
		}
	case *namespace:
		if item, ok := v.vars[name]; ok {
			return item
		}
	case *loop:
		return v.attribute(r, name)
	}
	return undefined(name)
}

type item struct{ of, key expr }

func (e *item) eval(r *run, s *scope) any { return r.item(r.eval(e.of, s), r.eval(e.key, s)) }

// item is v[key].
func (r *run) item(v, key any) any {
	i, isInt := integer(key)
	switch v := v.(type) {
	case undefined:
		fail("%s is undefined, and has no %s", string(v), r.text(key))
	case *Dict:
		switch key.(type) {
		case nil, bool, int64, float64, string:
			if item, ok := v.values[key]; ok {
				return item
			}
		}
	case *List:
		if isInt {
			if i < 0 {
				i += int64(len(v.Items))
			}
			if i < 0 || i >= int64(len(v.Items)) {
				return undefined(fmt.Sprintf("item %d of %d", i, len(v.Items)))
			}
			return v.Items[i]
		}
	case string:
		if isInt {
			r.read(v)
			n := int64(utf8.RuneCountInString(v))
			if i < 0 {
				i += n
			}
			if i < 0 || i >= n {
				return undefined(fmt.Sprintf("character %d of %d", i, n))
			}
			if n == int64(len(v)) {
				return v[i : i+1]
			}
			for _, c := range v {
				if i--; i < 0 {
					return string(c)
				}
			}
		}
	}
	if name, ok := key.(string); ok {
		return r.attribute(v, name)
	}
	return undefined("an item")
}

// slice is v[from:to:step].
type slice struct {
	of     expr
	bounds [3]expr
}

func (e *slice) eval(r *run, s *scope) any {
	v := r.eval(e.of, s)
	var b [3]any
	for i, bound := range e.bounds {
		if bound != nil {
			b[i] = r.eval(bound, s)
		}
	}
	switch v := v.(type) {
	case string:
		r.read(v)
		n := utf8.RuneCountInString(v)
		from, to, by := sliceBounds(n, b)
		if n == len(v) && by == 1 {
			return v[from:max(from, to)]
		}
		r.alloc(4 * n)
		runes, out := []rune(v), make([]rune, 0, n)
		for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
			out = append(out, runes[i])
		}
		r.alloc(4 * (n + len(out)))
		return string(out)
	case *List:
		from, to, by := sliceBounds(len(v.Items), b)
		if by == 1 {
			r.alloc(headBytes)
			return &List{v.Items[from:max(from, to):max(from, to)], v.tuple}
		}
		out := r.list(len(v.Items))
		out.tuple = v.tuple
		for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
			out.Items = append(out.Items, v.Items[i])
		}
		return out
	case undefined:
		return undefined(v)
	}
	fail("%s has no items", kind(v))
	return nil
}

// sliceBounds are Python's slice.indices.
func sliceBounds(n int, b [3]any) (from, to, by int) {
	bound := func(v any, none, low, high int) int {
		if v == nil {
			return none
		}
		i, ok := integer(v)
		if !ok {
			fail("a bound of a slice is %s", kind(v))
		}
		if i < 0 {
			i += int64(n)
		}
		return int(min(max(i, int64(low)), int64(high)))
	}
	by = 1
	if b[2] != nil {
		i, ok := integer(b[2])
		if !ok || i == 0 {
			fail("the step of a slice is %s", kind(b[2]))
		}
		by = int(min(max(i, -int64(n)-1), int64(n)+1))
	}
	if by > 0 {
		return bound(b[0], 0, 0, n), bound(b[1], n, 0, n), by
	}
	return bound(b[0], n-1, -1, n-1), bound(b[1], -1, -1, n-1), by
}

// items is what a loop goes through.
func (r *run) items(v any) []any {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Dict:
		return v.keys
	case string:
		r.read(v)
		n := utf8.RuneCountInString(v)
		r.alloc(n * itemBytes)
		out := make([]any, 0, n)
		for v != "" {
			_, n := utf8.DecodeRuneInString(v)
			out = append(out, v[:n])
			v = v[n:]
		}
		return out
	case undefined:
		return nil
	}
	fail("%s is nothing to go through", kind(v))
	return nil
}

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
