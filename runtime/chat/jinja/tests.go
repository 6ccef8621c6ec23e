package jinja

import "strings"

// tests are what may follow is.
var tests map[string]func(r *run, v any, a arguments) bool

func init() {
	compares := func(op string) func(r *run, v any, a arguments) bool {
		return func(r *run, v any, a arguments) bool { return r.compares(op, v, a.need(0, "value")) }
	}
	is := func(f func(v any) bool) func(*run, any, arguments) bool {
		return func(_ *run, v any, _ arguments) bool { return f(v) }
	}
	parity := func(want int64) func(*run, any, arguments) bool {
		return func(_ *run, v any, _ arguments) bool {
			i, ok := integer(v)
			if !ok {
				fail("%s is neither odd nor even", kind(v))
			}
			return i&1 == want
		}
	}
	tests = map[string]func(r *run, v any, a arguments) bool{
		"eq": compares("=="), "equalto": compares("=="), "==": compares("=="), "ne": compares("!="), "!=": compares("!="),
		"lt": compares("<"), "lessthan": compares("<"), "<": compares("<"), "le": compares("<="), "<=": compares("<="),
		"gt": compares(">"), "greaterthan": compares(">"), ">": compares(">"), "ge": compares(">="), ">=": compares(">="), "in": compares("in"),
		"even": parity(0), "odd": parity(1),
		"defined":   is(func(v any) bool { _, ok := v.(undefined); return !ok }),
		"undefined": is(func(v any) bool { _, ok := v.(undefined); return ok }),
		"none":      is(func(v any) bool { return v == nil }),
		"boolean":   is(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      is(func(v any) bool { return v == true }),
		"false":     is(func(v any) bool { return v == false }),
		"integer":   is(func(v any) bool { _, ok := v.(int64); return ok }),
		"float":     is(func(v any) bool { _, ok := v.(float64); return ok }),
		"number":    is(func(v any) bool { _, ok := float(v); return ok }),
		"string":    is(func(v any) bool { _, ok := v.(string); return ok }),
		"mapping":   is(func(v any) bool { _, ok := v.(*Dict); return ok }),
		"sequence": is(func(v any) bool {
			switch v.(type) {
			case string, *List, *Dict, undefined:
				return true
			}
			return false
		}),
		"iterable": is(func(v any) bool {
			switch v.(type) {
			case string, *List, *Dict, undefined:
				return true
			}
			return false
		}),
		"callable": is(func(v any) bool {
			switch v.(type) {
			case function, Func:
				return true
			}
			return false
		}),
		"escaped": is(func(any) bool { return false }),
		"filter":  is(func(v any) bool { s, _ := v.(string); _, ok := filters[s]; return ok }),
		"test":    is(func(v any) bool { s, _ := v.(string); _, ok := tests[s]; return ok }),
		"lower":   func(r *run, v any, _ arguments) bool { return cased(r.text(v), strings.ToLower) },
		"upper":   func(r *run, v any, _ arguments) bool { return cased(r.text(v), strings.ToUpper) },
		"divisibleby": func(r *run, v any, a arguments) bool {
			return r.equal(arithmetic(r, "%", v, a.need(0, "num")), int64(0))
		},
		"sameas": func(r *run, v any, a arguments) bool {
			other := a.need(0, "other")
			switch v.(type) {
			case *List, *Dict, *namespace, nil, bool:
				return v == other
			case function, Func:
				return false
			}
			return kind(v) == kind(other) && r.equal(v, other)
		},
	}
}

// cased reports whether a text has letters with case, all of one.
func cased(s string, to func(string) string) bool {
	return to(s) == s && (strings.ToLower(s) != s || strings.ToUpper(s) != s)
}
