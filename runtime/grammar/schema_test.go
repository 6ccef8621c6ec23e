package grammar

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
)

var schemaCases = []struct {
	schema  string
	yes, no []string
}{
	{`true`, []string{`{"a": [1, null, "x"]}`, `-1.5e3`}, []string{`{a: 1}`, `01`, ``, `[1,]`}},
	{`{}`, []string{`[]`, `{}`, `false`}, []string{`]`}},
	{`{"type": "integer"}`, []string{`0`, `-12`}, []string{`1.5`, `"1"`, `-`, `00`}},
	{`{"type": "number"}`, []string{`0`, `-1.25`, `1e+10`}, []string{`.5`, `1.`}},
	{`{"type": ["boolean", "null"], "description": "x"}`, []string{`true`, `false`, `null`}, []string{`1`}},
	{`{"type": "string"}`, []string{`""`, `"é 你 🙂"`, `"a\"\\\n\u00e9"`}, []string{`"`, "\"\n\"", `"\x"`, `"\ud800"`, `a`}},
	{`{"type": "string", "minLength": 2, "maxLength": 3}`, []string{`"ab"`, `"é\n"`, `"你好吗"`}, []string{`"a"`, `"abcd"`}},
	{`{"type": "string", "maxLength": 0}`, []string{`""`}, []string{`"a"`}},
	{`{"enum": ["a", 1, null, {"b": [true]}, "q\"\\"]}`, []string{`"a"`, `1`, `null`, `{"b":[true]}`, `"q\"\\"`}, []string{`"b"`, `2`}},
	{`{"const": "x y"}`, []string{`"x y"`}, []string{`"x"`}},
	{`{"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {"type": "null"}}, "required": ["b"]}`,
		[]string{`{"a": 1, "b": "x", "c": null}`, `{"b":""}`, `{"b": "", "c": null}`, "{\n  \"b\": \"\"\n}"},
		[]string{`{}`, `{"a": 1}`, `{"b": "", "a": 1}`, `{"b": "", "d": 1}`, `{"b": "",}`, `{,"b": ""}`}},
	{`{"properties": {"a": {"type": "integer"}}}`, []string{`{}`, `{"a": 1}`}, []string{`{"a": "x"}`, `{"b": 1}`}},
	{`{"type": "object", "properties": {"ab": {"type": "integer"}, "ac": {"const": 1}}, "additionalProperties": {"type": "boolean"}}`,
		[]string{`{}`, `{"ab": 1}`, `{"x": true}`, `{"ab": 1, "a": false, "abc": true, "": true}`, `{"ac": 1, "b\n": true}`},
		[]string{`{"ab": true}`, `{"x": 1}`, `{"\u0061b": true}`, `{"ab": 1, "ab": true}`, `{"ac": true}`}},
	{`{"type": "object", "additionalProperties": {"type": "integer"}}`, []string{`{}`, `{"a": 1, "b": 2}`}, []string{`{"a": ""}`}},
	{`{"type": "object", "properties": {}, "additionalProperties": false}`, []string{`{}`, `{ }`}, []string{`{"a": 1}`}},
	{`{"type": "object"}`, []string{`{}`, `{"a": {"b": 1}}`}, []string{`[]`}},
	{`{"type": "array", "items": {"type": "integer"}}`, []string{`[]`, `[1]`, `[1, 2,3]`}, []string{`["a"]`, `[1 2]`, `[,1]`}},
	{`{"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 3}`, []string{`[null, null]`, `[null,null,null]`}, []string{`[]`, `[null]`, `[null,null,null,null]`}},
	{`{"type": "array", "maxItems": 1}`, []string{`[]`, `[{}]`}, []string{`[1, 2]`}},
	{`{"type": "array", "maxItems": 0}`, []string{`[]`}, []string{`[1]`}},
	{`{"type": "array", "minItems": 1}`, []string{`["x"]`, `[1,2]`}, []string{`[]`}},
	{`{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 1}`, []string{`[1]`, `[1, "a"]`}, []string{`[]`, `["a"]`, `[1, "a", 2]`}},
	{`{"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}, "maxItems": 3}`, []string{`[]`, `[1]`, `[1, "a", "b"]`}, []string{`["a"]`, `[1, 2]`, `[1, "a", "b", "c"]`}},
	{`{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}`, []string{`1`, `[1]`}, []string{`"a"`}},
	{`{"oneOf": [{"const": 1}, {"const": 2}]}`, []string{`1`, `2`}, []string{`3`}},
	{`{"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"v": {"type": "integer"}, "l": {"$ref": "#/$defs/tree"}}, "required": ["v"]}}}`,
		[]string{`{"v": 1}`, `{"v": 1, "l": {"v": 2, "l": {"v": 3}}}`}, []string{`{"l": {"v": 1}}`}},
	{`{"type": "array", "items": {"$ref": "#"}}`, []string{`[]`, `[[], [[]]]`}, []string{`[1]`}},
	{`{"type": "integer", "minimum": 0}`, []string{`0`, `7`, `123456789012345`}, []string{`-1`}},
	{`{"type": "integer", "maximum": -5}`, []string{`-5`, `-77`}, []string{`-4`, `0`, `5`}},
	{`{"type": "integer", "minimum": -12, "maximum": 305}`, []string{`-12`, `-9`, `0`, `9`, `99`, `305`, `299`}, []string{`-13`, `306`, `1000`, `-20`, `01`}},
	{`{"type": "integer", "minimum": 5, "maximum": 5}`, []string{`5`}, []string{`4`, `6`, `55`}},
}

