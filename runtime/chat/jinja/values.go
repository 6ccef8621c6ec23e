package jinja

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// List is a list, or a tuple, which is written otherwise and equals no list. Templates do not change it.
type List struct {
	Items []any
	tuple bool
}

// Dict keeps the order of its keys, which are nil, bool, int64, float64 or string. Templates do not change it.
type Dict struct {
	keys   []any
	values map[any]any
}

// NewDict returns an empty one.
func NewDict() *Dict { return &Dict{values: map[any]any{}} }

// Set adds or replaces a value.
func (d *Dict) Set(key, value any) {
	if _, ok := d.values[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[key] = value
}

// Func is a function that a template may call; its errors are those of the rendering.
type Func func(args []any, named map[string]any) (any, error)

// undefined is a variable, an attribute or an item that is not there, by its name.
type undefined string

// namespace is what namespace() makes, the one thing that changes. It is written without what it holds, so that no value holds itself.
type namespace struct{ vars map[string]any }

// function is one that is built in, or a macro.
type function func(r *run, a arguments) any

// Bytes of values, for the budget: of an item of a list, of an entry of a dict or scope, of either itself.
const (
	itemBytes  = 32
	entryBytes = 96
	headBytes  = 64
)

// From makes a value of bool, integers, floats, string, []any, map[string]any (keys sorted) and nil; of others, as they are printed.
func From(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, *List, *Dict, Func:
		return v
	case int:
		return int64(v)
	case float32:
		return float64(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64() // of what encoding/json accepts only the range can be wrong
		return f
	case []any:
		l := &List{}
		for _, item := range v {
			l.Items = append(l.Items, From(item))
		}
		return l
	case map[string]any:
		d, keys := NewDict(), make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			d.Set(k, From(v[k]))
		}
		return d
	}
	return fmt.Sprint(v)
}

// FromJSON reads one value of JSON; dicts keep the order of keys, which templates write.
func FromJSON(text []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err == nil {
		if _, err := d.Token(); err != io.EOF {
			return v, fmt.Errorf("JSON has more than one value")
		}
	}
	return v, err
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("JSON is nested more than %d deep", maxNesting)
	}
	switch v := token.(type) {
	case json.Number:
		if f, err := v.Float64(); err != nil || math.IsInf(f, 0) {
			return nil, fmt.Errorf("JSON: %s is too large", v)
		}
		return From(v), nil
	case json.Delim:
		if v == '[' {
			l := &List{}
			for d.More() {
				item, err := readJSON(d, depth+1)
				if err != nil {
					return nil, err
				}
				l.Items = append(l.Items, item)
			}
			_, err := d.Token()
			return l, err
		}
		out := NewDict()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, fmt.Errorf("JSON: %w", err)
			}
			item, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			out.Set(key, item)
		}
		_, err := d.Token()
		return out, err
	}
	return token, nil // nil, bool, string
}

// size is about the bytes of a value that is given.
func size(v any, depth int) int {
	n := itemBytes
	if depth > maxNesting {
		return n
	}
	switch v := v.(type) {
	case string:
		n += len(v)
	case *List:
		for _, item := range v.Items {
			n += size(item, depth+1)
		}
	case *Dict:
		for k, item := range v.values {
			n += size(k, depth+1) + size(item, depth+1)
		}
	}
	return n
}

// list makes a list of n items at most, which are counted before.
func (r *run) list(n int) *List {
	r.alloc(headBytes + times(itemBytes, int64(n)))
	return &List{Items: make([]any, 0, n)}
}

func (r *run) pair(a, b any) *List {
	r.alloc(headBytes + 2*itemBytes)
	return &List{[]any{a, b}, true}
}

// set adds an entry to a dict that is made.
func (r *run) set(d *Dict, key, value any) {
	switch key.(type) {
	case nil, bool, int64, float64, string:
	default:
		fail("a key of a dict cannot be %s", kind(key))
	}
	r.alloc(entryBytes)
	d.Set(key, value)
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "a string"
	case *List:
		return "a list"
	case *Dict:
		return "a dict"
	case undefined:
		return fmt.Sprintf("%s, which is undefined", string(v))
	case *namespace:
		return "a namespace"
	}
	return "a function"
}

