package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethods are those of Python's str that templates use.
var stringMethods map[string]func(r *run, s string, a arguments) any

// dictMethods and listMethods are those that change nothing.
var dictMethods map[string]func(r *run, d *Dict, a arguments) any
var listMethods map[string]func(r *run, l *List, a arguments) any

func init() {
	all := func(f func(c rune) bool) func(*run, string, arguments) any {
		return func(_ *run, s string, _ arguments) any {
			return s != "" && strings.IndexFunc(s, func(c rune) bool { return !f(c) }) < 0
		}
	}
	made := func(f func(s string) string) func(*run, string, arguments) any {
		return func(r *run, s string, _ arguments) any { r.alloc(3 * len(s)); return f(s) }
	}
	stringMethods = map[string]func(r *run, s string, a arguments) any{
		"strip":  func(r *run, s string, a arguments) any { return strip(r, s, a, true, true) },
		"lstrip": func(r *run, s string, a arguments) any { return strip(r, s, a, true, false) },
		"rstrip": func(r *run, s string, a arguments) any { return strip(r, s, a, false, true) },
		"split":  func(r *run, s string, a arguments) any { return split1(r, s, a, false) },
		"rsplit": func(r *run, s string, a arguments) any { return split1(r, s, a, true) },
		"splitlines": func(r *run, s string, a arguments) any {
			return r.strings(lines(r, s, a.truth(0, "keepends")))
		},
		"startswith": func(r *run, s string, a arguments) any {
			return anyAffix(r, a, func(x string) bool { return strings.HasPrefix(s, x) })
		},
		"endswith": func(r *run, s string, a arguments) any {
			return anyAffix(r, a, func(x string) bool { return strings.HasSuffix(s, x) })
		},
		"upper":      made(upper),
		"lower":      made(strings.ToLower),
		"title":      made(title),
		"capitalize": made(capitalize),
		"swapcase": made(func(s string) string {
			return strings.Map(func(c rune) rune {
				if unicode.IsUpper(c) {
					return unicode.ToLower(c)
				}
				return unicode.ToUpper(c)
			}, s)
		}),
		"replace": func(r *run, s string, a arguments) any {
			return r.replace(s, r.text(a.need(0, "old")), r.text(a.need(1, "new")), a.integer(2, "count", -1))
		},
		"removeprefix": func(r *run, s string, a arguments) any { return strings.TrimPrefix(s, r.text(a.need(0, "prefix"))) },
		"removesuffix": func(r *run, s string, a arguments) any { return strings.TrimSuffix(s, r.text(a.need(0, "suffix"))) },
		"find": func(r *run, s string, a arguments) any {
			return place(r, s, strings.Index(s, r.text(a.need(0, "sub"))))
		},
		"rfind": func(r *run, s string, a arguments) any {
			return place(r, s, strings.LastIndex(s, r.text(a.need(0, "sub"))))
		},
		"index": func(r *run, s string, a arguments) any {
			i := strings.Index(s, r.text(a.need(0, "sub")))
			if i < 0 {
				fail("index(): the text is not there")
			}
			return place(r, s, i)
		},
		"count":      func(r *run, s string, a arguments) any { return int64(strings.Count(s, r.text(a.need(0, "sub")))) },
		"join":       func(r *run, s string, a arguments) any { return r.joined(r.items(a.need(0, "iterable")), s, true) },
		"format":     formatMethod,
		"partition":  func(r *run, s string, a arguments) any { return partition(r, s, a, strings.Index) },
		"rpartition": func(r *run, s string, a arguments) any { return partition(r, s, a, strings.LastIndex) },
		"isdigit":    all(unicode.IsDigit), "isdecimal": all(unicode.IsDigit), "isnumeric": all(unicode.IsNumber), "isalpha": all(unicode.IsLetter),
		"isalnum": all(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isspace": all(isSpace), "isascii": func(_ *run, s string, _ arguments) any { return isASCII(s) },
		"isupper": func(_ *run, s string, _ arguments) any { return cased(s, strings.ToUpper) },
		"islower": func(_ *run, s string, _ arguments) any { return cased(s, strings.ToLower) },
		"ljust":   func(r *run, s string, a arguments) any { return pad(r, s, a, 0, 1) },
		"rjust":   func(r *run, s string, a arguments) any { return pad(r, s, a, 1, 0) },
		"zfill": func(r *run, s string, a arguments) any {
			return pad(r, s, arguments{values: []any{a.need(0, "width"), "0"}}, 1, 0)
		},
	}
	dictMethods = map[string]func(r *run, d *Dict, a arguments) any{
		"get": func(_ *run, d *Dict, a arguments) any {
			switch key := a.need(0, "key").(type) {
			case nil, bool, int64, float64, string:
				if v, ok := d.values[key]; ok {
					return v
				}
			}
			v, _ := a.get(1, "default")
			return v
		},
		"items": func(r *run, d *Dict, _ arguments) any { return r.pairs(d) },
		"keys":  func(_ *run, d *Dict, _ arguments) any { return &List{Items: d.keys} },
		"values": func(r *run, d *Dict, _ arguments) any {
			l := r.list(len(d.keys))
			for _, k := range d.keys {
				l.Items = append(l.Items, d.values[k])
			}
			return l
		},
		"copy": func(_ *run, d *Dict, _ arguments) any { return d },
	}
	for _, name := range []string{"update", "pop", "popitem", "setdefault", "clear"} {
		dictMethods[name] = func(*run, *Dict, arguments) any {
			fail("%s() would change a dict, which templates must not", name)
			return nil
		}
	}
	listMethods = map[string]func(r *run, l *List, a arguments) any{
		"count": func(r *run, l *List, a arguments) any {
			n := int64(0)
			for _, item := range l.Items {
				if r.equal(item, a.need(0, "value")) {
					n++
				}
			}
			return n
		},
		"index": func(r *run, l *List, a arguments) any {
			for i, item := range l.Items {
				if r.equal(item, a.need(0, "value")) {
					return int64(i)
				}
			}
			fail("index(): the value is not in the list")
			return nil
		},
		"copy": func(_ *run, l *List, _ arguments) any { return l },
	}
	for _, name := range []string{"append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"} {
		listMethods[name] = func(*run, *List, arguments) any {
			fail("%s() would change a list, which templates must not", name)
			return nil
		}
	}
}

func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// place is an index of bytes as one of characters.
func place(r *run, s string, i int) any {
	if i < 0 {
		return int64(-1)
	}
	r.read(s[:i])
	return int64(utf8.RuneCountInString(s[:i]))
}

func strip(r *run, s string, a arguments, left, right bool) any {
	is := isSpace
	if v, ok := a.get(0, "chars"); ok && v != nil {
		set := r.text(v)
		r.step(min(len(s), 1<<20) * len(set) / 64)
		is = func(c rune) bool { return strings.ContainsRune(set, c) }
	}
	if left {
		s = strings.TrimLeftFunc(s, is)
	}
	if right {
		s = strings.TrimRightFunc(s, is)
	}
	return s
}

// anyAffix is startswith and endswith, of a text or of a tuple of them.
func anyAffix(r *run, a arguments, has func(string) bool) any {
	v := a.need(0, "prefix")
	l, ok := v.(*List)
	if !ok {
		s, ok := v.(string)
		if !ok {
			fail("startswith() and endswith() want a string, not %s", kind(v))
		}
		return has(s)
	}
	r.step(len(l.Items))
	for _, item := range l.Items {
		if has(r.text(item)) {
			return true
		}
	}
	return false
}

func (r *run) strings(parts []string) *List {
	l := r.list(len(parts))
	for _, p := range parts {
		l.Items = append(l.Items, p)
	}
	return l
}

// split1 is split and rsplit.
func split1(r *run, s string, a arguments, fromRight bool) any {
	most := a.integer(1, "maxsplit", -1)
	sep, ok := a.get(0, "sep")
	var parts []string
	if !ok || sep == nil {
		r.alloc(64 * (1 + words(s)))
		parts = fields(s, most, fromRight)
	} else {
		by := r.text(sep)
		if by == "" {
			fail("split(): the separator is empty")
		}
		r.alloc(16 * (1 + strings.Count(s, by)))
		switch {
		case most < 0:
			parts = strings.Split(s, by)
		case !fromRight:
			parts = strings.SplitN(s, by, min(most, len(s))+1)
		default:
			for ; most > 0; most-- {
				i := strings.LastIndex(s, by)
				if i < 0 {
					break
				}
				parts = append(parts, s[i+len(by):])
				s = s[:i]
			}
			parts = append(parts, s)
			for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
				parts[i], parts[j] = parts[j], parts[i]
			}
		}
	}
	return r.strings(parts)
}

