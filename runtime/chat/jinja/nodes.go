package jinja

import "strings"

// node is a statement, a text or an output.
type node interface {
	exec(r *run, s *scope, out *strings.Builder) flow
}

type textNode string

func (n textNode) exec(r *run, _ *scope, out *strings.Builder) flow {
	r.write(out, string(n))
	return onward
}

// output is {{ … }}.
type output struct {
	line  int
	value expr
}

func (n *output) exec(r *run, s *scope, out *strings.Builder) flow {
	r.line = n.line
	r.write(out, r.text(r.eval(n.value, s)))
	return onward
}

type jump flow

func (n jump) exec(*run, *scope, *strings.Builder) flow { return flow(n) }

// branches are if, elif and else; the last body may have no condition.
type branches struct {
	line       int
	conditions []expr
	bodies     [][]node
}

func (n *branches) exec(r *run, s *scope, out *strings.Builder) flow {
	r.line = n.line
	for i, body := range n.bodies {
		if i == len(n.conditions) || truth(r.eval(n.conditions[i], s)) {
			return r.exec(body, s, out)
		}
	}
	return onward
}

// inner is a block: of with, it has variables of its own.
type inner struct {
	scope bool
	sets  []*setNode
	body  []node
}

func (n *inner) exec(r *run, s *scope, out *strings.Builder) flow {
	if n.scope {
		outside := s
		s = r.scope(outside)
		for _, set := range n.sets {
			set.target.set(r, s, r.eval(set.value, outside))
		}
	}
	return r.exec(n.body, s, out)
}

func (r *run) scope(parent *scope) *scope {
	r.alloc(headBytes)
	return &scope{parent: parent}
}

// target is what is set: a name, an attribute of a namespace, or several.
type target struct {
	name, attribute string
	parts           []target
	several         bool
}

func (t *target) set(r *run, s *scope, v any) {
	switch {
	case t.parts != nil:
		items := r.items(v)
		if len(items) != len(t.parts) {
			fail("%d values for %d variables", len(items), len(t.parts))
		}
		for i := range t.parts {
			t.parts[i].set(r, s, items[i])
		}
	case t.attribute != "":
		found, _ := s.get(t.name)
		ns, ok := found.(*namespace)
		if !ok {
			fail("%s.%s cannot be set: %s is no namespace", t.name, t.attribute, t.name)
		}
		r.alloc(entryBytes)
		ns.vars[t.attribute] = v
	default:
		s.set(r, t.name, v)
	}
}

// setNode is set with a value or with a block; without a target it is a filter block.
type setNode struct {
	line   int
	target target
	value  expr
	filter expr // of the block's text, a blockText
	body   []node
}

func (n *setNode) exec(r *run, s *scope, out *strings.Builder) flow {
	r.line = n.line
	if n.value != nil {
		n.target.set(r, s, r.eval(n.value, s))
		return onward
	}
	var text strings.Builder
	in := r.scope(s)
	r.exec(n.body, in, &text)
	var v any = text.String()
	if n.filter != nil {
		in.set(r, blockName, v)
		v = r.eval(n.filter, in)
	}
	if n.target.name == "" {
		r.write(out, r.text(v))
	} else {
		n.target.set(r, s, v)
	}
	return onward
}

// blockText is the text of a block, for its filters.
type blockText struct{}

const blockName = "\x00block"

func (blockText) eval(_ *run, s *scope) any {
	v, _ := s.get(blockName)
	return v
}

// macro is a function of the template.
type macro struct {
	line            int
	name            string
	names           []string
	defaults        []expr // nil where there is none
	body            []node
	varargs, kwargs bool // it looks at what it has no names for
}

func (n *macro) exec(r *run, s *scope, _ *strings.Builder) flow {
	r.line = n.line
	s.set(r, n.name, n.function(s))
	return onward
}

// function is the macro as a value, which sees the variables of where it stands.
func (n *macro) function(outside *scope) function {
	return func(r *run, a arguments) any {
		s, line := r.scope(outside), r.line
		rest := a.values
		for i, name := range n.names {
			named := a.named(name)
			switch {
			case len(rest) > 0 && named >= 0:
				fail("%s() got %s twice", n.name, name)
			case len(rest) > 0:
				s.set(r, name, rest[0])
				rest = rest[1:]
			case named >= 0:
				s.set(r, name, a.more[named])
			case n.defaults[i] != nil:
				s.set(r, name, r.eval(n.defaults[i], s))
			default:
				s.set(r, name, undefined(name))
			}
		}
		if n.varargs {
			l := r.list(len(rest))
			l.Items, l.tuple = append(l.Items, rest...), true
			s.set(r, "varargs", l)
		} else if len(rest) > 0 {
			fail("%s() takes %d arguments", n.name, len(n.names))
		}
		others := NewDict()
		for i, name := range a.names {
			switch {
			case name == "caller":
				s.set(r, name, a.more[i])
			case !contains(n.names, name):
				r.set(others, name, a.more[i])
			}
		}
		if n.kwargs {
			s.set(r, "kwargs", others)
		} else if len(others.keys) > 0 {
			fail("%s() has no argument %v", n.name, others.keys[0])
		}
		var out strings.Builder
		r.exec(n.body, s, &out)
		r.line = line
		return out.String()
	}
}

// callNode is call: a macro that is given its block as a function.
type callNode struct {
	line   int
	call   *call
	caller *macro
}

func (n *callNode) exec(r *run, s *scope, out *strings.Builder) flow {
	r.line = n.line
	a := n.call.arguments(r, s)
	a.names, a.more = append(a.names[:len(a.names):len(a.names)], "caller"), append(a.more, any(n.caller.function(s)))
	r.write(out, r.text(r.call(r.eval(n.call.f, s), a)))
	return onward
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
