package model

import (
	"encoding/binary"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func TestEveryArchitectureHasAModel(t *testing.T) {
	var names []string
	for name, f := range families {
		names = append(names, name, f.arch)
	}
	for name := range encoders {
		names = append(names, name)
	}
	for _, f := range everyArchitecture() {
		names = append(names, f.md.Architecture())
	}
	for _, name := range Architectures() {
		require.Contains(t, names, name, "a synthetic model of each architecture is expected")
	}
}

// TestFamilies: tokens one at a time are tokens together, logits are finite, a sequence may be cut anywhere, and a token allocates nothing.
func TestFamilies(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(families)) {
		t.Run(name, func(t *testing.T) {
			f, ids := invented(t, name), testIDs(20)
			m := load(t, f, 2)
			want, row := all(t, m, ids), make([]float32, m.Vocab())
			for _, v := range want {
				require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
			}
			s := session(t, load(t, f, 1), 48)
			for i := range ids {
				require.NoError(t, s.Forward(ids[i:i+1], 0, row))
				require.Equal(t, want[i*m.Vocab():(i+1)*m.Vocab()], row, "token %d", i)
			}
			s.Truncate(9)
			require.NoError(t, s.Forward(ids[3:8], 5, nil))
			s.Truncate(7)
			require.NoError(t, s.Forward(ids[7:], 12, row))
			require.Equal(t, want[19*m.Vocab():], row)
			require.Zero(t, testing.AllocsPerRun(20, func() { require.NoError(t, s.Forward(ids[:1], 0, row)) }))
		})
	}
}

// TestTensorsOfFamiliesAreChecked takes away each tensor and bends each.
func TestTensorsOfFamiliesAreChecked(t *testing.T) {
	for _, name := range append(slices.Sorted(maps.Keys(families)), slices.Sorted(maps.Keys(encoders))...) {
		t.Run(name, func(t *testing.T) {
			sound := invented(t, name)
			require.NoError(t, checkGraph(sound, true))
			for i, x := range sound.tensors {
				tensor := *x.(*fakeTensor)
				if strings.Contains(tensor.info.Name, "nextn") {
					continue
				}
				bent := &fake{sound.md, slices.Clone(sound.tensors)}
				tensor.info.Shape = append(slices.Clone(tensor.info.Shape), 2)
				bent.tensors[i] = &tensor
				require.ErrorContains(t, checkGraph(bent, true), tensor.info.Name)
			}
			extra := *sound.tensors[0].(*fakeTensor)
			extra.info.Name = "blk.0.nothing.weight"
			require.ErrorContains(t, Check(&fake{sound.md, append(slices.Clone(sound.tensors), &extra)}), "unexpected tensor blk.0.nothing.weight")
		})
	}
}

// TestFormsOfLatentAttention: a model computes the same with keys and values of heads in the cache and with latents.
func TestFormsOfLatentAttention(t *testing.T) {
	const heads, latent, plain, value = 4, 16, 8, 6
	apart := invented(t, "deepseek2")
	whole := &fake{apart.md.Clone(), nil}
	for key, v := range map[string]uint32{"head_count_kv": heads, "key_length": 12, "value_length": value} {
		whole.md.Set("deepseek2.attention."+key, v)
	}
	whole.md.Delete("deepseek2.attention.key_length_mla")
	whole.md.Delete("deepseek2.attention.value_length_mla")
	for _, x := range apart.tensors {
		name := x.Info().Name
		p, isKey := strings.CutSuffix(name, "attn_k_b.weight")
		if strings.HasSuffix(name, "attn_v_b.weight") {
			continue
		}
		if !isKey {
			whole.tensors = append(whole.tensors, x)
			continue
		}
		k, v := apart.values(t, name), apart.values(t, p+"attn_v_b.weight")
		both := &fakeTensor{info: gguf.TensorInfo{Name: p + "attn_kv_b.weight", Type: gguf.F32, Shape: []int64{latent, heads * (plain + value)}}}
		for h := range heads {
			for i := range plain {
				for j := range latent {
					both.data = binary.LittleEndian.AppendUint32(both.data, math.Float32bits(float32(k[(h*latent+j)*plain+i])))
				}
			}
			for _, w := range v[h*value*latent : (h+1)*value*latent] {
				both.data = binary.LittleEndian.AppendUint32(both.data, math.Float32bits(float32(w)))
			}
		}
		whole.tensors = append(whole.tensors, both)
	}
	ids := testIDs(30)
	require.InDeltaSlice(t, all(t, load(t, whole, 2), ids), all(t, load(t, apart, 2), ids), 1e-4)
}

