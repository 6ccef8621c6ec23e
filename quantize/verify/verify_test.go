package verify

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// sound is a model of two layers without faults.
func sound() *memory {
	m := &memory{md: &gguf.Metadata{}}
	for k, v := range map[string]any{
		"general.architecture": "llama", "llama.block_count": uint32(2), "llama.context_length": uint32(8), "llama.embedding_length": uint32(256),
		"llama.attention.head_count": uint32(4), "llama.feed_forward_length": uint32(512), "llama.expert_count": uint32(2), "llama.expert_used_count": uint32(1),
		"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": []string{"a", "b", "c"}, "tokenizer.ggml.scores": []float32{1, 2, 3},
		"tokenizer.ggml.token_type": []int32{1, 1, 1}, "tokenizer.ggml.bos_token_id": uint32(2),
	} {
		m.md.Set(k, v)
	}
	add := func(name string, shape ...int64) {
		m.ts = append(m.ts, encoded(name, gguf.F32, wave(int(gguf.TensorInfo{Shape: shape}.Elements())), shape...))
	}
	add("token_embd.weight", 256, 3)
	for _, l := range []string{"blk.0.", "blk.1."} {
		add(l+"attn_norm.weight", 256)
		add(l+"attn_q.weight", 256, 256)
		add(l+"ffn_up.weight", 256, 512)
		add(l+"ffn_up_exps.weight", 256, 9, 2)
	}
	return m
}

func verifyOf(t *testing.T, m gguf.Model, o Options) *Report {
	t.Helper()
	r, err := Verify(context.Background(), m, o, nil)
	require.NoError(t, err)
	return r
}

func TestVerifyMetadata(t *testing.T) {
	r := verifyOf(t, sound(), Options{})
	require.Empty(t, r.Findings)
	require.Empty(t, r.Notes)
	require.Equal(t, 9, r.Decoded)
	for key, c := range map[string]struct {
		value any // nil deletes
		found string
	}{
		"general.architecture":        {nil, "general.architecture is missing"},
		"llama.block_count":           {uint32(3), "llama.block_count is 3, but 2 layers have tensors"},
		"llama.context_length":        {nil, "llama.context_length is missing"},
		"llama.embedding_length":      {uint32(128), "has rows of 256, but llama.embedding_length is 128"},
		"llama.attention.head_count":  {nil, "llama.attention.head_count is missing"},
		"llama.feed_forward_length":   {nil, "llama.feed_forward_length is missing"},
		"llama.expert_used_count":     {nil, "llama.expert_used_count is missing"},
		"tokenizer.ggml.model":        {nil, "tokenizer.ggml.model is missing"},
		"tokenizer.ggml.tokens":       {[]string{"a", "b", "c", "d"}, "tokenizer.ggml.scores has 3 entries for 4 tokens"},
		"tokenizer.ggml.token_type":   {[]int32{1}, "tokenizer.ggml.token_type has 1 entries for 3 tokens"},
		"tokenizer.ggml.bos_token_id": {uint32(3), "tokenizer.ggml.bos_token_id is 3, the vocabulary has 3 tokens"},
	} {
		m := sound()
		if c.value == nil {
			m.md.Delete(key)
		} else {
			m.md.Set(key, c.value)
		}
		r := verifyOf(t, m, Options{})
		require.NotEmpty(t, r.Findings, key)
		require.Equal(t, "metadata", r.Findings[0].Check)
		require.Contains(t, r.Findings[0].Message, c.found)
	}
	m := sound()
	m.md.Set("llama.block_count", uint32(1<<31))
	require.Len(t, verifyOf(t, m, Options{}).Findings, 1, "a count that no file has")
	m.ts = m.ts[:5]
	m.ts[1] = encoded("blk.7.attn_norm.weight", gguf.F32, wave(256), 256)
	m.md.Set("llama.block_count", uint32(2))
	require.Equal(t, "layer 1 of 2 has no tensors", verifyOf(t, m, Options{}).Findings[0].Message)
}

func TestVerifyContents(t *testing.T) {
	for _, threads := range []int{1, 3} {
		m := sound()
		q8 := encoded("blk.0.attn_q.weight", gguf.Q8_0, wave(256*256), 256, 256)
		binary.LittleEndian.PutUint16(q8.data[5*q8.RowBytes()+3*34:], 0x7c00) // the scale of columns 96 to 127 is infinite
		m.ts[2] = q8
		f32 := m.ts[3].(*tensor)
		binary.LittleEndian.PutUint32(f32.data[4*(511*256+255):], math.Float32bits(float32(math.NaN())))
		clear(m.ts[4].(*tensor).data)
		m.ts = append(m.ts, encoded("blk.1.x.weight", gguf.F64, nil, 256, 1), encoded("blk.1.ids", gguf.I32, nil, 1))
		r := verifyOf(t, m, Options{Threads: threads})
		require.Len(t, r.Findings, 2)
		f := r.Findings[0]
		require.Equal(t, []any{"contents", "blk.0.attn_q.weight", int64(5), int64(96)}, []any{f.Check, f.Tensor, *f.Row, *f.Column})
		require.Contains(t, f.Message, "32 of 65536 values")
		f = r.Findings[1]
		require.Equal(t, []any{"blk.0.ffn_up.weight", int64(511), int64(255)}, []any{f.Tensor, *f.Row, *f.Column})
		require.Contains(t, f.Message, "is NaN")
		require.Equal(t, []string{
			"tensor blk.0.ffn_up_exps.weight: every value is 0",
			"1 tensors of type F64: values not checked, since carat cannot decode the type",
		}, r.Notes)
	}
}