func truth(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case *Dict:
		return len(v.keys) > 0
	}
	return true
}

// float is the value of numbers and booleans.
func float(v any) (float64, bool) {
	switch v := v.(type) {
	case bool, int64:
		i, _ := integer(v)
		return float64(i), true
	case float64:
		return v, true
	}
	return 0, false
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// equal is Python's ==.
func (r *run) equal(a, b any) bool {
	r.enter()
	defer func() { r.depth-- }()
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			if len(a) == len(b) {
				r.read(a)
			}
			return a == b
		}
		return false
	case *List:
		b, ok := b.(*List)
		if !ok || a.tuple != b.tuple || len(a.Items) != len(b.Items) {
			return false
		}
		for i := range a.Items {
			if !r.equal(a.Items[i], b.Items[i]) {
				return false
			}
		}
		return true
	case *Dict:
		b, ok := b.(*Dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for _, k := range a.keys {
			if v, ok := b.values[k]; !ok || !r.equal(a.values[k], v) {
				return false
			}
		}
		return true
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	}
	x, ok := float(a)
	y, ok2 := float(b)
	return ok && ok2 && x == y
}

// compare is negative for a < b, 0 for equal ones, else positive.
func (r *run) compare(a, b any) int {
	r.enter()
	defer func() { r.depth-- }()
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			r.read(x)
			return strings.Compare(x, y)
		}
	}
	if x, ok := a.(*List); ok {
		if y, ok := b.(*List); ok && x.tuple == y.tuple {
			for i := range min(len(x.Items), len(y.Items)) {
				if c := r.compare(x.Items[i], y.Items[i]); c != 0 {
					return c
				}
			}
			return len(x.Items) - len(y.Items)
		}
	}
	x, ok := float(a)
	y, ok2 := float(b)
	if !ok || !ok2 {
		fail("%s and %s have no order", kind(a), kind(b))
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// text is Python's str().
func (r *run) text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case undefined:
		return ""
	}
	return r.repr(v)
}

// repr is Python's repr().
func (r *run) repr(v any) string {
	var out strings.Builder
	r.writeRepr(&out, v)
	return out.String()
}

func (r *run) writeRepr(out *strings.Builder, v any) {
	r.enter()
	switch v := v.(type) {
	case nil:
		r.write(out, "None")
	case undefined:
		r.write(out, "Undefined")
	case bool:
		r.write(out, map[bool]string{true: "True", false: "False"}[v])
	case int64:
		r.write(out, strconv.FormatInt(v, 10))
	case float64:
		r.write(out, floatText(v))
	case string:
		r.alloc(len(v))
		r.write(out, quote(v))
	case *List:
		brackets := "[]"
		if v.tuple {
			brackets = "()"
		}
		r.write(out, brackets[:1])
		for i, item := range v.Items {
			if i > 0 {
				r.write(out, ", ")
			}
			r.writeRepr(out, item)
		}
		if v.tuple && len(v.Items) == 1 {
			r.write(out, ",")
		}
		r.write(out, brackets[1:])
	case *Dict:
		r.write(out, "{")
		for i, k := range v.keys {
			if i > 0 {
				r.write(out, ", ")
			}
			r.writeRepr(out, k)
			r.write(out, ": ")
			r.writeRepr(out, v.values[k])
		}
		r.write(out, "}")
	case *namespace:
		r.write(out, "<Namespace>")
	default:
		r.write(out, "<function>")
	}
	r.depth--
}

// floatText is the shortest text of a float that reads as it, as Python has it.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quote is Python's repr of a string.
func quote(s string) string {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	out := append(make([]byte, 0, len(s)+2), mark)
	for _, c := range s {
		switch {
		case c == rune(mark) || c == '\\':
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c < ' ' || c >= 0x7f && c <= 0xa0 || c == 0xad:
			out = fmt.Appendf(out, `\x%02x`, c)
		case !strconv.IsPrint(c) && c <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, c)
		case !strconv.IsPrint(c):
			out = fmt.Appendf(out, `\U%08x`, c)
		default:
			out = append(out, string(c)...)
		}
	}
	return string(append(out, mark))
}