// TestGroupsOfExperts: only experts of the best groups are chosen.
func TestGroupsOfExperts(t *testing.T) {
	for _, c := range []struct {
		gating gating
		want   []int
	}{
		{softmax, []int{0, 4}}, // groups by their best expert: those of 3.0 and 2.5
		{sigmoid, []int{4, 5}}, // by their two best: those of 2.5, 2.4 and of 2.2, 2.1
	} {
		r := routing{gating: c.gating, groups: 3, usedGroups: 2}
		chosen := make([]int, 2)
		r.choose(chosen, []float32{3, -9, 2.2, 2.1, 2.5, 2.4}, make([]float32, 6), nil)
		require.Equal(t, c.want, chosen)
	}
	r := routing{gating: sigmoid, normalise: true, scale: 2.5}
	chosen, p := make([]int, 2), []float32{0, 1, -1}
	r.choose(chosen, p, make([]float32, 3), []float32{0, 0, 5})
	require.Equal(t, []int{2, 1}, chosen, "a correction is for the choice")
	require.InDelta(t, 2.5*0.26894142/(0.26894142+0.73105858), p[2], 1e-6, "and not for the weights")
}

// hidden evaluates ids in a session of its own and returns all activations behind the last norm.
func hidden(t *testing.T, m *Model, ids []int32) []float32 {
	t.Helper()
	out := make([]float32, len(ids)*m.Width())
	require.NoError(t, session(t, m, len(ids)).Evaluate(ids, Outputs{Hidden: out}))
	return out
}

// TestEncoders: tokens see those behind them, a longer sequence is evaluated as a whole, and no token is predicted.
func TestEncoders(t *testing.T) {
	for name := range encoders {
		t.Run(name, func(t *testing.T) {
			f, ids := invented(t, name), testIDs(20)
			m := load(t, f, 2)
			width := m.Width()
			want := hidden(t, m, ids)
			require.NotEqual(t, want[:width], hidden(t, m, ids[:5])[:width], "the first token sees the last")
			s, last := session(t, m, 40), make([]float32, 12*width)
			require.NoError(t, s.Evaluate(ids[:8], Outputs{From: 8}))
			require.NoError(t, s.Evaluate(ids[8:], Outputs{Hidden: last}))
			require.Equal(t, want[8*width:], last)
			s.Truncate(5)
			require.NoError(t, s.Evaluate(ids[5:], Outputs{From: 3, Hidden: last}))
			require.Equal(t, want[8*width:], last)
			err := s.Forward(ids[:1], 0, make([]float32, m.Vocab()))
			require.ErrorIs(t, err, gguf.ErrUnsupported)
			require.ErrorContains(t, err, "predicts no tokens")
			require.ErrorContains(t, Check(f), "is an encoder, which predicts no tokens")
			f.md.Set(f.md.Architecture()+".attention.causal", true)
			require.ErrorContains(t, Check(f), "attention.causal")
		})
	}
}

