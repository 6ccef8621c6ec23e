package embed

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
)

const encoders = "../../testdata/encoders"

// answers are what transformers computes: vectors of texts, or the logits of texts after a query.
type answers struct {
	Query   string
	Texts   []string
	Tokens  [][]int32
	Vectors [][]float32
	Logits  []float32
}

// encoder opens the checkpoint of that name and what it must compute.
func encoder(t *testing.T, name string) (*engine.Engine, answers) {
	t.Helper()
	dir := filepath.Join(encoders, name)
	var a answers
	b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &a))
	o := convert.Options{Pooler: true, Dense: true, OutType: "f32"}
	switch { // vocabularies are too small to be known
	case strings.HasPrefix(name, "roberta"), strings.HasPrefix(name, "modernbert"):
		o.Pre = "gpt-2"
	case strings.HasPrefix(name, "qwen3"), strings.HasPrefix(name, "eurobert"):
		o.Pre = "qwen2"
	}
	e, err := engine.Open(dir, engine.Options{Threads: 2, Text: true, Activations: true, Compute: kernel.Exact,
		Source: func(path string) (gguf.Model, error) { return convert.OpenPath(path, o) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e, a
}

// TestEncoders: tokens, vectors and scores of tiny checkpoints of all classes that embed and rank are those of transformers.
func TestEncoders(t *testing.T) {
	dirs, err := os.ReadDir(encoders)
	require.NoError(t, err)
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) {
			e, want := encoder(t, d.Name())
			if want.Logits != nil {
				ranks(t, e, want)
				return
			}
			tok, err := e.Tokenizer()
			require.NoError(t, err)
			var ids [][]int32
			for i, text := range want.Texts {
				got, err := tok.Encode(text, true, true)
				require.NoError(t, err)
				require.Equal(t, want.Tokens[i], got, "%q", text)
				ids = append(ids, got)
			}
			o := Options{Pooling: None}
			if p, err := PoolingOf(e.Source().Metadata()); err == nil {
				o.Pooling = p
			}
			o.Normalize, _ = e.Source().(*convert.Model).Normalizes()
			i := 0
			require.NoError(t, Sequences(context.Background(), e, ids, o, func(r Result) error {
				require.InDeltaSlice(t, want.Vectors[i], slices.Concat(r.Vectors...), 1e-5, "%q", want.Texts[i])
				i++
				return nil
			}))
			require.Len(t, want.Vectors, i)
		})
	}
}

// ranks compares logits, of texts together and of each alone.
func ranks(t *testing.T, e *engine.Engine, want answers) {
	var got []Score
	take := func(s Score) error { got = append(got, s); return nil }
	require.NoError(t, Rank(context.Background(), e, want.Query, want.Texts, RankOptions{}, take))
	for i, s := range got {
		require.InDelta(t, want.Logits[i], s.Logit, 1e-5, "%q", want.Texts[i])
		require.Equal(t, len(want.Tokens[i]), s.Tokens)
	}
	together := got
	got = nil
	for _, text := range want.Texts {
		require.NoError(t, Rank(context.Background(), e, want.Query, []string{text}, RankOptions{}, take))
	}
	require.Equal(t, together, got)
}
