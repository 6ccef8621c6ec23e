package model

import (
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

const testRank = 3

// adapterOf makes an adapter of some tensors of f and what f is with it merged, scale times alpha/rank.
func adapterOf(t *testing.T, f *fake, names []string, scale float64) (adapter, merged *fake) {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 12))
	adapter, merged = &fake{md: &gguf.Metadata{}}, &fake{f.md, slices.Clone(f.tensors)}
	adapter.md.Set("general.architecture", f.md.Architecture())
	adapter.md.Set("general.type", "adapter")
	adapter.md.Set("adapter.type", "lora")
	adapter.md.Set("adapter.lora.alpha", float32(6))
	for i, x := range f.tensors {
		w := x.(*fakeTensor)
		if !slices.Contains(names, w.info.Name) {
			continue
		}
		cols, rows, rest := w.info.Shape[0], int64(1), []int64(nil)
		if len(w.info.Shape) > 1 {
			rows, rest = w.info.Shape[1], w.info.Shape[2:]
		}
		experts := w.info.Rows() / rows
		if embedded := w.info.Name == embeddings; embedded {
			adapter.add(r, w.info.Name+suffixA, testRank, rows)
			adapter.add(r, w.info.Name+suffixB, testRank, cols)
		} else {
			adapter.add(r, w.info.Name+suffixA, append([]int64{cols, testRank}, rest...)...)
			adapter.add(r, w.info.Name+suffixB, append([]int64{testRank, rows}, rest...)...)
		}
		a, b, was := adapter.values(t, w.info.Name+suffixA), adapter.values(t, w.info.Name+suffixB), f.values(t, w.info.Name)
		sum := &fakeTensor{info: w.info}
		for at := range experts * rows * cols {
			e, row, col := at/(rows*cols), at/cols%rows, at%cols
			v := was[at]
			for k := range int64(testRank) {
				if w.info.Name == embeddings {
					v += scale * 6 / testRank * b[col*testRank+k] * a[row*testRank+k]
				} else {
					v += scale * 6 / testRank * b[(e*rows+row)*testRank+k] * a[(e*testRank+k)*cols+col]
				}
			}
			sum.data = binary.LittleEndian.AppendUint32(sum.data, math.Float32bits(float32(v)))
		}
		merged.tensors[i] = sum
	}
	return adapter, merged
}

