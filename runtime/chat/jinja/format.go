package jinja

import (
	"fmt"
	"strconv"
	"strings"
)

// maxWidth is that of a formatted value, a number's digits or an indent.
const maxWidth = 1000

// format is Python's text % values, for a value, a tuple, or a dict with %(name)s.
func format(r *run, text string, v any) string {
	r.read(text)
	values := []any{v}
	if l, ok := v.(*List); ok && l.tuple {
		values = l.Items
	}
	names, _ := v.(*Dict)
	used := names != nil
	next := func() any {
		if len(values) == 0 {
			fail("%q wants more values", text)
		}
		v := values[0]
		values, used = values[1:], true
		return v
	}
	var out strings.Builder
	for {
		at := strings.IndexByte(text, '%')
		if at < 0 || at+1 == len(text) {
			break
		}
		r.write(&out, text[:at])
		text = text[at+1:]
		if text[0] == '%' {
			r.write(&out, "%")
			text = text[1:]
			continue
		}
		var arg any
		named := false
		if end := strings.IndexByte(text, ')'); text[0] == '(' && end > 0 && names != nil {
			arg, named = names.values[text[1:end]], true
			text = text[end+1:]
		}
		n := 0
		for n < len(text) && strings.IndexByte("-+ #0123456789.", text[n]) >= 0 {
			n++
		}
		if n == len(text) {
			fail("a format ends in %q", text)
		}
		if !named {
			arg = next()
		}
		r.write(&out, verb(r, text[:n], text[n], arg))
		text = text[n+1:]
	}
	if !used || len(values) > 0 && names == nil {
		fail("%d values are left over", len(values))
	}
	r.write(&out, text)
	return out.String()
}

// verb formats one value.
func verb(r *run, flags string, verb byte, v any) string {
	for _, n := range strings.FieldsFunc(flags, func(c rune) bool { return c < '0' || c > '9' }) {
		if w, err := strconv.Atoi(n); err != nil || w > maxWidth {
			fail("a format is %s wide", n)
		}
	}
	switch verb {
	case 's', 'r':
		text := r.text(v)
		if verb == 'r' {
			text = r.repr(v)
		}
		if _, none := v.(undefined); none && verb == 's' {
			text = ""
		}
		r.alloc(len(text) + maxWidth)
		return fmt.Sprintf("%"+strings.Trim(flags, "+ #")+"s", text)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		f, ok := float(v)
		i, isInt := integer(v)
		if !ok {
			fail("%%%c wants a number, not %s", verb, kind(v))
		}
		if !isInt {
			i = int64(f)
		}
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		return fmt.Sprintf("%"+flags+string(verb), i)
	case 'f', 'F', 'e', 'E', 'g', 'G':
		f, ok := float(v)
		if !ok {
			fail("%%%c wants a number, not %s", verb, kind(v))
		}
		return fmt.Sprintf("%"+flags+string(verb), f)
	case 'c':
		if i, ok := integer(v); ok {
			return string(rune(i))
		}
		return r.text(v)
	}
	fail("the format %%%c is not known", verb)
	return ""
}

// formatMethod is Python's text.format(…), of fields without formats of their own.
func formatMethod(r *run, text string, a arguments) any {
	var out strings.Builder
	auto := 0
	for {
		at := strings.IndexAny(text, "{}")
		if at < 0 {
			r.write(&out, text)
			return out.String()
		}
		r.write(&out, text[:at])
		if at+1 < len(text) && text[at+1] == text[at] {
			r.write(&out, text[at:at+1])
			text = text[at+2:]
			continue
		}
		end := strings.IndexByte(text[at:], '}')
		if text[at] == '}' || end < 0 {
			fail("a bracket of format() is alone")
		}
		field := text[at+1 : at+end]
		text = text[at+end+1:]
		if strings.ContainsAny(field, ".[:!{") {
			fail("the field {%s} of format() is not known", field)
		}
		i, err := strconv.Atoi(field)
		if field == "" {
			i, err = auto, nil
			auto++
		}
		if err != nil {
			i = -1
		}
		r.write(&out, r.text(a.need(i, field)))
	}
}
