package jinja

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is what transformers makes of templates (scripts/chat/templates.py).
type reference struct {
	Vars      json.RawMessage    `json:"vars"`
	Templates map[string]*string `json:"templates"` // nil where it refuses
}

func readReference(t testing.TB) (reference, map[string]any) {
	t.Helper()
	b, err := os.ReadFile("testdata/templates.json")
	require.NoError(t, err)
	var ref reference
	require.NoError(t, json.Unmarshal(b, &ref))
	v, err := FromJSON(ref.Vars)
	require.NoError(t, err)
	vars := map[string]any{"raise_exception": Func(func([]any, map[string]any) (any, error) { return nil, os.ErrInvalid })}
	for k, v := range v.(*Dict).values {
		vars[k.(string)] = v
	}
	return ref, vars
}

// TestReference: statements, expressions, filters, methods and white space are what the reference makes of them.
func TestReference(t *testing.T) {
	ref, vars := readReference(t)
	for source, want := range ref.Templates {
		tmpl, err := Parse(source)
		got := ""
		if err == nil {
			got, err = tmpl.Render(vars, DefaultLimits)
		}
		switch {
		case want == nil && err == nil:
			t.Errorf("%q: the reference refuses, got %q", source, got)
		case want != nil && err != nil:
			t.Errorf("%q: %v", source, err)
		case want != nil && got != *want:
			t.Errorf("%q: want %q, got %q", source, *want, got)
		}
	}
}
