package serve

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestToolParser(t *testing.T) {
	const f, g = `f {"a": 1}`, `g {}`
	known := toolsOf([]json.RawMessage{json.RawMessage(`{"function": {"name": "f", "parameters": {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}}}`),
		json.RawMessage(`{"function": {"name": "g"}}`), json.RawMessage(`{"function": {"name": "get_weather", "parameters": 5}}`)})
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
		{"<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n</parameter>\n</function>\n</tool_call>", "", []string{`f {"a":1,"b":"2"}`}},
		{"<tool_call>\n<function=g>\n</function>\n</tool_call>", "", []string{g}},
		{"<tool_call>\n<function=f>\n<parameter=a>\n1\n</function>\n</tool_call>", "<tool_call>\n<function=f>\n<parameter=a>\n1\n</function>\n</tool_call>", nil},
		{"<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n<arg_key>b</arg_key>\n<arg_value>x y</arg_value>\n</tool_call>", "", []string{`f {"a":1,"b":"x y"}`}},
		{`<|tool_call|>[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]`, "", []string{f, g}},
		{`<|tool_call|>[{"name": "f", "arguments": {"a": 1}}]<|/tool_call|>`, "", []string{f}},
		{`[TOOL_CALLS]f[CALL_ID]abc[ARGS]{"a": 1}`, "", []string{f}},
		{`<|python_tag|>brave_search.call(query="the weather", n=3)`, "", []string{`brave_search {"query":"the weather","n":3}`}},
		{`<function=f>{"a": 1}</function><function=g>{}</function>`, "", []string{f, g}},
		{`See <function=f>{"a": 1}</function>`, "See ", []string{f}},
		{"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "", []string{f}},
		{"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": 1}<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "", []string{f, g}},
		{"<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|><|tool_calls_section_end|>", "", []string{f}},
		{`[f(a=1), g()]`, "", []string{`f {"a":1}`, g}},
		{`[get_weather(city='Paris', days=[1, 2.5, -3], where={"x": None, 'y': True}, note="a \"b\" \n")]`, "",
			[]string{`get_weather {"city":"Paris","days":[1,2.5,-3],"where":{"x":null,"y":true},"note":"a \"b\" \n"}`}},
		{`[f(a=1), unknown()]`, `[f(a=1), unknown()]`, nil},
		{`[f(a=)]`, `[f(a=)]`, nil},
		{`[f(a=1`, `[f(a=1`, nil},
		{`[f(a="x`, `[f(a="x`, nil},
		{`[1] is a source`, `[1] is a source`, nil},
		{"f\n{\"a\": 1}", "", []string{f}},
		{"f\n{\"a\": 1}>>>g\n{}", "", []string{f, g}},
		{"f is a function", "f is a function", nil},
	} {
		for _, size := range []int{1, 7, 1000} { // however it comes
			p := toolParser{tools: known}
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

// TestStreams: what cannot be a call is passed on as it comes.
func TestStreams(t *testing.T) {
	for _, c := range []struct{ text, at string }{{"Hello there", "Hello"}, {"[1] is", "[1]"}, {"fine", "fi"}, {"get_well soon", "get_well"}, {"[go", "[go"}} {
		p := toolParser{tools: toolsOf([]json.RawMessage{json.RawMessage(`{"function": {"name": "f"}}`), json.RawMessage(`{"function": {"name": "get_weather"}}`)})}
		require.Equal(t, c.at, p.write(c.at))
	}
}

func TestHarmony(t *testing.T) {
	const think = "<|channel|>analysis<|message|>I think < so.<|end|>"
	for _, c := range []struct{ text, answer, thoughts, call string }{
		{think + "<|start|>assistant<|channel|>final<|message|>Yes <b>", "Yes <b>", "I think < so.", ""},
		{"<|channel|>final<|message|>Yes<|return|>", "Yes", "", ""},
		{think + "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": 1}<|call|>", "", "I think < so.", `f {"a": 1}`},
		{think + "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{\"a\": 1}", "", "I think < so.", `f {"a": 1}`},
		{"<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": <|call|>", `{"a": `, "", ""},
		{"<|channel|>commentary<|message|>First I look.<|end|><|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>", "First I look.", "", "f {}"},
		{"<|channel|>analysis<|message|>cut off", "", "cut off", ""},
		{"<|channel|>ana", "", "", ""},
		{`{"name": "f"}`, `{"name": "f"}`, "", ""},
		{"<| is no mark", "<| is no mark", "", ""},
		{"plain", "plain", "", ""},
	} {
		for _, size := range []int{1, 5, 1000} {
			var h harmony
			var answer, thoughts string
			for rest := c.text; rest != ""; {
				n := min(size, len(rest))
				a, t := h.write(rest[:n])
				answer, thoughts, rest = answer+a, thoughts+t, rest[n:]
			}
			a, th, calls := h.end()
			require.Equal(t, c.answer, answer+a, c.text)
			require.Equal(t, c.thoughts, thoughts+th, c.text)
			got := ""
			for _, call := range calls {
				got += call.Function.Name + " " + call.Function.Arguments
			}
			require.Equal(t, c.call, got, c.text)
		}
	}
}

func FuzzToolParser(f *testing.F) {
	for _, s := range []string{`<tool_call>{"name": "f", "arguments": {}}</tool_call>`, `[TOOL_CALLS]f[ARGS]{}`, `{"name": "f", "parameters": {}}`, `[TOOL_CALLS][{"name"`, `[f(a=1, b="x")]`, "<function=f><parameter=a>1</parameter></function>", "<|channel|>final<|message|>x<|end|>"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, at int) {
		at = min(max(0, at), len(s))
		p := toolParser{tools: tools{"f": {}}}
		out := p.write(s[:at]) + p.write(s[at:])
		rest, calls := p.end()
		if len(calls) == 0 && out+rest != s {
			t.Fatalf("%q became %q", s, out+rest)
		}
		var h harmony
		h.write(s[:at])
		h.write(s[at:])
		h.end()
	})
}