// multiplied are the tensors of f with which activations are multiplied, and the embeddings if they are not the output, too.
func multiplied(t *testing.T, f *fake) (names []string) {
	t.Helper()
	tied := false
	for _, w := range load(t, f, 1).graph.weights {
		name := w.tensor.Info().Name
		tied = tied || name == embeddings
		if name != embeddings && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if !tied {
		names = append(names, embeddings)
	}
	return names
}

// requireClose compares results by their largest size.
func requireClose(t *testing.T, want, got []float32) {
	t.Helper()
	most := 0.0
	for _, v := range want {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range want {
		require.InDelta(t, v, got[i], 2e-5*most, "%d", i)
	}
}

// TestAdaptersEqualMerged: an adapter of every matrix of a model that is applied as it runs gives what the merged weights give, in every
// family, and the same bits for any number of threads and any split of the tokens; a token allocates nothing.
func TestAdaptersEqualMerged(t *testing.T) {
	models := everyArchitecture()
	for _, list := range []map[string]family{families, encoders} {
		for name := range list {
			models[name] = invented(t, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		t.Run(name, func(t *testing.T) {
			f, ids := models[name], testIDs(16)
			names := multiplied(t, f)
			require.Greater(t, len(names), 3)
			adapter, merged := adapterOf(t, f, names, 0.05)
			src := Adapt(f, Adapter{"a.gguf", adapter, 0.05})
			m := load(t, src, 2)
			if _, encoder := encoders[name]; encoder {
				requireClose(t, hidden(t, load(t, merged, 1), ids), hidden(t, m, ids))
				return
			}
			got := all(t, m, ids)
			requireClose(t, all(t, load(t, merged, 1), ids), got)
			require.NotEqual(t, all(t, load(t, f, 1), ids), got)
			require.Equal(t, got, promptAndSteps(t, load(t, src, 1), ids))
			s, row := session(t, m, 48), make([]float32, m.Vocab())
			require.NoError(t, s.Forward(ids, len(ids), nil))
			require.Zero(t, testing.AllocsPerRun(31, func() { require.NoError(t, s.Forward(ids[:1], 0, row)) }))
		})
	}
}

// TestSeveralAdapters: adapters add up, and fast computation of weights that are floats is as close.
func TestSeveralAdapters(t *testing.T) {
	f, ids := newFake(), testIDs(16)
	names := multiplied(t, f)
	first, once := adapterOf(t, f, names, 0.1)
	second, twice := adapterOf(t, once, []string{"blk.0.attn_q.weight", "blk.1.ffn_down.weight"}, -0.2)
	src := Adapt(f, Adapter{"a", first, 0.1}, Adapter{"b", second, -0.2})
	requireClose(t, all(t, load(t, twice, 1), ids), all(t, load(t, src, 2), ids))
	fast, err := Load(src, Options{Pool: kernel.NewPool(2), Compute: kernel.Fast})
	require.NoError(t, err)
	requireClose(t, all(t, load(t, twice, 1), ids), all(t, fast, ids))
}

// TestAdapterWithoutAlpha: the scale counts alone.
func TestAdapterWithoutAlpha(t *testing.T) {
	f, ids := newFake(), testIDs(8)
	adapter, merged := adapterOf(t, f, []string{"blk.0.attn_q.weight"}, 0.5)
	adapter.md = adapter.md.Clone()
	adapter.md.Set("adapter.lora.alpha", float32(0))
	requireClose(t, all(t, load(t, merged, 1), ids), all(t, load(t, Adapt(f, Adapter{"a", adapter, 0.5 * 6 / testRank}), 1), ids))
}

// TestAdapterOfTiedEmbeddings: the output, which is the same tensor, stays as it is.
func TestAdapterOfTiedEmbeddings(t *testing.T) {
	f, ids := invented(t, "gemma"), testIDs(16)
	adapter, merged := adapterOf(t, f, []string{embeddings}, 0.3)
	output := *f.tensors[0].(*fakeTensor)
	require.Equal(t, embeddings, output.info.Name)
	output.info.Name = "output.weight"
	merged.tensors = append(merged.tensors, &output)
	requireClose(t, all(t, load(t, merged, 1), ids), all(t, load(t, Adapt(f, Adapter{"a", adapter, 0.3}), 2), ids))
}

// TestAdaptersRefused: what does not fit is refused with file and tensor, and nothing is left out.
func TestAdaptersRefused(t *testing.T) {
	f := newFake()
	const q = "blk.0.attn_q.weight"
	for want, bend := range map[string]func(a *fake){
		`general.type is "model", expected "adapter"`:                 func(a *fake) { a.md.Set("general.type", "model") },
		`adapter.type is "control"`:                                   func(a *fake) { a.md.Set("adapter.type", "control") },
		`general.architecture is "qwen2", but the model's is "llama"`: func(a *fake) { a.md.Set("general.architecture", "qwen2") },
		"adapter.lora.alpha is NaN":                                   func(a *fake) { a.md.Set("adapter.lora.alpha", float32(math.NaN())) },
		"adapter.lora.alpha is x":                                     func(a *fake) { a.md.Set("adapter.lora.alpha", "x") },
		"aLoRA":                                                       func(a *fake) { a.md.Set("adapter.alora.invocation_tokens", []uint32{1}) },
		"there are no tensors":                                        func(a *fake) { a.tensors = nil },
		q + ".lora_a is missing":                                      func(a *fake) { a.tensors = a.tensors[1:] },
		q + ".lora_b is missing":                                      func(a *fake) { a.tensors = a.tensors[:1] },
		"tensor blk.0.attn_norm.weight: expected the two parts of a change": func(a *fake) { a.rename(0, "blk.0.attn_norm.weight") },
		"the model has no tensor blk.9.attn_q.weight": func(a *fake) {
			a.rename(0, "blk.9.attn_q.weight.lora_a")
			a.rename(1, "blk.9.attn_q.weight.lora_b")
		},
		"blk.1.ffn_up.weight.lora_a and blk.1.ffn_up.weight.lora_b have the shapes [40 3] and [3 40], which do not change one of [40": func(a *fake) {
			a.rename(0, "blk.1.ffn_up.weight.lora_a")
			a.rename(1, "blk.1.ffn_up.weight.lora_b")
		},
		"models do not multiply with blk.0.attn_norm.weight": func(a *fake) {
			a.tensors = nil
			r := rand.New(rand.NewPCG(1, 2))
			a.add(r, "blk.0.attn_norm.weight.lora_a", testWidth, 2)
			a.add(r, "blk.0.attn_norm.weight.lora_b", 2, 1)
		},
		"rows of 3 elements are not a multiple": func(a *fake) { a.tensors[1].(*fakeTensor).info.Type = gguf.Q8_0 },
	} {
		t.Run(want, func(t *testing.T) {
			a, _ := adapterOf(t, f, []string{q}, 1)
			a.md = a.md.Clone()
			bend(a)
			_, err := Load(Adapt(f, Adapter{"dir/a.gguf", a, 1}), Options{Pool: kernel.NewPool(1)})
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, "adapter dir/a.gguf: ")
			require.ErrorContains(t, err, want)
			require.Equal(t, 1, strings.Count(err.Error(), gguf.ErrInput.Error()))
		})
	}
	a, _ := adapterOf(t, f, []string{q}, 1)
	_, err := Load(Adapt(f, Adapter{"a", a, 1e60}), Options{Pool: kernel.NewPool(1)})
	require.ErrorContains(t, err, "outside the range of float32")
}

func (f *fake) rename(i int, name string) {
	x := *f.tensors[i].(*fakeTensor)
	x.info.Name = name
	f.tensors[i] = &x
}
