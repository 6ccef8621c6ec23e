package serve

import (
	"encoding/json"
	"strings"

	"github.com/carat-llm/carat/runtime/chat"
)

// toolForm is a form in which models write calls: it begins with a mark, and read returns the calls, none if one of them is broken.
type toolForm struct {
	mark string
	read func(t tools, text string) []chat.ToolCall
}

// toolForms are those with a mark.
//
//	<tool_call>{"name": …, "arguments": {…}}</tool_call>                      Hermes, Qwen 2.5 and 3
//	<tool_call><function=f><parameter=p>…</parameter></function></tool_call>  Qwen 3 Coder
//	<tool_call>f<arg_key>p</arg_key><arg_value>…</arg_value></tool_call>      GLM 4.5
//	<|tool_call|>[{"name": …, "arguments": {…}}]                              Granite 3, Phi 4
//	[TOOL_CALLS][{"name": …, "arguments": {…}}]                               Mistral
//	[TOOL_CALLS]f[ARGS]{…}                                                    Mistral, since 2025
//	<|python_tag|>{"name": …, "parameters": {…}}                              Llama 3
//	<|python_tag|>f.call(p=…)                                                 Llama 3.1, tools that are built in
//	<function=f>{…}</function>                                                Functionary 3.1, Llama 3.1
//	<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{…}…             DeepSeek 3.1; with function and a block of JSON, 3 and R1
//	<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0…             Kimi K2
var toolForms = []toolForm{
	{"<tool_call>", func(t tools, text string) []chat.ToolCall { return t.tagged(text, "<tool_call>", "</tool_call>") }},
	{"<|tool_call|>", func(t tools, text string) []chat.ToolCall { return t.tagged(text, "<|tool_call|>", "<|/tool_call|>") }},
	{"[TOOL_CALLS]", func(_ tools, text string) []chat.ToolCall {
		return each(strings.Split(text, "[TOOL_CALLS]")[1:], func(body string) []chat.ToolCall {
			if name, arguments, found := strings.Cut(body, "[ARGS]"); found {
				name, _, _ = strings.Cut(name, "[CALL_ID]")
				return one(name, arguments)
			}
			return objects(body)
		})
	}},
	{"<|python_tag|>", func(_ tools, text string) []chat.ToolCall {
		text = strings.TrimPrefix(text, "<|python_tag|>")
		if calls := objects(text); len(calls) > 0 {
			return calls
		}
		return pythonic(text, nil)
	}},
	{"<function=", func(t tools, text string) []chat.ToolCall { return t.functions(text) }},
	{"<｜tool▁calls▁begin｜>", func(_ tools, text string) []chat.ToolCall {
		text, _, _ = strings.Cut(text, "<｜tool▁calls▁end｜>")
		return each(strings.Split(text, "<｜tool▁call▁begin｜>")[1:], func(body string) []chat.ToolCall {
			body, _, _ = strings.Cut(body, "<｜tool▁call▁end｜>")
			name, arguments, _ := strings.Cut(body, "<｜tool▁sep｜>")
			if strings.TrimSpace(name) == "function" {
				name, arguments, _ = strings.Cut(arguments, "\n")
				arguments = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(arguments), "```json"), "```")
			}
			return one(name, arguments)
		})
	}},
	{"<|tool_calls_section_begin|>", func(_ tools, text string) []chat.ToolCall {
		text, _, _ = strings.Cut(text, "<|tool_calls_section_end|>")
		return each(strings.Split(text, "<|tool_call_begin|>")[1:], func(body string) []chat.ToolCall {
			body, _, _ = strings.Cut(body, "<|tool_call_end|>")
			name, arguments, _ := strings.Cut(body, "<|tool_call_argument_begin|>")
			name = strings.TrimPrefix(strings.TrimSpace(name), "functions.")
			if i := strings.LastIndexByte(name, ':'); i >= 0 {
				name = name[:i]
			}
			return one(name, arguments)
		})
	}},
}

