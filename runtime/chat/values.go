package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ardanlabs/jinja"

	"github.com/carat-llm/carat/gguf"
)

// style is how a template wants messages with calls of tools.
type style struct {
	texts bool // arguments are a text of JSON; else its value, if it is JSON
	none  bool // a message without content has none; else an empty one
}

// message is what templates see of a message: what it has, in the order of apply_chat_template's examples.
func (s style) message(m Message) (jinja.Value, error) {
	out := jinja.NewDict()
	d := out.AsDict()
	d.Set("role", jinja.NewString(m.Role))
	d.Set("content", jinja.NewString(m.Content))
	if m.Content == "" && len(m.ToolCalls) > 0 && s.none {
		d.Set("content", jinja.None())
	}
	for _, f := range []struct{ name, value string }{{"name", m.Name}, {"reasoning_content", m.Reasoning}, {"tool_call_id", m.CallID}} {
		if f.value != "" {
			d.Set(f.name, jinja.NewString(f.value))
		}
	}
	if len(m.ToolCalls) == 0 {
		return out, nil
	}
	calls := make([]jinja.Value, len(m.ToolCalls))
	for i, c := range m.ToolCalls {
		arguments := jinja.NewString(c.Function.Arguments)
		if !s.texts {
			if v, err := parseJSON([]byte(c.Function.Arguments)); err == nil {
				arguments = v
			}
		}
		function := jinja.NewDict()
		function.AsDict().Set("name", jinja.NewString(c.Function.Name))
		function.AsDict().Set("arguments", arguments)
		call := jinja.NewDict()
		if c.ID != "" {
			call.AsDict().Set("id", jinja.NewString(c.ID))
		}
		call.AsDict().Set("type", jinja.NewString("function"))
		call.AsDict().Set("function", function)
		calls[i] = call
	}
	d.Set("tool_calls", jinja.NewList(calls))
	return out, nil
}

// parseJSON reads one value of JSON; objects keep the order of their keys, which templates write.
func parseJSON(raw []byte) (jinja.Value, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err == nil {
		if _, err := d.Token(); err != io.EOF {
			return v, fmt.Errorf("%w: JSON has more than one value", gguf.ErrInput)
		}
	}
	return v, err
}

func readJSON(d *json.Decoder, depth int) (jinja.Value, error) {
	token, err := d.Token()
	if err != nil {
		return jinja.None(), fmt.Errorf("%w: JSON: %w", gguf.ErrInput, err)
	}
	if depth > maxNesting {
		return jinja.None(), fmt.Errorf("%w: JSON is nested more than %d deep", gguf.ErrInput, maxNesting)
	}
	switch v := token.(type) {
	case bool:
		return jinja.NewBool(v), nil
	case string:
		return jinja.NewString(v), nil
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return jinja.NewInt(i), nil
		}
		f, err := v.Float64()
		if err != nil || math.IsInf(f, 0) {
			return jinja.None(), fmt.Errorf("%w: JSON: %s is too large", gguf.ErrInput, v)
		}
		return jinja.NewFloat(f), nil
	case json.Delim:
		if v == '[' {
			var items []jinja.Value
			for d.More() {
				item, err := readJSON(d, depth+1)
				if err != nil {
					return item, err
				}
				items = append(items, item)
			}
			_, err := d.Token()
			return jinja.NewList(items), err
		}
		out := jinja.NewDict()
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return out, fmt.Errorf("%w: JSON: %w", gguf.ErrInput, err)
			}
			item, err := readJSON(d, depth+1)
			if err != nil {
				return out, err
			}
			out.AsDict().Set(name.(string), item)
		}
		_, err := d.Token()
		return out, err
	}
	return jinja.None(), nil
}

// beyond is the panic of a template beyond a limit: the library would wrap an error again at each of many levels.
type beyond string

// functions are what apply_chat_template gives templates, and those that count.
func functions(now time.Time) map[string]func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error) {
	turns, calls := 0, 0
	return map[string]func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error){
		turnName: func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error) {
			if turns++; turns > maxTurns {
				panic(beyond(fmt.Sprintf("its loops take more than %d turns", maxTurns)))
			}
			return jinja.NewBool(true), nil
		},
		callName: func([]jinja.Value, map[string]jinja.Value) (jinja.Value, error) {
			if calls++; calls > maxCalls {
				panic(beyond(fmt.Sprintf("its macros are called more than %d times", maxCalls)))
			}
			return jinja.None(), nil
		},
		"raise_exception": func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
			return jinja.None(), fmt.Errorf("%w: %s", ErrRefused, argument(args))
		},
		"strftime_now": func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
			return jinja.NewString(strftime(now, argument(args))), nil
		},
		jsonName: indentedJSON,
		"range":  func(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) { return rangeOf(args) },
	}
}

func argument(args []jinja.Value) string {
	if len(args) == 0 {
		return ""
	}
	if args[0].IsString() {
		return args[0].AsString()
	}
	return args[0].String()
}

// rangeOf is Python's range, of no more numbers than loops may take turns.
func rangeOf(args []jinja.Value) (jinja.Value, error) {
	n := []int64{0, 0, 1}
	for i, a := range args {
		if len(args) > 3 || !a.IsInt() {
			return jinja.None(), fmt.Errorf("range takes one to three integers")
		}
		n[i] = a.AsInt()
	}
	switch {
	case len(args) == 0:
		return jinja.None(), fmt.Errorf("range takes one to three integers")
	case len(args) == 1:
		n[0], n[1] = 0, n[0]
	}
	if n[2] == 0 {
		return jinja.None(), fmt.Errorf("range: the step is 0")
	}
	var items []jinja.Value
	for i := n[0]; n[2] > 0 && i < n[1] || n[2] < 0 && i > n[1]; {
		if len(items) == maxTurns {
			return jinja.None(), fmt.Errorf("range has more than %d numbers", maxTurns)
		}
		items = append(items, jinja.NewInt(i))
		next := i + n[2]
		if n[2] > 0 != (next > i) {
			break // beyond all integers
		}
		i = next
	}
	return jinja.NewList(items), nil
}

// strftime formats a time as C does in its own locale.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'd': "02", 'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03",
		'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'S': "05", 'T': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST", 'D': "01/02/06",
		'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'h': "Jan", 'R': "15:04"}
	plain := map[byte]string{'d': "2", 'm': "1", 'I': "3", 'M': "4", 'S': "5"} // %-d
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 == len(format) {
			out.WriteByte(c)
			continue
		}
		i++
		layout, ok := layouts[format[i]]
		if format[i] == '-' && i+1 < len(format) {
			i++
			if layout, ok = plain[format[i]]; !ok {
				if format[i] == 'H' {
					out.WriteString(strconv.Itoa(t.Hour()))
					continue
				}
				layout, ok = layouts[format[i]]
			}
		}
		switch {
		case ok:
			out.WriteString(t.Format(layout))
		case format[i] == '%':
			out.WriteByte('%')
		default:
			out.WriteString(format[i-1 : i+1])
		}
	}
	return out.String()
}