func TestSchema(t *testing.T) {
	for _, c := range schemaCases {
		g, err := FromSchema([]byte(c.schema))
		require.NoError(t, err, c.schema)
		for _, s := range c.yes {
			require.True(t, json.Valid([]byte(s)))
			require.True(t, g.Matches(s), "%s: %s", c.schema, s)
		}
		for _, s := range c.no {
			require.False(t, g.Matches(s), "%s: %s", c.schema, s)
		}
	}
}

// TestDigits: bounds of integers, against counting.
func TestDigits(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {3, 8}, {0, 100}, {98, 101}, {17, 1234}, {999, 1000}, {100, 199}, {-15, -3}, {-101, 99}, {-7, 0}} {
		g, err := FromSchema(fmt.Appendf(nil, `{"type": "integer", "minimum": %d, "maximum": %d}`, c[0], c[1]))
		require.NoError(t, err)
		for n := -1500; n <= 1500; n++ {
			require.Equal(t, n >= c[0] && n <= c[1], g.Matches(fmt.Sprint(n)), "%v %d", c, n)
		}
	}
}

func TestSchemaFails(t *testing.T) {
	for schema, want := range map[string]string{
		``:                                       "EOF",
		`{`:                                      "EOF",
		`[1]`:                                    "#: expected an object or true",
		`{} {}`:                                  "more than one value",
		`{"type": "text"}`:                       `#/type: unknown type "text"`,
		`{"type": "string", "pattern": "a"}`:     `"pattern" is not known for type string`,
		`{"type": "array", "uniqueItems": true}`: `"uniqueItems"`,
		`{"type": "number", "minimum": 1}`:       `"minimum" is not known for type number`,
		`{"not": {}}`:                            `"not"`,
		`{"$ref": "#/x"}`:                        `the schema has no "#/x"`,
		`{"$ref": "http://x"}`:                   "not in this schema",
		`{"$ref": "#"}`:                          "no text fits",
		`{"properties": {"a": {"items": {"type": 3}}}}`:   "#/properties/a/items/type",
		`{"type": "object", "required": ["a"]}`:           "not among the properties",
		`{"type": "array", "minItems": 3, "maxItems": 2}`: "maxItems is less than minItems",
		`{"type": "array", "minItems": 1e9}`:              "whole number",
		`{"type": "integer", "minimum": 3, "maximum": 2}`: "less than minimum",
		`{"anyOf": [{}], "type": "string"}`:               `"type" beside "anyOf"`,
		`{"allOf": [{}, {}]}`:                             "more than one",
		`{"enum": []}`:                                    "list of values",
		`{"a": 1, "a": 2}`:                                "twice",
	} {
		_, err := FromSchema([]byte(schema))
		require.ErrorContains(t, err, want, schema)
	}
}

// TestRandomModel: whatever a model wants to say, it says JSON of the schema.
func TestRandomModel(t *testing.T) {
	src, err := convert.OpenPath("../../testdata/checkpoints/llama", convert.Options{})
	require.NoError(t, err)
	defer src.Close()
	e, err := engine.Load(src, engine.Options{Threads: 1, Text: true})
	require.NoError(t, err)
	defer e.Close()
	tok, err := e.Tokenizer()
	require.NoError(t, err)
	g, err := FromSchema([]byte(`{"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
		"tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3}, "more": {"anyOf": [{"type": "null"}, {"type": "boolean"}]}}, "required": ["name", "age", "tags"]}`))
	require.NoError(t, err)
	v := NewVocabulary(tok)
	s, err := e.NewSession(400)
	require.NoError(t, err)
	different := map[string]bool{}
	for seed := range uint64(50) {
		s.Reset()
		text := ""
		_, reason, err := generate.Run(context.Background(), s, e.Vocab(), tok, []int32{1, 2, 3}, generate.Options{
			Params: generate.Params{Temperature: 2, TopP: 1, Seed: seed}, MaxTokens: 390, Constraint: g.Constrain(v),
		}, func(piece []byte) error { text += string(piece); return nil })
		require.NoError(t, err)
		require.Equal(t, generate.EndOfGeneration, reason, text)
		var out struct {
			Name *string
			Age  *int
			Tags []string
			More *bool
		}
		require.NoError(t, json.Unmarshal([]byte(text), &out), text)
		require.NotNil(t, out.Name, text)
		require.NotNil(t, out.Age, text)
		require.LessOrEqual(t, len([]rune(*out.Name)), 8)
		require.True(t, *out.Age >= 0 && *out.Age <= 150, text)
		require.True(t, len(out.Tags) >= 1 && len(out.Tags) <= 3, text)
		require.Subset(t, []string{"a", "b"}, out.Tags)
		different[text] = true
	}
	require.Greater(t, len(different), 40)
}
