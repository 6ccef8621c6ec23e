package suggest_test

import (
	"strings"
	"testing"

	"github.com/carat-llm/carat/internal/suggest"
	"github.com/stretchr/testify/require"
)

func TestUnknown(t *testing.T) {
	verbs := []string{"build", "convert", "quantize", "plan", "eval", "compare", "gate", "run", "report"}
	types := []string{"Q4_0", "Q4_1", "Q4_K_S", "Q4_K_M", "Q8_0", "F16"}
	for _, tc := range []struct {
		word  string
		names []string
		want  string
	}{
		{"quantise", verbs, `unknown x "quantise"; did you mean quantize?`},
		{"qunatize", verbs, `unknown x "qunatize"; did you mean quantize?`},
		{"biuld", verbs, `unknown x "biuld"; did you mean build?`},
		{"frobnicate", verbs, `unknown x "frobnicate"`},
		{"", verbs, `unknown x ""`},
		{"q4-k-m", types, `unknown x "q4-k-m"; did you mean Q4_K_M or Q4_K_S?`},
		{"f61", types, `unknown x "f61"; did you mean F16?`},
		{"attn_k.weight", []string{"blk.0.attn_k.weight", "blk.0.attn_q.weight"}, `unknown x "attn_k.weight"; did you mean blk.0.attn_k.weight?`},
		{strings.Repeat("q", 1<<20), []string{strings.Repeat("q", 1<<20)}, `unknown x "` + strings.Repeat("q", 1<<20) + `"`},
	} {
		require.Equal(t, tc.want, suggest.Unknown("x", tc.word, tc.names))
	}
}

func TestOneOf(t *testing.T) {
	require.Equal(t, `unknown --table "gate"; did you mean gates?`, suggest.OneOf("--table", "gate", []string{"slices", "gates"}))
	require.Equal(t, `unknown --table "x"; expected slices or gates`, suggest.OneOf("--table", "x", []string{"slices", "gates"}))
}

func TestOr(t *testing.T) {
	require.Equal(t, "", suggest.Or(nil))
	require.Equal(t, "a", suggest.Or([]string{"a"}))
	require.Equal(t, "a, b or c", suggest.Or([]string{"a", "b", "c"}))
}
