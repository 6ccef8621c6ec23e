package chat

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carat-llm/carat/runtime/chat/jinja"
)

// style is how a template wants messages with calls of tools.
type style struct {
	texts bool // arguments are a text of JSON; else its value, if it is JSON
	none  bool // a message without content has none; else an empty one
}

// message is what templates see of a message: what it has, in the order of apply_chat_template's examples.
func (s style) message(m Message) *jinja.Dict {
	d := jinja.NewDict()
	d.Set("role", m.Role)
	d.Set("content", m.Content)
	if m.Content == "" && len(m.ToolCalls) > 0 && s.none {
		d.Set("content", nil)
	}
	for _, f := range []struct{ name, value string }{{"name", m.Name}, {"reasoning_content", m.Reasoning}, {"tool_call_id", m.CallID}} {
		if f.value != "" {
			d.Set(f.name, f.value)
		}
	}
	if len(m.ToolCalls) == 0 {
		return d
	}
	calls := &jinja.List{}
	for _, c := range m.ToolCalls {
		var arguments any = c.Function.Arguments
		if !s.texts {
			if v, err := jinja.FromJSON([]byte(c.Function.Arguments)); err == nil {
				arguments = v
			}
		}
		function, call := jinja.NewDict(), jinja.NewDict()
		function.Set("name", c.Function.Name)
		function.Set("arguments", arguments)
		if c.ID != "" {
			call.Set("id", c.ID)
		}
		call.Set("type", "function")
		call.Set("function", function)
		calls.Items = append(calls.Items, call)
	}
	d.Set("tool_calls", calls)
	return d
}

// functions are what apply_chat_template gives templates.
func functions(now time.Time) map[string]jinja.Func {
	return map[string]jinja.Func{
		"raise_exception": func(args []any, _ map[string]any) (any, error) {
			return nil, fmt.Errorf("%w: %.1000s", ErrRefused, argument(args))
		},
		"strftime_now": func(args []any, _ map[string]any) (any, error) {
			format := argument(args)
			if len(format) > maxDateFormat {
				return nil, fmt.Errorf("strftime_now: the format has %d bytes, more than %d", len(format), maxDateFormat)
			}
			return strftime(now, format), nil
		},
	}
}

const maxDateFormat = 1000

func argument(args []any) string {
	if len(args) == 0 {
		return ""
	}
	s, _ := args[0].(string)
	return s
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