// words counts texts between white space.
func words(s string) (n int) {
	space := true
	for _, c := range s {
		was := space
		if space = isSpace(c); was && !space {
			n++
		}
	}
	return n
}

// fields parts a text at white space, most times at most.
func fields(s string, most int, fromRight bool) []string {
	parts := strings.FieldsFunc(s, isSpace)
	if most < 0 || len(parts) <= most {
		return parts
	}
	if fromRight {
		rest := strings.TrimRightFunc(s, isSpace)
		for _, p := range parts[len(parts)-most:] {
			_ = p
			rest = strings.TrimRightFunc(rest[:strings.LastIndexFunc(rest, isSpace)+1], isSpace)
		}
		return append([]string{strings.TrimLeftFunc(rest, isSpace)}, parts[len(parts)-most:]...)
	}
	rest := strings.TrimLeftFunc(s, isSpace)
	for range most {
		rest = strings.TrimLeftFunc(rest[strings.IndexFunc(rest, isSpace):], isSpace)
	}
	return append(parts[:most:most], rest)
}

// lines are those of splitlines, which knows the line ends of ASCII and Unicode.
func lines(r *run, s string, ends bool) (out []string) {
	r.alloc(16 * (2 + strings.Count(s, "\n")))
	for s != "" {
		i := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if i < 0 {
			r.alloc(16)
			return append(out, s)
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		r.alloc(16)
		if ends {
			out = append(out, s[:i+n])
		} else {
			out = append(out, s[:i])
		}
		s = s[i+n:]
	}
	return out
}

// title begins each word with a capital letter.
func title(s string) string {
	letter := false
	return strings.Map(func(c rune) rune {
		before := letter
		letter = unicode.IsLetter(c)
		if before {
			return unicode.ToLower(c)
		}
		return unicode.ToTitle(c)
	}, s)
}

func upper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return upper(s[:n]) + strings.ToLower(s[n:])
}