// wholeForms are those without a mark, of which a text consists.
//
//	{"name": …, "parameters": {…}}    Llama 3
//	[f(p=…), g()]                     Llama 3.2 and 4, and others that write Python
//	f\n{…}>>>g\n{…}                   Functionary 3.2, whose template ends in >>>
var wholeForms = []func(t tools, text string) []chat.ToolCall{
	func(_ tools, text string) []chat.ToolCall { return objects(text) },
	func(t tools, text string) []chat.ToolCall {
		if !strings.HasPrefix(text, "[") {
			return nil
		}
		return pythonic(text, t)
	},
	func(t tools, text string) []chat.ToolCall {
		return each(strings.Split(text, ">>>"), func(body string) []chat.ToolCall {
			name, arguments, _ := strings.Cut(body, "\n")
			if _, known := t[name]; !known {
				return nil
			}
			return one(name, arguments)
		})
	},
}

// each reads the calls of each text; none if a text has none.
func each(texts []string, read func(text string) []chat.ToolCall) (calls []chat.ToolCall) {
	for _, text := range texts {
		found := read(strings.TrimSpace(text))
		if len(found) == 0 {
			return nil
		}
		calls = append(calls, found...)
	}
	return calls
}

// one is a call, if arguments are a JSON object.
func one(name, arguments string) []chat.ToolCall {
	call, ok := callOf(name, arguments)
	if !ok {
		return nil
	}
	return []chat.ToolCall{call}
}

// tagged reads calls between tags, one behind the other; the last one may have no end.
func (t tools) tagged(text, open, end string) (calls []chat.ToolCall) {
	for text != "" {
		body, found := strings.CutPrefix(text, open)
		if !found {
			return nil
		}
		body, text, _ = strings.Cut(body, end)
		list := t.tag(strings.TrimSpace(body))
		if len(list) == 0 {
			return nil
		}
		calls, text = append(calls, list...), strings.TrimSpace(text)
	}
	return calls
}

// tag reads what is between tags.
func (t tools) tag(body string) []chat.ToolCall {
	switch {
	case strings.HasPrefix(body, "<function="):
		return t.functions(body)
	case strings.Contains(body, "<arg_key>"):
		name, rest, _ := strings.Cut(body, "<arg_key>")
		return t.named(strings.TrimSpace(name), "<arg_key>"+rest, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
	}
	return objects(body)
}

// functions reads <function=NAME>…</function>, of JSON or of parameters.
func (t tools) functions(text string) []chat.ToolCall {
	return each(strings.Split(text, "<function=")[1:], func(body string) []chat.ToolCall {
		name, body, _ := strings.Cut(body, ">")
		body, _, _ = strings.Cut(body, "</function>")
		if body = strings.TrimSpace(body); strings.HasPrefix(body, "{") {
			return one(name, body)
		}
		return t.named(name, body, "<parameter=", ">", "", "</parameter>")
	})
}

// named reads parameters as tags: their names between two texts, their values between two others.
func (t tools) named(name, text, nameOpen, nameEnd, valueOpen, valueEnd string) []chat.ToolCall {
	arguments := properties{}
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, value, found := strings.Cut(strings.TrimPrefix(text, nameOpen), nameEnd)
		if value = strings.TrimPrefix(strings.TrimSpace(value), valueOpen); !found || !strings.HasPrefix(text, nameOpen) {
			return nil
		}
		if value, text, found = strings.Cut(value, valueEnd); !found {
			return nil
		}
		arguments = append(arguments, property{strings.TrimSpace(key), t.value(name, strings.TrimSpace(key), strings.Trim(value, "\n"))})
	}
	b, err := json.Marshal(arguments)
	if err != nil {
		return nil
	}
	return one(name, string(b))
}

// tools are the schemas of parameters of the functions that a request has, by name.
type tools map[string]struct {
	Properties map[string]struct {
		Type any `json:"type"`
	} `json:"properties"`
}

// value is a parameter that was written without quotes: a text if the schema says so, else JSON if it is that.
func (t tools) value(function, parameter, text string) any {
	if t[function].Properties[parameter].Type != "string" && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// toolsOf reads the functions of a request.
func toolsOf(list []json.RawMessage) tools {
	out := tools{}
	for _, raw := range list {
		var f tool
		if json.Unmarshal(raw, &f) == nil && f.Function.Name != "" {
			schema := out[f.Function.Name]
			_ = json.Unmarshal(f.Function.Parameters, &schema) // a schema that is none says nothing of types
			out[f.Function.Name] = schema
		}
	}
	return out
}
