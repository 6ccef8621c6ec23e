package jinja

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// notation is how JSON is written: Python's json.dumps(indent, separators, sort_keys, ensure_ascii).
type notation struct {
	step   string // of an indent
	lines  bool
	comma  string
	colon  string
	sorted bool
	ascii  bool
}

// toJSON is the filter tojson of apply_chat_template.
func toJSON(r *run, v any, a arguments) any {
	n := notation{comma: ", ", colon: ": "}
	if f, _ := a.get(0, "ensure_ascii"); truth(f) {
		n.ascii = true
	}
	if indent, ok := a.get(1, "indent"); ok && indent != nil {
		n.lines, n.comma = true, ","
		switch i := indent.(type) {
		case string:
			n.step = i
		default:
			w, ok := integer(i)
			if !ok || w > 1000 {
				fail("tojson: the indent is %s", kind(indent))
			}
			n.step = strings.Repeat(" ", max(0, int(w)))
		}
	}
	if s, ok := a.get(2, "separators"); ok && s != nil {
		l, isList := s.(*List)
		if !isList || len(l.Items) != 2 {
			fail("tojson: separators are two strings")
		}
		n.comma, n.colon = r.text(l.Items[0]), r.text(l.Items[1])
	}
	if f, _ := a.get(3, "sort_keys"); truth(f) {
		n.sorted = true
	}
	var out strings.Builder
	n.write(r, &out, v, "\n")
	return out.String()
}

func (n notation) write(r *run, out *strings.Builder, v any, line string) {
	r.enter()
	r.read(line)
	items := func(brackets string, count int, item func(i int, line string)) {
		r.write(out, brackets[:1])
		inside := line
		if n.lines && count > 0 {
			inside = line + n.step
			r.alloc(len(inside))
		}
		for i := range count {
			if i > 0 {
				r.write(out, n.comma)
			}
			if n.lines {
				r.write(out, inside)
			}
			item(i, inside)
		}
		if n.lines && count > 0 {
			r.write(out, line)
		}
		r.write(out, brackets[1:])
	}
	switch v := v.(type) {
	case nil:
		r.write(out, "null")
	case bool:
		r.write(out, fmt.Sprint(v))
	case int64:
		r.write(out, fmt.Sprint(v))
	case float64:
		text := floatText(v)
		if math.IsInf(v, 0) || math.IsNaN(v) {
			text = map[string]string{"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[text]
		}
		r.write(out, text)
	case string:
		n.quote(r, out, v)
	case *List:
		items("[]", len(v.Items), func(i int, line string) { n.write(r, out, v.Items[i], line) })
	case *Dict:
		keys := v.keys
		if n.sorted {
			r.alloc(itemBytes * len(keys))
			keys = slices.Clone(keys)
			slices.SortStableFunc(keys, r.compare)
		}
		items("{}", len(keys), func(i int, line string) {
			n.quote(r, out, keyText(r, keys[i]))
			r.write(out, n.colon)
			n.write(r, out, v.values[keys[i]], line)
		})
	default:
		fail("tojson: JSON has no %s", strings.TrimPrefix(strings.TrimPrefix(kind(v), "a "), "an "))
	}
	r.depth--
}

// keyText is a key of an object, which are texts in JSON.
func keyText(r *run, k any) string {
	switch k := k.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(k)
	}
	return r.text(k)
}

func (n notation) quote(r *run, out *strings.Builder, s string) {
	r.write(out, `"`)
	if !utf8.ValidString(s) {
		r.alloc(3 * len(s))
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	from := 0
	for i, c := range s {
		text := ""
		switch {
		case c == '"':
			text = `\"`
		case c == '\\':
			text = `\\`
		case c == '\n':
			text = `\n`
		case c == '\t':
			text = `\t`
		case c == '\r':
			text = `\r`
		case c == '\b':
			text = `\b`
		case c == '\f':
			text = `\f`
		case c < ' ' || n.ascii && c >= 0x7f && c <= 0xffff:
			text = fmt.Sprintf(`\u%04x`, c)
		case n.ascii && c > 0xffff:
			c -= 0x10000
			text = fmt.Sprintf(`\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
			c += 0x10000
		default:
			continue
		}
		r.write(out, s[from:i])
		r.write(out, text)
		from = i + len(string(c))
	}
	r.write(out, s[from:])
	r.write(out, `"`)
}
