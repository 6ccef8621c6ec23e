package embed

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

func open(t *testing.T, dir string, threads int) *engine.Engine {
	t.Helper()
	e, err := engine.Open(dir, engine.Options{Threads: threads, Text: true, Activations: true, Compute: kernel.Exact,
		Source: func(path string) (gguf.Model, error) { return convert.OpenPath(path, convert.Options{}) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

// run collects copies of the results.
func run(t *testing.T, e *engine.Engine, texts []string, o Options) (tokens []int, vectors [][]float32) {
	t.Helper()
	require.NoError(t, Run(context.Background(), e, texts, o, func(r Result) error {
		tokens = append(tokens, r.Tokens)
		for _, v := range r.Vectors {
			vectors = append(vectors, slices.Clone(v))
		}
		return nil
	}))
	return tokens, vectors
}

const folder = "../../testdata/checkpoints/qwen3"

var texts = []string{"the inn and the ring", "on", "a", "ring ring ring", "the inn and the ring"}

// TestPoolings computes each pooling from the vectors of tokens; texts together give the vectors of each alone.
func TestPoolings(t *testing.T) {
	e := open(t, folder, 2)
	for _, p := range []Pooling{Mean, CLS, Last} {
		for _, normal := range []bool{false, true} {
			tokens, all := run(t, e, texts, Options{Pooling: p, Normalize: normal})
			require.Len(t, all, len(texts))
			require.Equal(t, all[0], all[4])
			for i, text := range texts {
				_, rows := run(t, e, texts[i:i+1], Options{Pooling: None})
				require.Len(t, rows, tokens[i])
				want := slices.Clone(rows[0])
				switch p {
				case Last:
					want = slices.Clone(rows[len(rows)-1])
				case Mean:
					for d := range want {
						sum := 0.0
						for _, r := range rows {
							sum += float64(r[d])
						}
						want[d] = float32(sum / float64(len(rows)))
					}
				}
				if normal {
					length := 0.0
					for _, v := range want {
						length += float64(v) * float64(v)
					}
					for d := range want {
						want[d] = float32(float64(want[d]) / math.Sqrt(length))
					}
				}
				require.InDeltaSlice(t, want, all[i], 1e-6, "%v of %q", p, text)
			}
		}
	}
}

// TestThreadsAndCompany: vectors depend neither on the number of threads nor on the texts beside them.
func TestThreadsAndCompany(t *testing.T) {
	many := make([]string, 400)
	for i := range many {
		many[i] = texts[i%len(texts)]
	}
	_, want := run(t, open(t, folder, 1), many, Options{Pooling: Mean})
	_, got := run(t, open(t, folder, 3), many, Options{Pooling: Mean})
	require.Equal(t, want, got)
	for i := range many {
		require.Equal(t, want[i%len(texts)], want[i])
	}
	done := int64(0)
	require.NoError(t, Run(context.Background(), open(t, folder, 2), many, Options{Progress: func(d, total int64) {
		require.Greater(t, d, done)
		require.EqualValues(t, len(many), total)
		done = d
	}}, func(Result) error { return nil }))
	require.EqualValues(t, len(many), done)
}

func TestPrefix(t *testing.T) {
	e := open(t, folder, 2)
	_, want := run(t, e, []string{"query: on"}, Options{Pooling: Mean})
	_, got := run(t, e, []string{"on"}, Options{Pooling: Mean, Prefix: "query: "})
	require.Equal(t, want, got)
}

func TestLongTexts(t *testing.T) {
	e := open(t, folder, 2)
	long := ""
	for range e.ContextLength() + 5 {
		long += "x"
	}
	err := Run(context.Background(), e, []string{"on", long}, Options{}, func(Result) error { return nil })
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "text 2 has ")
	tokens, rows := run(t, e, []string{long}, Options{Truncate: true})
	require.Equal(t, []int{e.ContextLength()}, tokens)
	require.Len(t, rows, e.ContextLength())
	err = Run(context.Background(), e, []string{"on", "a\xff"}, Options{}, func(Result) error { return nil })
	require.ErrorContains(t, err, "text 2: byte 0xff")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Run(ctx, e, texts, Options{}, func(Result) error { return nil }), context.Canceled)
}

// TestCutTextsKeepTheirEnd: the token that the model wants behind a text stays when the text is cut.
func TestCutTextsKeepTheirEnd(t *testing.T) {
	md := &gguf.Metadata{}
	md.Set("tokenizer.ggml.model", "bert")
	md.Set("tokenizer.ggml.tokens", []string{"[UNK]", "[CLS]", "[SEP]", "▁a", "▁b"})
	md.Set("tokenizer.ggml.token_type", []int32{2, 3, 3, 1, 1})
	for i, key := range []string{"unknown", "bos", "seperator"} {
		md.Set("tokenizer.ggml."+key+"_token_id", uint32(i))
	}
	tok, err := tokenizer.New(md)
	require.NoError(t, err)
	for most, want := range map[int][]int32{5: {1, 3, 4, 3, 2}, 4: {1, 3, 4, 2}, 2: {1, 2}} {
		ids, err := tokens(tok, []string{"a b a"}, most, true)
		require.NoError(t, err)
		require.Equal(t, [][]int32{want}, ids)
	}
}

// TestSequences is about encoders, by ids.
func TestSequences(t *testing.T) {
	e := open(t, folder, 2)
	require.ErrorContains(t, Sequences(context.Background(), e, [][]int32{{1}, {}}, Options{}, nil), "text 2 has no tokens")
	var vectors [][]float32
	require.NoError(t, Sequences(context.Background(), e, [][]int32{{1, 2}, {3}}, Options{Pooling: Last}, func(r Result) error {
		vectors = append(vectors, slices.Clone(r.Vectors[0]))
		return nil
	}))
	s, err := e.NewSession(2)
	require.NoError(t, err)
	want := make([]float32, 2*e.Width())
	require.NoError(t, s.Evaluate([]int32{1, 2}, model.Outputs{Hidden: want}))
	require.Equal(t, want[e.Width():], vectors[0])
}

func TestPoolingOf(t *testing.T) {
	md := &gguf.Metadata{}
	md.Set("general.architecture", "bert")
	_, err := PoolingOf(md)
	require.ErrorContains(t, err, "bert.pooling_type is missing")
	for n, want := range []Pooling{None, Mean, CLS, Last} {
		md.Set("bert.pooling_type", uint32(n))
		got, err := PoolingOf(md)
		require.NoError(t, err)
		require.Equal(t, want, got)
		named, err := ParsePooling(got.String())
		require.NoError(t, err)
		require.Equal(t, got, named)
	}
	for value, message := range map[any]string{uint32(4): "a reranker", uint32(5): "is 5; known are", int32(-1): "is -1; known are", "mean": "is mean; known are"} {
		md.Set("bert.pooling_type", value)
		_, err := PoolingOf(md)
		require.ErrorContains(t, err, message)
		require.ErrorIs(t, err, gguf.ErrInput)
	}
	_, err = ParsePooling("mena")
	require.ErrorContains(t, err, "mean")
}

func TestNormalize(t *testing.T) {
	x := []float32{3, 0, -4}
	normalize(x)
	require.Equal(t, []float32{0.6, 0, -0.8}, x)
	x = []float32{0, 0}
	normalize(x)
	require.Equal(t, []float32{0, 0}, x)
}
