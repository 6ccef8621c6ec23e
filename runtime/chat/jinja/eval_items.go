package jinja

import (
	"fmt"
	"unicode/utf8"
)

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