// TestEncode: what the decoder predicts depends on the whole input, which replaces the one before; without input there is nothing.
func TestEncode(t *testing.T) {
	m := load(t, invented(t, "t5"), 2)
	require.EqualValues(t, 5, m.Start())
	require.Zero(t, load(t, invented(t, "t5-gated"), 1).Start(), "where the file does not say")
	ids := testIDs(9)
	want := all(t, m, ids) // with 7 tokens of input
	s, got := session(t, m, 20), make([]float32, len(want))
	require.NoError(t, s.Forward(ids[:4], 4, nil))
	require.NoError(t, s.Encode([]int32{9, 8, 7}))
	require.Zero(t, s.Len())
	require.NoError(t, s.Forward(ids, 0, got))
	require.NotEqual(t, want[:m.Vocab()], got[:m.Vocab()])
	require.NoError(t, s.Encode(testIDs(7)))
	require.NoError(t, s.Forward(ids, 0, got))
	require.Equal(t, want, got)
	require.ErrorContains(t, s.Encode(nil), "0 tokens")
	require.ErrorContains(t, s.Encode([]int32{testVocab}), "is 50")
	bare, err := m.NewSession(9)
	require.NoError(t, err)
	require.ErrorContains(t, bare.Forward(ids, 9, nil), "given no input")
	require.ErrorContains(t, session(t, load(t, newFake(), 1), 5).Encode(ids), "no encoder")
}

// TestBuckets compares with the numbers that transformers gives.
func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		encoder   bool
		distances []int
		want      []int
	}{
		{true, []int{0, -1, -7, -8, -11, -12, -16, -127, -128, -500, 1, 7, 8, 16, 200}, []int{0, 1, 7, 8, 8, 9, 10, 15, 15, 15, 17, 23, 24, 26, 31}},
		{false, []int{5, 0, -1, -15, -16, -17, -19, -32, -64, -127, -128, -1000}, []int{0, 0, 1, 15, 16, 16, 17, 21, 26, 31, 31, 31}},
	} {
		for i, d := range c.distances {
			require.Equal(t, c.want[i], bucket(d, 32, c.encoder), "distance %d", d)
		}
	}
}

// TestPooling: a text's vector is that of its first or last token, or the mean of all, in one batch or several.
func TestPooling(t *testing.T) {
	for kind, of := range map[string]func(rows [][]float32) []float32{
		"cls":  func(rows [][]float32) []float32 { return rows[0] },
		"last": func(rows [][]float32) []float32 { return rows[len(rows)-1] },
		"mean": func(rows [][]float32) []float32 {
			mean := make([]float32, len(rows[0]))
			for _, row := range rows {
				for j, v := range row {
					mean[j] += v / float32(len(rows))
				}
			}
			return mean
		},
	} {
		for _, f := range []*fake{invented(t, "bert"), newFake()} {
			f.md.Set(f.md.Architecture()+".pooling_type", uint32(slices.Index(poolings, kind)))
			_, err := Load(f, Options{})
			require.ErrorContains(t, err, "("+kind+"): this is an embedding model")
			m := load(t, f, 2)
			require.Equal(t, kind, m.Pooling())
			ids := testIDs(40)
			if f.md.Architecture() == "llama" {
				ids = testIDs(batch + 30)
			}
			var rows [][]float32
			for row := range slices.Chunk(hidden(t, m, ids), m.Width()) {
				rows = append(rows, row)
			}
			got := make([]float32, m.Width())
			require.NoError(t, session(t, m, len(ids)).Evaluate(ids, Outputs{Pooled: got}))
			require.InDeltaSlice(t, of(rows), got, 1e-5)
		}
	}
	m := load(t, newFake(), 1)
	require.Equal(t, "none", m.Pooling())
	require.ErrorContains(t, session(t, m, 5).Evaluate(testIDs(3), Outputs{Pooled: make([]float32, m.Width())}), "pooling is none")
}

// TestHugeNumbersAllocateNothing: a number of the metadata is compared with tensors before anything of that size is made.
func TestHugeNumbersAllocateNothing(t *testing.T) {
	for _, name := range append(slices.Sorted(maps.Keys(families)), slices.Sorted(maps.Keys(encoders))...) {
		t.Run(name, func(t *testing.T) {
			sound := invented(t, name)
			for _, kv := range sound.md.All() {
				if _, ok := kv.Value.(uint32); !ok {
					continue
				}
				f := &fake{sound.md.Clone(), sound.tensors}
				f.md.Set(kv.Key, uint32(1<<29))
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := checkGraph(f, true)
				runtime.ReadMemStats(&after)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), "%s: %v", kv.Key, err)
			}
		})
	}
}
