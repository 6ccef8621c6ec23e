package quantize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// memory is a model of float32 tensors.
type memory struct {
	md *gguf.Metadata
	ts []gguf.Tensor
}

func (m *memory) Metadata() *gguf.Metadata { return m.md }
func (m *memory) Tensors() []gguf.Tensor   { return m.ts }
func (m *memory) Close() error             { return nil }

type memoryTensor struct {
	gguf.TensorInfo
	values []float32
}

func (t *memoryTensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t *memoryTensor) ReadRows(dst []byte, first, n int64) error {
	c, _ := codec.For(gguf.F32)
	c.Encode(dst, t.values[first*t.Cols():(first+n)*t.Cols()], int(t.Cols()), nil)
	return nil
}

func sample() *memory {
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.architecture", "llama")
	m.md.Set("general.file_type", uint32(0))
	m.md.Set("llama.block_count", uint32(2))
	m.md.Set("llama.attention.head_count", uint32(4))
	m.md.Set("llama.attention.head_count_kv", uint32(2))
	seed := float32(1)
	add := func(name string, shape ...int64) {
		i := gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: shape}
		v := make([]float32, i.Elements())
		for j := range v {
			seed = float32(math.Mod(float64(seed)*16807, 2147483647))
			v[j] = seed/2147483647 - 0.5
		}
		m.ts = append(m.ts, &memoryTensor{i, v})
	}
	add("token_embd.weight", 512, 700)
	add("output_norm.weight", 512)
	for _, l := range []string{"blk.1.", "blk.0."} {
		add(l+"ffn_down.weight", 512, 600)
		add(l+"attn_v.weight", 512, 33)
		add(l+"attn_norm.weight", 512)
		add(l+"odd.weight", 96, 7)
	}
	return m
}

func run(t *testing.T, src gguf.Model, o Options) (path string) {
	t.Helper()
	p, err := NewPlan(src, o)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, p.Run(context.Background(), path, nil))
	return path
}

func fileHash(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

func TestPlanOrderTypesAndMetadata(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M})
	require.NoError(t, err)
	var got []string
	for _, x := range p.Tensors {
		got = append(got, x.Name+" "+x.Type.String())
	}
	require.Equal(t, []string{
		"output_norm.weight F32", "token_embd.weight Q6_K",
		"blk.0.attn_norm.weight F32", "blk.0.attn_v.weight Q4_K", "blk.0.ffn_down.weight Q4_K", "blk.0.odd.weight Q5_0",
		"blk.1.attn_norm.weight F32", "blk.1.attn_v.weight Q6_K", "blk.1.ffn_down.weight Q6_K", "blk.1.odd.weight Q5_0",
	}, got)
	require.True(t, p.Tensors[5].Fallback)
	all := p.Metadata.All()
	require.Equal(t, gguf.KV{Key: "general.quantization_version", Value: uint32(2)}, all[len(all)-2])
	require.Equal(t, gguf.KV{Key: "general.file_type", Value: uint32(15)}, all[len(all)-1])
}

func TestThreadsDoNotChangeBytes(t *testing.T) {
	want := fileHash(t, run(t, sample(), Options{FileType: recipe.Q4_K_M, Threads: 1}))
	for _, n := range []int{2, 8} {
		require.Equal(t, want, fileHash(t, run(t, sample(), Options{FileType: recipe.Q4_K_M, Threads: n})))
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	q8 := run(t, sample(), Options{FileType: recipe.Q8_0})
	f, err := gguf.Open(q8)
	require.NoError(t, err)
	defer f.Close()
	_, err = NewPlan(f, Options{FileType: recipe.Q4_0})
	require.ErrorIs(t, err, ErrOptions)
	require.ErrorContains(t, err, "token_embd.weight: already quantized to Q8_0")
	require.Contains(t, hint.Of(err), "--allow-requantize")
	_, err = NewPlan(f, Options{FileType: recipe.Q4_0, AllowRequantize: true})
	require.NoError(t, err)

	o := Options{FileType: recipe.Q4_K_M}
	o.NoFallback = true
	_, err = NewPlan(sample(), o)
	require.ErrorIs(t, err, ErrOptions)
	require.ErrorContains(t, err, "blk.0.odd.weight")
	_, err = NewPlan(sample(), Options{FileType: recipe.Q2_K_S})
	require.ErrorContains(t, err, "--imatrix")
	q6 := gguf.Q6_K
	o = Options{FileType: recipe.Q8_0}
	o.TensorTypes = []recipe.TensorType{{Pattern: regexp.MustCompile("odd"), Type: q6}}
	p, err := NewPlan(sample(), o)
	require.NoError(t, err)
	require.Equal(t, gguf.Q8_0, p.Tensors[5].Type, "Q6_K falls back to Q8_0")
	_, err = NewPlan(sample(), Options{FileType: recipe.IQ2_XS})
	require.ErrorIs(t, err, ErrOptions)
}

func TestBrokenWeightsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		value  float32
		reason string
		ft     recipe.FileType
	}{
		"nan":      {float32(math.NaN()), "row 3 column 5 is NaN: not finite", recipe.Q4_K_M},
		"inf":      {float32(math.Inf(-1)), "not finite", recipe.Copy},
		"overflow": {70000, "overflow", recipe.F16},
	} {
		m := sample()
		m.ts[0].(*memoryTensor).values[3*512+5] = c.value
		p, err := NewPlan(m, Options{FileType: c.ft, Threads: 2})
		require.NoError(t, err)
		dir := t.TempDir()
		err = p.Run(context.Background(), filepath.Join(dir, "out.gguf"), nil)
		require.ErrorIs(t, err, gguf.ErrInput, name)
		require.ErrorContains(t, err, "token_embd.weight")
		require.ErrorContains(t, err, c.reason)
		requireEmpty(t, dir)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M, Threads: 2})
	require.NoError(t, err)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err = p.Run(ctx, filepath.Join(dir, "out.gguf"), func(done, total int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestParseOverrideKV(t *testing.T) {
	for s, want := range map[string]any{"a=int:-7": uint32(7), "a=float:0.5": float32(0.5), "a=bool:true": true, "a=str:x=y:z": "x=y:z"} {
		kv, err := ParseOverrideKV(s)
		require.NoError(t, err, s)
		require.Equal(t, gguf.KV{Key: "a", Value: want}, kv)
	}
	for _, s := range []string{"", "a", "a=int", "a=int:x", "a=bool:yes", "a=u8:1", "=int:1", "a=int:5000000000"} {
		_, err := ParseOverrideKV(s)
		require.Error(t, err, s)
	}
}
