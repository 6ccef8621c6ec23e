package chat

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/ardanlabs/jinja"
)

// jsonName is a function in place of tojson(indent=N), by which the library sorts keys.
const jsonName = "carat_json"

var indented = regexp.MustCompile(`([A-Za-z_][\w.]*)\s*\|\s*tojson\(\s*indent\s*=\s*([0-9])\s*\)`)

// ordered calls that function where a variable is written as JSON with an indent.
func ordered(expression string) string {
	return indented.ReplaceAllString(expression, jsonName+"($1, $2)")
}

// indentedJSON is Python's json.dumps(value, indent=n, ensure_ascii=False).
func indentedJSON(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	if len(args) != 2 || !args[1].IsInt() {
		return jinja.None(), fmt.Errorf("tojson wants a value and an indent")
	}
	var out strings.Builder
	err := writeJSON(&out, args[0], strings.Repeat(" ", int(args[1].AsInt())), "\n", 0)
	return jinja.NewString(out.String()), err
}

func writeJSON(out *strings.Builder, v jinja.Value, step, line string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("tojson: the value is nested more than %d deep", maxNesting)
	}
	list := func(open, end string, n int, item func(i int) error) error {
		out.WriteString(open)
		for i := range n {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(line + step)
			if err := item(i); err != nil {
				return err
			}
		}
		if n > 0 {
			out.WriteString(line)
		}
		out.WriteString(end)
		return nil
	}
	text := func(s string) {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s) // a string
		out.WriteString(strings.TrimSuffix(b.String(), "\n"))
	}
	switch {
	case v.IsDict():
		d := v.AsDict()
		return list("{", "}", len(d.Keys), func(i int) error {
			text(d.Keys[i])
			out.WriteString(": ")
			return writeJSON(out, d.Data[d.Keys[i]], step, line+step, depth+1)
		})
	case v.IsList():
		items := v.AsList().Items
		return list("[", "]", len(items), func(i int) error { return writeJSON(out, items[i], step, line+step, depth+1) })
	case v.IsString():
		text(v.AsString())
	case v.IsBool():
		fmt.Fprint(out, v.AsBool())
	case v.IsNone():
		out.WriteString("null")
	case v.IsNumber():
		out.WriteString(v.String())
	default:
		return fmt.Errorf("tojson: %s is no JSON", v)
	}
	return nil
}
