package jinja

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filters are what may follow |; those of lists are in filters_lists.go.
var filters map[string]func(r *run, v any, a arguments) any

func init() {
	method := func(name string) func(r *run, v any, a arguments) any {
		return func(r *run, v any, a arguments) any {
			s := r.text(v)
			r.read(s)
			return stringMethods[name](r, s, a)
		}
	}
	filters = map[string]func(r *run, v any, a arguments) any{
		"abs":        absolute,
		"capitalize": method("capitalize"),
		"center":     func(r *run, v any, a arguments) any { return pad(r, r.text(v), a, 1, 1) },
		"default":    otherwise,
		"d":          otherwise,
		"escape":     escape,
		"e":          escape,
		"float": func(_ *run, v any, a arguments) any {
			if f, ok := float(v); ok {
				return f
			}
			if s, ok := v.(string); ok {
				if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
					return f
				}
			}
			if d, ok := a.get(0, "default"); ok {
				return d
			}
			return 0.0
		},
		"forceescape": escape,
		"format": func(r *run, v any, a arguments) any {
			if len(a.names) > 0 {
				return format(r, r.text(v), r.dict(arguments{names: a.names, more: a.more}))
			}
			return format(r, r.text(v), &List{a.values, true})
		},
		"indent": indent,
		"int":    toInteger,
		"lower":  method("lower"),
		"replace": func(r *run, v any, a arguments) any {
			return r.replace(r.text(v), r.text(a.need(0, "old")), r.text(a.need(1, "new")), a.integer(2, "count", -1))
		},
		"round":  round,
		"safe":   func(r *run, v any, _ arguments) any { return r.text(v) },
		"string": func(r *run, v any, _ arguments) any { return r.text(v) },
		"title":  titleFilter,
		"tojson": toJSON,
		"trim":   method("strip"),
		"truncate": func(r *run, v any, a arguments) any {
			s, n, end := r.text(v), a.integer(0, "length", 255), a.string(r, 2, "end", "...")
			size := utf8.RuneCountInString(s)
			if size <= n+a.integer(3, "leeway", 5) {
				return s
			}
			r.alloc(4*size + len(end))
			cut := string([]rune(s)[:max(0, min(size, n-utf8.RuneCountInString(end)))])
			if i := strings.LastIndexByte(cut, ' '); i >= 0 && !a.truth(1, "killwords") {
				cut = cut[:i]
			}
			return cut + end
		},
		"upper": method("upper"),
		"wordcount": func(r *run, v any, _ arguments) any {
			return int64(len(strings.FieldsFunc(r.text(v), func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c) })))
		},
	}
	for name, f := range listFilters {
		filters[name] = f
	}
}

func absolute(r *run, v any, _ arguments) any {
	if f, ok := v.(float64); ok {
		return math.Abs(f)
	}
	if i, ok := integer(v); ok && i >= 0 {
		return i
	}
	return arithmetic(r, "-", int64(0), v)
}

// otherwise is default.
func otherwise(r *run, v any, a arguments) any {
	if _, ok := v.(undefined); ok || a.truth(1, "boolean") && !truth(v) {
		if d, ok := a.get(0, "default_value"); ok {
			return d
		}
		return ""
	}
	return v
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func escape(r *run, v any, _ arguments) any {
	s := r.text(v)
	r.alloc(5 * len(s))
	return escapes.Replace(s)
}

// indent indents lines, but not the first and not empty ones unless asked.
func indent(r *run, v any, a arguments) any {
	by := "    "
	if w, ok := a.get(0, "width"); ok {
		if s, ok := w.(string); ok {
			by = s
		} else {
			by = r.repeat(" ", int64(a.integer(0, "width", 4)))
		}
	}
	s, blank := r.text(v), a.truth(2, "blank")
	r.alloc(len(s))
	var out strings.Builder
	for i, line := range lines(r, s+"\n", false) {
		if i > 0 {
			r.write(&out, "\n")
		}
		if i == 0 && a.truth(1, "first") || i > 0 && (blank || line != "") {
			r.write(&out, by)
		}
		r.write(&out, line)
	}
	return out.String()
}

func toInteger(_ *run, v any, a arguments) any {
	switch v := v.(type) {
	case bool, int64:
		i, _ := integer(v)
		return i
	case float64:
		if math.Abs(v) < 1<<63 {
			return int64(v)
		}
	case string:
		s := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if i, err := strconv.ParseInt(s, a.integer(1, "base", 10)&63, 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < 1<<63 {
			return int64(f)
		}
	}
	if d, ok := a.get(0, "default"); ok {
		return d
	}
	return int64(0)
}

// round rounds to even at the half, as Python does.
func round(r *run, v any, a arguments) any {
	f, ok := float(v)
	if !ok {
		fail("round: %s is no number", kind(v))
	}
	places := a.integer(0, "precision", 0)
	how := a.string(r, 1, "method", "common")
	if i, ok := v.(int64); ok && how == "common" {
		if places >= 0 {
			return i
		}
		f = math.RoundToEven(f/math.Pow(10, float64(-places))) * math.Pow(10, float64(-places))
		if math.Abs(f) < 1<<53 {
			return int64(f)
		}
		return i
	}
	switch how {
	case "common":
		if places >= 0 && places <= maxWidth {
			f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', places, 64), 64)
			return f
		}
		p := math.Pow(10, float64(-places))
		return math.RoundToEven(f/p) * p
	case "ceil", "floor":
		p := math.Pow(10, float64(places))
		if how == "ceil" {
			return math.Ceil(f*p) / p
		}
		return math.Floor(f*p) / p
	}
	fail("round: the method %q is not known", how)
	return nil
}

var wordStart = regexp.MustCompile(`[-\s({\[<]+`)

// titleFilter begins words with a capital, as the filter does; the method of strings is another.
func titleFilter(r *run, v any, _ arguments) any {
	s := r.text(v)
	r.alloc(4 * len(s))
	var out strings.Builder
	for s != "" {
		at := wordStart.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		out.WriteString(capitalize(s[:at[0]]))
		out.WriteString(s[at[0]:at[1]])
		s = s[at[1]:]
	}
	return out.String()
}
