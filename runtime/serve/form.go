package serve

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/carat-llm/carat/runtime/grammar"
)

// format is response_format.
type format struct {
	Type   string `json:"type"`
	Schema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// anyObject is what json_object means.
const anyObject = `{"type": "object", "additionalProperties": true}`

// readForm makes a grammar of response_format, or of grammar.
func (p *params) readForm() (err error) {
	var f format
	if p.ResponseFormat != nil {
		f = *p.ResponseFormat
	}
	if f.Type == "text" {
		f.Type = ""
	}
	if f.Type != "" && (p.Grammar != "" || p.grammar != nil) {
		return invalid("response_format", "and grammar, or a tool_choice that demands a call, cannot hold together: leave one out")
	}
	if p.Grammar != "" {
		if p.grammar, err = grammar.Parse(p.Grammar); err != nil {
			return invalid("grammar", "%v", err)
		}
		return nil
	}
	schema := json.RawMessage(anyObject)
	switch f.Type {
	case "":
		return nil
	case "json_object":
	case "json_schema":
		if schema = f.Schema.Schema; len(schema) == 0 {
			return invalid("response_format", "json_schema.schema is missing")
		}
	default:
		return invalid("response_format", "type must be text, json_object or json_schema (found %q)", f.Type)
	}
	if p.grammar, err = grammar.FromSchema(schema); err != nil {
		return invalid("response_format", "%v", err)
	}
	return nil
}

// tool is one of a request's tools.
type tool struct {
	Function struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// readTools reads tools and tool_choice. Where a call is demanded, the answer is held to the JSON of one.
func (q *chatRequest) readTools() error {
	tools := make([]tool, len(q.Tools))
	for i, raw := range q.Tools {
		if json.Unmarshal(raw, &tools[i]) != nil || tools[i].Function.Name == "" {
			return invalid("tools", `tool %d is not as expected: {"type": "function", "function": {"name": ...}}`, i)
		}
	}
	var choice string
	var one tool
	if len(q.ToolChoice) > 0 && json.Unmarshal(q.ToolChoice, &choice) != nil && json.Unmarshal(q.ToolChoice, &one) != nil {
		return invalid("tool_choice", "found neither a text nor an object")
	}
	name := one.Function.Name
	switch {
	case name != "":
		tools = slices.DeleteFunc(tools, func(t tool) bool { return t.Function.Name != name })
	case cmp.Or(choice, "auto") == "auto":
		return nil
	case choice == "none":
		q.Tools = nil
		return nil
	case choice != "required":
		return invalid("tool_choice", "must be auto, none, required or a function (found %q)", choice)
	}
	if len(tools) == 0 {
		return invalid("tool_choice", "demands a call, but tools has no such function")
	}
	return q.demandCall(tools)
}

// demandCall holds the answer to a call of one of tools.
func (q *chatRequest) demandCall(tools []tool) (err error) {
	var calls []any
	for _, t := range tools {
		parameters := t.Function.Parameters
		if len(parameters) == 0 || string(parameters) == "null" {
			parameters = json.RawMessage(anyObject)
		}
		calls = append(calls, map[string]any{"type": "object", "required": []string{"name", "arguments"}, "additionalProperties": false,
			"properties": properties{{"name", map[string]any{"const": t.Function.Name}}, {"arguments", parameters}}})
	}
	schema, err := json.Marshal(map[string]any{"anyOf": calls})
	if err != nil {
		return err
	}
	if q.grammar, err = grammar.FromSchema(schema); err != nil {
		return invalid("tools", "%v", err)
	}
	return nil
}

// properties are an object whose members keep their order.
type properties []property

type property struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (p properties) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range p {
		b, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quote(m.name)...), ':'), b...)
	}
	return append(out, '}'), nil
}
