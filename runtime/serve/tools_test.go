package serve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToolParser(t *testing.T) {
	const f, g = `f {"a": 1}`, `g {}`
	for _, c := range []struct {
		text, rest string
		calls      []string
	}{
		{"plain text", "plain text", nil},
		{"a < b [x] <tool", "a < b [x] <tool", nil},
		{`<tool_call>` + "\n" + `{"name": "f", "arguments": {"a": 1}}` + "\n</tool_call>", "", []string{f}},
		{`I call. <tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call><tool_call>{"name": "g", "arguments": {}}</tool_call>`, "I call. ", []string{f, g}},
		{`<tool_call>{"name": "f", "arguments": {"a": 1}}`, "", []string{f}},
		{`<tool_call>{"name": "f", "argum`, `<tool_call>{"name": "f", "argum`, nil},
		{`{"name": "f", "parameters": {"a": 1}}`, "", []string{f}},
		{`{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {}}`, "", []string{f, g}},
		{`<|python_tag|>{"name": "f", "parameters": {"a": 1}}`, "", []string{f}},
		{`{"answer": 3}`, `{"answer": 3}`, nil},
		{`{ is a bracket`, `{ is a bracket`, nil},
		{`[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]`, "", []string{f, g}},
		{`[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[ARGS]{}`, "", []string{f, g}},
		{`[TOOL_CALLS]f[ARGS]{"a": `, `[TOOL_CALLS]f[ARGS]{"a": `, nil},
		{`<tool_call>{"name": "f", "arguments": "{\"a\": 1}"}</tool_call>`, "", []string{f}},
		{`<tool_call>{"name": "", "arguments": {}}</tool_call>`, `<tool_call>{"name": "", "arguments": {}}</tool_call>`, nil},
		{`<tool_call></tool_call>`, `<tool_call></tool_call>`, nil},
	} {
		for _, size := range []int{1, 7, 1000} { // however it comes
			var p toolParser
			var out string
			for rest := c.text; rest != ""; {
				n := min(size, len(rest))
				out, rest = out+p.write(rest[:n]), rest[n:]
			}
			rest, calls := p.end()
			var got []string
			for _, call := range calls {
				require.Len(t, call.ID, 9)
				got = append(got, call.Function.Name+" "+call.Function.Arguments)
			}
			require.Equal(t, c.rest, out+rest, c.text)
			require.Equal(t, c.calls, got, c.text)
		}
	}
}

func FuzzToolParser(f *testing.F) {
	for _, s := range []string{`<tool_call>{"name": "f", "arguments": {}}</tool_call>`, `[TOOL_CALLS]f[ARGS]{}`, `{"name": "f", "parameters": {}}`, `[TOOL_CALLS][{"name"`} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, at int) {
		at = min(max(0, at), len(s))
		var p toolParser
		out := p.write(s[:at]) + p.write(s[at:])
		rest, calls := p.end()
		if len(calls) == 0 && out+rest != s {
			t.Fatalf("%q became %q", s, out+rest)
		}
	})
}
