package serve

import (
	"encoding/json"
	"testing"

	"github.com/carat-llm/carat/runtime/generate"
)

// FuzzRequests: whatever a body holds, it is read or refused.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{
		`{"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}], "tools": [{"function": {"name": "f", "parameters": {"type": "object"}}}], "tool_choice": "required"}`,
		`{"prompt": [[1, 2], [3]], "n": 2, "logit_bias": {"1": 2}, "stop": ["a"], "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "integer"}}}}`,
		`{"input": ["a"], "prompt": null, "stop": null, "grammar": "root ::= [a-z]+", "temperature": 1e308}`,
		`{"messages": null, "tool_choice": {"function": {"name": 1}}, "response_format": {"type": "json_object"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, body []byte) {
		var c chatRequest
		if json.Unmarshal(body, &c) == nil && c.readTools() == nil {
			_ = c.readForm()
		}
		var t completionRequest
		if json.Unmarshal(body, &t) == nil {
			_, _ = t.options(Options{Params: generate.Params{TopP: 1}}, 10)
			_, _ = t.bias(100)
			_, _ = t.choices()
			_ = t.readForm()
		}
		var e embeddingRequest
		_ = json.Unmarshal(body, &e)
	})
}