// matrix writes an importance matrix for ffn_up_exps with other weights for each expert, and reads it.
func matrix(t *testing.T) *imatrix.Matrix {
	t.Helper()
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.type", "imatrix")
	m.md.Set("imatrix.datasets", []string{"d"})
	m.md.Set("imatrix.chunk_count", uint32(3))
	w := make([]float32, 512)
	for i := range w {
		if w[i] = float32(i*i%97) + 0.5; i < 256 {
			w[i] = 0 // columns that saw nothing: they weigh alike
		}
	}
	for _, l := range []string{"blk.0.", "blk.1."} {
		m.ts = append(m.ts, encoded(l+"ffn_up_exps.weight.in_sum2", gguf.F32, w, 256, 2), encoded(l+"ffn_up_exps.weight.counts", gguf.F32, []float32{1, 1}, 1, 2))
	}
	path := filepath.Join(t.TempDir(), "imatrix.gguf")
	require.NoError(t, quantize.Write(context.Background(), m, path, 1, nil))
	x, err := imatrix.Read(path)
	require.NoError(t, err)
	return x
}

func quantized(t *testing.T, m *imatrix.Matrix) (path string) {
	t.Helper()
	p, err := quantize.NewPlan(sound(), quantize.Options{FileType: recipe.Q4_K_S, Imatrix: m, ImatrixName: "x", Threads: 2})
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "q.gguf")
	require.NoError(t, p.Run(context.Background(), path, nil))
	return path
}

func openFile(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestVerifyAgainstSource(t *testing.T) {
	path := quantized(t, nil)
	q := openFile(t, path)
	r := verifyOf(t, q, Options{Source: sound(), Threads: 2})
	require.Empty(t, r.Findings)
	require.Len(t, r.Sample, 9)

	// A sample takes what was encoded first, and the same tensors for the same seed.
	a, b := verifyOf(t, q, Options{Source: sound(), Sample: 3, Seed: 7}), verifyOf(t, q, Options{Source: sound(), Sample: 3, Seed: 7, Threads: 8})
	require.Equal(t, a, b)
	require.Len(t, a.Sample, 3)
	others := map[string]bool{}
	for seed := range uint64(20) {
		for _, s := range verifyOf(t, q, Options{Source: sound(), Sample: 3, Seed: seed}).Sample {
			require.NotEqual(t, s.SourceType, s.Type)
			others[s.Name] = true
		}
	}
	require.Len(t, others, 7, "every one of them is chosen at times")

	// A byte that is another one is found.
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, x := range q.Tensors() {
		if i := x.Info(); i.Name == "blk.1.ffn_up.weight" {
			_, at := x.(gguf.Placed).Place()
			data[at+300*i.RowBytes()+20] ^= 1
		}
	}
	damaged := filepath.Join(t.TempDir(), "d.gguf")
	require.NoError(t, os.WriteFile(damaged, data, 0o600))
	r = verifyOf(t, openFile(t, damaged), Options{Source: sound()})
	require.Len(t, r.Findings, 1)
	require.Equal(t, []any{"source", "blk.1.ffn_up.weight", int64(300)}, []any{r.Findings[0].Check, r.Findings[0].Tensor, *r.Findings[0].Row})

	// Another model's tensors.
	other := sound()
	other.ts[0].(*tensor).Name = "other.weight"
	other.ts[1] = encoded("blk.0.attn_norm.weight", gguf.F32, wave(255), 255)
	var found []string
	for _, f := range verifyOf(t, q, Options{Source: other}).Findings {
		found = append(found, f.Tensor+" "+f.Message)
	}
	require.ElementsMatch(t, []string{
		"token_embd.weight the source has no such tensor", "blk.0.attn_norm.weight has shape [256], the source's has [255]",
		"other.weight is in the source but not in the model",
	}, found)
}

func TestVerifyWithImatrix(t *testing.T) {
	m := matrix(t)
	q := openFile(t, quantized(t, m))
	_, err := Verify(context.Background(), q, Options{Source: sound()}, nil)
	require.ErrorIs(t, err, quantize.ErrOptions)
	require.ErrorContains(t, err, "--imatrix")
	r := verifyOf(t, q, Options{Source: sound(), Imatrix: m, Threads: 2})
	require.Empty(t, r.Findings)
	weighted := 0
	for _, s := range r.Sample {
		if s.Weighted {
			weighted++
		}
	}
	require.Equal(t, 2, weighted)
	// Without those weights the experts are others.
	r = verifyOf(t, q, Options{Source: sound(), Imatrix: m.Filter(func(string) bool { return false })})
	require.Len(t, r.Findings, 2)
}

func TestVerifyCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Verify(ctx, sound(), Options{Source: sound()}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// TestGoldenVerify: of the malformed files the only one with sound structure has a value that is not finite.
func TestGoldenVerify(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	dir := filepath.Join(golden, "golden", "bad")
	b, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	require.NoError(t, err)
	var cases []struct{ File string }
	require.NoError(t, json.Unmarshal(b, &cases))
	matched, of := 0, 0
	for _, c := range cases {
		if filepath.Ext(c.File) != ".gguf" {
			continue
		}
		of++
		f, err := gguf.Open(filepath.Join(dir, c.File))
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			matched++
			continue
		}
		r := verifyOf(t, f, Options{})
		require.NotEmpty(t, r.Findings, c.File)
		matched++
		require.NoError(t, f.Close())
	}
	require.Empty(t, verifyOf(t, openFile(t, filepath.Join(dir, "good.gguf")), Options{}).Findings)
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}
