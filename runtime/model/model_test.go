package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/runtime/kernel"
)

// fake is a model in memory with F32 tensors.
type fake struct {
	md      *gguf.Metadata
	tensors []gguf.Tensor
}

func (f *fake) Metadata() *gguf.Metadata { return f.md }
func (f *fake) Tensors() []gguf.Tensor   { return f.tensors }
func (f *fake) Close() error             { return nil }

type fakeTensor struct {
	info gguf.TensorInfo
	data []byte
}

func (t *fakeTensor) Info() gguf.TensorInfo { return t.info }
func (t *fakeTensor) ReadRows(dst []byte, first, n int64) error {
	copy(dst, t.data[first*t.info.RowBytes():(first+n)*t.info.RowBytes()])
	return nil
}

// add appends a tensor of random weights.
func (f *fake) add(r *rand.Rand, name string, shape ...int64) {
	t := &fakeTensor{info: gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: shape}}
	for range t.info.Elements() {
		v := float32(r.NormFloat64() / math.Sqrt(float64(shape[0])))
		if len(shape) == 1 {
			v = 1 + v/4
		}
		t.data = binary.LittleEndian.AppendUint32(t.data, math.Float32bits(v))
	}
	f.tensors = append(f.tensors, t)
}

const (
	testVocab = 50
	testWidth = 40
)

// newFake builds a Llama of two layers: width 40, 4 heads of 10, 2 key-value heads, odd sizes throughout.
func newFake() *fake {
	r := rand.New(rand.NewPCG(1, 1))
	f := &fake{md: &gguf.Metadata{}}
	f.md.Set("general.architecture", "llama")
	for key, v := range map[string]uint32{"block_count": 2, "context_length": 64, "embedding_length": testWidth,
		"feed_forward_length": 60, "attention.head_count": 4, "attention.head_count_kv": 2} {
		f.md.Set("llama."+key, v)
	}
	f.md.Set("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	f.add(r, "token_embd.weight", testWidth, testVocab)
	f.add(r, "output_norm.weight", testWidth)
	for i := range 2 {
		p := fmt.Sprintf("blk.%d.", i)
		f.add(r, p+"attn_norm.weight", testWidth)
		f.add(r, p+"attn_q.weight", testWidth, 40)
		f.add(r, p+"attn_k.weight", testWidth, 20)
		f.add(r, p+"attn_v.weight", testWidth, 20)
		f.add(r, p+"attn_output.weight", 40, testWidth)
		f.add(r, p+"ffn_norm.weight", testWidth)
		f.add(r, p+"ffn_gate.weight", testWidth, 60)
		f.add(r, p+"ffn_up.weight", testWidth, 60)
		f.add(r, p+"ffn_down.weight", 60, testWidth)
	}
	return f
}

func load(t *testing.T, src gguf.Model, threads int) *Model {
	t.Helper()
	m, err := Load(src, Options{Pool: kernel.NewPool(threads), Activations: true})
	require.NoError(t, err)
	return m
}

func session(t *testing.T, m *Model, tokens int) *Session {
	t.Helper()
	s, err := m.NewSession(tokens)
	require.NoError(t, err)
	if m.Encodes() {
		require.NoError(t, s.Encode(testIDs(min(tokens, 7))))
	}
	return s
}

func testIDs(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32((i*i*7 + 3*i) % testVocab)
	}
	return ids
}

// all evaluates ids in one call and returns every row of logits.
func all(t *testing.T, m *Model, ids []int32) []float32 {
	t.Helper()
	logits := make([]float32, len(ids)*m.Vocab())
	require.NoError(t, session(t, m, len(ids)).Forward(ids, 0, logits))
	return logits
}

func TestOneAtATimeEqualsBatch(t *testing.T) {
	for _, tier := range cpu.Available() {
		t.Run(tier.String(), func(t *testing.T) {
			defer cpu.Force(tier)()
			m := load(t, newFake(), 2)
			ids := testIDs(30)
			want := all(t, m, ids)
			s := session(t, m, 30)
			for i := range ids {
				row := make([]float32, m.Vocab())
				require.NoError(t, s.Forward(ids[i:i+1], 0, row))
				require.Equal(t, want[i*m.Vocab():(i+1)*m.Vocab()], row, "token %d", i)
			}
			require.Equal(t, 30, s.Len())

			s.Reset() // a prompt without logits, then a part with some
			require.NoError(t, s.Forward(ids[:11], 11, nil))
			rows := make([]float32, 3*m.Vocab())
			require.NoError(t, s.Forward(ids[11:20], 6, rows))
			require.Equal(t, want[17*m.Vocab():20*m.Vocab()], rows)
		})
	}
}

func TestThreadsDoNotChangeLogits(t *testing.T) {
	ids := testIDs(40)
	want := all(t, load(t, newFake(), 1), ids)
	for _, threads := range []int{0, 2, 3, 8} {
		require.Equal(t, want, all(t, load(t, newFake(), threads), ids), "%d threads", threads)
	}
}

func TestLongInputIsCutIntoBatches(t *testing.T) {
	m := load(t, newFake(), 2)
	ids := testIDs(batch + 20)
	want := make([]float32, 30*m.Vocab())
	s := session(t, m, len(ids))
	require.NoError(t, s.Forward(ids, len(ids)-30, want))
	s.Reset()
	require.NoError(t, s.Forward(ids[:len(ids)-30], len(ids)-30, nil))
	got := make([]float32, 30*m.Vocab())
	require.NoError(t, s.Forward(ids[len(ids)-30:], 0, got))
	require.Equal(t, want, got)
}

