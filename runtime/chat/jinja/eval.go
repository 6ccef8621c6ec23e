package jinja

import (
	"strings"
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
