package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const schemaPath = "../../docs/report.schema.json"

// TestSchemaHoldsSamples validates the samples, and that a fault is seen, so that the validator is one.
func TestSchemaHoldsSamples(t *testing.T) {
	b, err := os.ReadFile(schemaPath)
	require.NoError(t, err)
	var schema map[string]any
	require.NoError(t, json.Unmarshal(b, &schema))
	for _, name := range []string{"sample.json", "single.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Empty(t, faults(t, b, schema), name)
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.bytes", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.chunks.0.klds", 5), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "candidates.0.role", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "unknown", "x"), schema))
		require.NotEmpty(t, faults(t, changed(t, b, "schema", nil), schema))
	}
}

// faults validates JSON with the few keywords that the schema uses. Unlike the schema, it allows no unknown fields.
func faults(t *testing.T, b []byte, schema map[string]any) []string {
	var v any
	require.NoError(t, json.Unmarshal(b, &v))
	var out []string
	var walk func(at string, v any, s map[string]any)
	walk = func(at string, v any, s map[string]any) {
		if ref, ok := s["$ref"].(string); ok {
			walk(at, v, schema["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
			return
		}
		if c, ok := s["const"]; ok && c != v {
			out = append(out, at+": const")
		}
		if e, ok := s["enum"].([]any); ok && !slices.Contains(e, v) {
			out = append(out, at+": enum")
		}
		types, ok := s["type"].([]any)
		if !ok {
			types = []any{s["type"]}
		}
		kind := map[reflect.Kind]string{reflect.Invalid: "null", reflect.Bool: "boolean", reflect.String: "string", reflect.Float64: "number", reflect.Slice: "array", reflect.Map: "object"}[reflect.ValueOf(v).Kind()]
		if f, ok := v.(float64); ok && f == float64(int64(f)) && slices.Contains(types, any("integer")) {
			kind = "integer"
		}
		if !slices.Contains(types, any(kind)) {
			out = append(out, at+": "+kind)
			return
		}
		switch x := v.(type) {
		case []any:
			for i, e := range x {
				walk(fmt.Sprintf("%s[%d]", at, i), e, s["items"].(map[string]any))
			}
		case map[string]any:
			props := s["properties"].(map[string]any)
			for k, e := range x {
				p, ok := props[k].(map[string]any)
				if !ok {
					out = append(out, at+"."+k+": unknown")
					continue
				}
				walk(at+"."+k, e, p)
			}
			for _, k := range s["required"].([]any) {
				if _, ok := x[k.(string)]; !ok {
					out = append(out, at+"."+k.(string)+": required")
				}
			}
		}
	}
	walk("", v, schema)
	return out
}