func TestForwardRejects(t *testing.T) {
	m := load(t, newFake(), 1)
	require.Equal(t, testVocab, m.Vocab())
	require.Equal(t, 64, m.ContextLength())
	s := session(t, m, 4)
	require.ErrorContains(t, s.Forward([]int32{1, testVocab}, 2, nil), "token 1 of the input is 50")
	require.ErrorContains(t, s.Forward([]int32{-1}, 1, nil), "is -1")
	require.ErrorContains(t, s.Forward(testIDs(5), 5, nil), "do not fit")
	require.ErrorContains(t, s.Forward(testIDs(2), 0, make([]float32, 99)), "need 100")
	require.ErrorContains(t, s.Forward(testIDs(2), 3, nil), "from token 3")
	require.Zero(t, s.Len())
	_, err := m.NewSession(0)
	require.Error(t, err)
}

func TestObserve(t *testing.T) {
	m := load(t, newFake(), 1)
	s := session(t, m, 3)
	seen := map[string]int{}
	s.Observe(func(tensor string, expert, experts int, x []float32, cols int) {
		require.Equal(t, []int{0, 1}, []int{expert, experts}, tensor)
		seen[tensor] += len(x) / cols
	})
	require.NoError(t, s.Forward(testIDs(3), 3, nil))
	require.Len(t, seen, 14)
	require.Equal(t, 3, seen["blk.1.ffn_down.weight"])
}

func TestLoadRejects(t *testing.T) {
	for _, c := range []struct {
		name, want string
		spoil      func(f *fake)
	}{
		{"architecture", `general.architecture is "abacus"`, func(f *fake) { f.md.Set("general.architecture", "abacus") }},
		{"missing key", "metadata llama.block_count is missing", func(f *fake) { f.md.Delete("llama.block_count") }},
		{"key type", "llama.block_count is [2 2]", func(f *fake) { f.md.Set("llama.block_count", []uint32{2, 2}) }},
		{"zero heads", "llama.attention.head_count is 0", func(f *fake) { f.md.Set("llama.attention.head_count", uint32(0)) }},
		{"too many layers", "llama.block_count is 1000000, but 2 layers have tensors", func(f *fake) { f.md.Set("llama.block_count", uint32(1000000)) }},
		{"missing layer", "llama.block_count is 3, but 2 layers have tensors", func(f *fake) { f.md.Set("llama.block_count", uint32(3)) }},
		{"kv heads", "4 attention heads are not a multiple of 3", func(f *fake) { f.md.Set("llama.attention.head_count_kv", uint32(3)) }},
		{"shape", "tensor blk.0.attn_k.weight has shape [40 20], but the metadata says [40 40]", func(f *fake) { f.md.Set("llama.attention.head_count_kv", uint32(4)) }},
		{"experts", "llama.expert_used_count is missing", func(f *fake) { f.md.Set("llama.expert_count", uint32(8)) }},
		{"number of experts", "llama.expert_count is 4294967295", func(f *fake) { f.md.Set("llama.expert_count", uint32(1<<32-1)) }},
		{"used experts", "expert_used_count is 9, but there are only 8", func(f *fake) {
			f.md.Set("llama.expert_count", uint32(8))
			f.md.Set("llama.expert_used_count", uint32(9))
		}},
		{"no experts", "tensor blk.0.ffn_gate_inp.weight is missing", func(f *fake) {
			f.md.Set("llama.expert_count", uint32(8))
			f.md.Set("llama.expert_used_count", uint32(2))
		}},
		{"scaling", `rope.scaling.type is "spiral"`, func(f *fake) { f.md.Set("llama.rope.scaling.type", "spiral") }},
		{"no tensors", "no layer has tensors", func(f *fake) { f.tensors = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake()
			c.spoil(f)
			_, err := Load(f, Options{})
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTruncatedIsAsIfNeverSaid(t *testing.T) {
	m, err := Load(newFake(), Options{})
	require.NoError(t, err)
	s, err := m.NewSession(16)
	require.NoError(t, err)
	want, got := make([]float32, testVocab), make([]float32, testVocab)
	require.NoError(t, s.Forward([]int32{1, 2, 3}, 3, nil))
	require.NoError(t, s.Forward([]int32{4}, 0, want))
	require.NoError(t, s.Forward([]int32{9, 8, 7}, 3, nil))
	s.Truncate(99)
	require.Equal(t, 7, s.Len())
	s.Truncate(3)
	require.Equal(t, 3, s.Len())
	require.NoError(t, s.Forward([]int32{4}, 0, got))
	require.Equal(t, want, got)
	s.Truncate(-1)
	require.Zero(t, s.Len())
}

func TestSessionBytes(t *testing.T) {
	m, err := Load(newFake(), Options{Pool: kernel.NewPool(1)})
	require.NoError(t, err)
	s, err := m.NewSession(16)
	require.NoError(t, err)
	// 16 positions are one block of 64; values of 10 elements are padded to 16, keys are not. The table has 5 pairs a position; the sequence itself is kept.
	fresh := int64(4 * (2 /* layers */ *2 /* heads */ *64*(10+16) + 2*16*5 + 16))
	require.Equal(t, fresh, s.Bytes())
	require.NoError(t, s.Forward([]int32{1, 2}, 2, nil))
	require.Greater(t, s.Bytes(), fresh, "buffers grow with use")
}

// reshape gives a tensor another shape, of random weights.
func (f *fake) reshape(name string, shape ...int64) {
	f.tensors = slices.DeleteFunc(f.tensors, func(x gguf.Tensor) bool { return x.Info().Name == name })
	f.add(rand.New(rand.NewPCG(3, uint64(len(name)))), name, shape...)
}
