package pyjson

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	m, err := Object([]byte("\xef\xbb\xbf" + `{"a": Infinity, "b": [-Infinity, NaN, 1e999, -1e999, 1.5], "c": "NaN, Infinity \" -Infinity", "d": {"e": 1}, "e": 1, "e": 2}`))
	require.NoError(t, err)
	require.Equal(t, math.Inf(1), m["a"])
	b := m["b"].([]any)
	require.Equal(t, math.Inf(-1), b[0])
	require.True(t, math.IsNaN(b[1].(float64)))
	require.Equal(t, []any{math.Inf(1), math.Inf(-1), 1.5}, b[2:])
	require.Equal(t, `NaN, Infinity " -Infinity`, m["c"])
	require.Equal(t, map[string]any{"e": 1.0}, m["d"])
	require.Equal(t, 2.0, m["e"])
}

func TestDecodeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`: "got an array", `null`: "got null", `"a"`: "got a string", `{} {}`: "data after the value", `{`: "EOF",
		`{"a": Infinit}`: "invalid character", `{"a": +Infinity}`: "invalid character", ``: "EOF",
	} {
		_, err := Object([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":NaN}`, `{"a":"\u0000"}`, `[-Infinity,"\\",1e999]`, "\xef\xbb\xbf{}", `"`, `{"\"NaN`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Decode(b)
		var std any
		if json.Unmarshal(b, &std) == nil {
			require.NoError(t, err, "what encoding/json reads is read")
			require.Equal(t, std, v)
		}
	})
}
