package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func TestReadingAndWritingGivesTheSameBytes(t *testing.T) {
	for _, name := range []string{"sample", "single"} {
		b, err := os.ReadFile("testdata/" + name + ".json")
		require.NoError(t, err)
		r, err := Parse(b)
		require.NoError(t, err)
		require.Empty(t, r.Unknown)
		again, err := Marshal(r)
		require.NoError(t, err)
		require.True(t, string(b) == string(again), name)
	}
}

func TestMarshalAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	r := single()
	b, err := Marshal(r)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	back, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, r, back)

	r.Candidates[0].Metrics.Perplexity.Value = math.NaN()
	_, err = Marshal(r)
	require.ErrorContains(t, err, "candidates[0].metrics.perplexity.value: must be finite (got NaN)")
}

// TestFaults breaks the sample in one place each: the error names it.
func TestFaults(t *testing.T) {
	b, err := os.ReadFile("testdata/sample.json")
	require.NoError(t, err)
	for _, f := range []struct {
		name, path string // of the JSON, dots and numbers
		value      any
		want       string
	}{
		{"schema", "schema", "other", `schema: must be "carat/report" (got "other"): is this a report.json of carat?`},
		{"no schema", "schema", nil, "schema: must be \"carat/report\" (got missing): is this a report.json of carat?"},
		{"version", "version", 2, "version: must be 1 (got 2): use the carat that made the report"},
		{"kind", "candidates.2.metrics.kld.mean", "x", "candidates[2].metrics.kld.mean: must be a number (got a string)"},
		{"null", "candidates.2.metrics.kld", nil, "candidates[2].metrics.kld: must be an object (got null)"},
		{"overflow", "candidates.0.bytes", json.Number("1e400"), "candidates[0].bytes: must be a whole number (got 1e400)"},
		{"infinite", "candidates.0.bits_per_weight", json.Number("1e400"), "candidates[0].bits_per_weight: must be a number (got 1e400)"},
		{"not an array", "candidates", map[string]any{}, "candidates: must be an array (got an object)"},
		{"base64", "candidates.0.chunks.0.klds", "?", "illegal base64"},
		{"short klds", "candidates.0.chunks.0.klds", "AAAAAA==", "candidates[0].chunks[0].klds: has 1 values for 63 tokens"},
		{"NaN in klds", "candidates.0.chunks.0.klds", "AADAfw==", "candidates[0].chunks[0].klds[0]: must be finite (got NaN)"},
		{"klds and kld", "candidates.0.chunks.0.kld", 99, "candidates[0].chunks[0].klds: add up to"},
		{"slice", "candidates.1.chunks.3.slice", 4, "candidates[1].chunks[3].slice: is 4, but there are 4 slices"},
		{"mean", "candidates.1.metrics.kld.mean", 0.01, "candidates[1].metrics.kld.mean: is 0.01, but the chunks' sums give 0.08194445179852813"},
		{"perplexity", "candidates.1.metrics.perplexity.value", 3, "candidates[1].metrics.perplexity.value: is 3, but the chunks' sums give 15.767501892036826"},
		{"bits per byte", "candidates.1.metrics.bits_per_byte.value", 3, "candidates[1].metrics.bits_per_byte.value: is 3, but the chunks' sums give 0.9947205503035"},
		{"tokens", "candidates.1.metrics.perplexity.tokens", 3, "candidates[1].metrics.perplexity.tokens: is 3, but the chunks have 1512"},
		{"running", "candidates.1.metrics.perplexity.chunks", []any{1}, "candidates[1].metrics.perplexity.chunks: has 1 values for 24 chunks"},
		{"slice figure", "candidates.1.slices.2.metrics.same_top.value", 0.5, "candidates[1].slices[2].metrics.same_top.value: is 0.5, but the chunks' sums give 0.910052"},
		{"slice name", "candidates.1.slices.2.name", "x", `candidates[1].slices[2].name: unknown slice "x"`},
		{"worst slice", "candidates.1.worst_slice", "x", `candidates[1].worst_slice: unknown slice "x"`},
		{"twice", "candidates.1.name", "smollm2-Q4_K_M.gguf", "candidates[1].name: \"smollm2-Q4_K_M.gguf\" appears twice: comparisons need different names"},
		{"hash", "candidates.1.sha256", "abc", `candidates[1].sha256: must be a SHA-256 of 64 hexadecimal digits (got "abc")`},
		{"role", "candidates.1.role", "x", "candidates[1].role"},
		{"negative", "reference.bytes", -1, "reference: bytes, parameters and bits_per_weight must not be negative (got -1, 134515008 a"},
		{"tensor", "candidates.0.tensors.4.layer", -2, "candidates[0].tensors[4]"},
		{"answers", "candidates.0.tasks.0.answers", "rw", "2 letters for 200 items"},
		{"letters", "candidates.0.tasks.0.answers", strings.Repeat("x", 200), "candidates[0].tasks[0].answers: must have only the letters r and w"},
		{"score", "candidates.0.tasks.0.score.value", 1.5, "candidates[0].tasks[0].score: is 1.5, but 97 of 200 are right"},
		{"comparison", "comparisons.0.b", "x", `comparisons[0].b: unknown candidate "x"`},
		{"better", "comparisons.0.better", "x", "comparisons[0].better"},
		{"p", "comparisons.0.p_adjusted", 2, "comparisons[0].p"},
		{"verdict", "gate.verdict", "good", `gate.verdict: unknown verdict "good"`},
		{"gate verdict", "gate.gates.1.verdict", "", `gate.gates[1].verdict: unknown verdict ""`},
		{"gate level", "gate.gates.1.level", "note", "gate.gates[1].level"},
		{"gate op", "gate.gates.1.op", "<", "gate.gates[1].op"},
		{"gate candidate", "gate.candidate", "x", "gate.candidate"},
		{"waiver", "gate.waivers.0.until", "tomorrow", "gate.waivers[0].until"},
		{"finding", "findings.0.level", "x", "findings[0].level"},
	} {
		t.Run(f.name, func(t *testing.T) {
			_, err := Parse(changed(t, b, f.path, f.value))
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, f.want)
		})
	}
	for text, want := range map[string]string{"": "ends early", "{": "ends early", "[]": "must be an object (got an array)", "nulx": "not JSON", string(b) + "x": "unexpected data after"} {
		_, err := Parse([]byte(text))
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want, "%.20s", text)
	}
}