// replace replaces the first most of old; all of them if most is negative.
func (r *run) replace(s, old, with string, most int) string {
	r.read(s)
	n := strings.Count(s, old)
	if most >= 0 {
		n = min(n, most)
	}
	r.alloc(len(s) + times(len(with), int64(n)))
	return strings.Replace(s, old, with, n)
}

func partition(r *run, s string, a arguments, index func(s, sep string) int) any {
	sep := r.text(a.need(0, "sep"))
	if sep == "" {
		fail("partition(): the separator is empty")
	}
	l := r.list(3)
	l.tuple = true
	if i := index(s, sep); i >= 0 {
		l.Items = append(l.Items, s[:i], sep, s[i+len(sep):])
	} else {
		l.Items = append(l.Items, s, "", "")
	}
	return l
}

// pad fills a text to a width: left and right are shares of what is missing.
func pad(r *run, s string, a arguments, left, right int) any {
	width, fill := a.integer(0, "width", 80), a.string(r, 1, "fillchar", " ")
	missing := width - utf8.RuneCountInString(s)
	if missing <= 0 {
		return s
	}
	r.alloc(len(s) + times(len(fill), int64(missing)))
	before := missing * left / (left + right)
	return strings.Repeat(fill, before) + s + strings.Repeat(fill, missing-before)
}

// pairs are the items of a dict.
func (r *run) pairs(d *Dict) *List {
	l := r.list(len(d.keys))
	for _, k := range d.keys {
		l.Items = append(l.Items, r.pair(k, d.values[k]))
	}
	return l
}

// joined joins texts; strict ones are strings already.
func (r *run) joined(items []any, separator string, strict bool) string {
	var out strings.Builder
	for i, item := range items {
		r.step(1)
		if i > 0 {
			r.write(&out, separator)
		}
		if _, ok := item.(string); strict && !ok {
			fail("join() wants strings, not %s", kind(item))
		}
		r.write(&out, r.text(item))
	}
	return out.String()
}
