package jinja

import "fmt"

// globals are the functions that every template knows.
var globals *scope

// maxRange is how many numbers a range may have; that of Jinja's sandbox.
const maxRange = 100000

func init() {
	globals = &scope{fixed: true, vars: map[string]any{
		"range": function(func(r *run, a arguments) any { return r.numbers(a.values) }),
		"dict":  function(func(r *run, a arguments) any { return r.dict(a) }),
		"namespace": function(func(r *run, a arguments) any {
			d := r.dict(a)
			ns := &namespace{make(map[string]any, len(d.keys))}
			for _, k := range d.keys {
				ns.vars[fmt.Sprint(k)] = d.values[k]
			}
			return ns
		}),
		"joiner": function(func(r *run, a arguments) any {
			separator, first := a.string(r, 0, "sep", ", "), true
			return function(func(*run, arguments) any {
				if first {
					first = false
					return ""
				}
				return separator
			})
		}),
		"cycler": function(func(r *run, a arguments) any {
			if len(a.values) == 0 {
				fail("cycler() wants values")
			}
			at := 0
			c := &namespace{map[string]any{"current": a.values[0]}}
			c.vars["next"] = function(func(*run, arguments) any {
				v := a.values[at]
				at = (at + 1) % len(a.values)
				c.vars["current"] = a.values[at]
				return v
			})
			c.vars["reset"] = function(func(*run, arguments) any {
				at, c.vars["current"] = 0, a.values[0]
				return nil
			})
			return c
		}),
	}}
}

// dict is dict(…), of a dict, pairs and names.
func (r *run) dict(a arguments) *Dict {
	r.alloc(headBytes)
	d := NewDict()
	if len(a.values) > 0 {
		if from, ok := a.values[0].(*Dict); ok {
			for _, k := range from.keys {
				r.set(d, k, from.values[k])
			}
		} else {
			for _, item := range r.items(a.values[0]) {
				pair := r.items(item)
				if len(pair) != 2 {
					fail("dict() wants pairs")
				}
				r.set(d, pair[0], pair[1])
			}
		}
	}
	for i, name := range a.names {
		r.set(d, name, a.more[i])
	}
	return d
}

// numbers is range(…).
func (r *run) numbers(args []any) *List {
	n := []int64{0, 0, 1}
	for i, a := range args {
		v, ok := integer(a)
		if !ok || len(args) > 3 {
			fail("range() takes one to three integers")
		}
		n[i] = v
	}
	switch len(args) {
	case 0:
		fail("range() takes one to three integers")
	case 1:
		n[0], n[1] = 0, n[0]
	}
	from, to, step := n[0], n[1], n[2]
	if step == 0 {
		fail("range(): the step is 0")
	}
	var count uint64
	switch {
	case step > 0 && from < to:
		count = (uint64(to)-uint64(from)-1)/uint64(step) + 1
	case step < 0 && from > to:
		count = (uint64(from)-uint64(to)-1)/(-uint64(step)) + 1
	}
	if count > maxRange {
		fail("%w: range() has more than %d numbers", ErrLimit, maxRange)
	}
	l := r.list(int(count))
	for i := range int64(count) {
		l.Items = append(l.Items, from+i*step)
	}
	return l
}