func TestUnknownFields(t *testing.T) {
	b, err := os.ReadFile("testdata/single.json")
	require.NoError(t, err)
	b = changed(t, b, "candidates.0.metrics.entropy", 3)
	r, err := Parse(changed(t, b, "colour", "red"))
	require.NoError(t, err)
	require.Equal(t, []string{"candidates[0].metrics.entropy", "colour"}, r.Unknown)
}

func TestReadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"schema":"x"}`), 0o600))
	_, err := Read(path)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, path+": schema")
	_, err = Read(filepath.Dir(path))
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = Read(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// changed sets the value at a path of the JSON.
func changed(t *testing.T, b []byte, path string, value any) []byte {
	var tree any
	require.NoError(t, json.Unmarshal(b, &tree))
	at := tree
	keys := strings.Split(path, ".")
	for i, k := range keys {
		last := i == len(keys)-1
		switch x := at.(type) {
		case map[string]any:
			if last && value == nil && k == "schema" {
				delete(x, k)
			} else if last {
				x[k] = value
			}
			at = x[k]
		case []any:
			var n int
			require.NoError(t, json.Unmarshal([]byte(k), &n))
			at = x[n]
		default:
			require.Fail(t, "no such path", path)
		}
	}
	out, err := json.Marshal(tree)
	require.NoError(t, err)
	return out
}

// FuzzParse: whatever comes, an error or a report that can be written and read again.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/single.json"} {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"schema":"carat/report","version":1,"command":"gate","candidates":null}`))
	f.Add([]byte(`{"schema":"carat/report","version":1,"command":"x","candidates":[{"name":"a"},{"name":"b","metrics":{"perplexity":{"value":1}}}],"comparisons":[{"a":"a","b":"b"}],"gate":{"verdict":"pass","gates":[{"id":"x","verdict":"fail","level":"error","op":"<="}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		again, err := Marshal(r)
		require.NoError(t, err)
		_, err = Parse(again)
		require.NoError(t, err)
	})
}

// TestTruncationNamesTheFile cuts a report off at some places.
func TestTruncationNamesTheFile(t *testing.T) {
	b, err := os.ReadFile("testdata/sample.json")
	require.NoError(t, err)
	b = bytes.TrimRight(b, "\n")
	path := filepath.Join(t.TempDir(), "r.json")
	for n := 0; n < len(b); n += max(1, min(len(b)/30, len(b)-n-1)) {
		require.NoError(t, os.WriteFile(path, b[:n], 0o600))
		_, err := Read(path)
		require.ErrorIs(t, err, gguf.ErrInput, "%d bytes", n)
		require.ErrorContains(t, err, path)
	}
}
