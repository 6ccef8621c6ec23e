package model

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestEqualExpertsAreADenseModel: with all experts the same and weights that sum to 1, a model of experts
// computes what the dense model with that feed-forward part computes.
func TestEqualExpertsAreADenseModel(t *testing.T) {
	dense := newFake()
	sparse := newFake()
	sparse.md.Set("llama.expert_count", uint32(3))
	sparse.md.Set("llama.expert_used_count", uint32(2))
	for i, x := range sparse.tensors {
		f := x.(*fakeTensor)
		if base, ok := strings.CutSuffix(f.info.Name, ".weight"); ok && strings.Contains(base, ".ffn_") && !strings.HasSuffix(base, "_norm") {
			info := f.info
			info.Name, info.Shape = base+"_exps.weight", append(slices.Clone(info.Shape), 3)
			sparse.tensors[i] = &fakeTensor{info, slices.Concat(f.data, f.data, f.data)}
		}
	}
	for i := range 2 { // any matrix of that shape will do as a router: rows of the embedding
		router := *sparse.tensors[0].(*fakeTensor)
		router.info.Name, router.info.Shape = layerName(i)+"ffn_gate_inp.weight", []int64{testWidth, 3}
		router.data = router.data[:router.info.Bytes()]
		sparse.tensors = append(sparse.tensors, &router)
	}
	ids := testIDs(20)
	require.InDeltaSlice(t, all(t, load(t, dense, 2), ids), all(t, load(t, sparse, 2), ids), 1e-5)
}

// values are the elements of a fake model's tensor.
func (f *fake) values(t *testing.T, name string) []float64 {
	t.Helper()
	i := slices.IndexFunc(f.tensors, func(x gguf.Tensor) bool { return x.Info().Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	data := f.tensors[i].(*fakeTensor).data
	out := make([]float64, len(data)/4)
	for j := range out {
		out[j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*j:])))
	}
	return out
}

// product is x times the transpose of w, which has rows as long as x.
func product(w, x []float64) []float64 {
	out := make([]float64, len(w)/len(x))
	for r := range out {
		for c, v := range x {
			out[r] += w[r*len(x)+c] * v
		}
	}
	return out
}

// swiGLU computes one feed-forward part, that of expert e of so many.
func (f *fake) swiGLU(t *testing.T, suffix string, e, experts int, x []float64) []float64 {
	part := func(name string) []float64 {
		w := f.values(t, "blk.0."+name+suffix+".weight")
		return w[e*len(w)/experts : (e+1)*len(w)/experts]
	}
	gate, up := product(part("ffn_gate"), x), product(part("ffn_up"), x)
	for i, g := range gate {
		gate[i] = g / (1 + math.Exp(-g)) * up[i]
	}
	return product(part("ffn_down"), gate)
}

// TestExpertsAsDefined computes the part token by token, as the papers write it, in float64.
func TestExpertsAsDefined(t *testing.T) {
	for name, normalised := range map[string]bool{"mixtral": true, "qwen2moe": false, "qwen3moe": true, "olmoe": false} {
		f := everyArchitecture()[name]
		m := load(t, f, 2)
		const n, width = 7, 24
		r := rand.New(rand.NewPCG(4, 5))
		x, got := make([]float32, n*width), make([]float32, n*width)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		m.graph.layers[0].(*block).ffn.apply(session(t, m, n), got, x, n)
		for i := range n {
			row, want := make([]float64, width), make([]float64, width)
			for j := range row {
				row[j] = float64(x[i*width+j])
			}
			p, sum := product(f.values(t, "blk.0.ffn_gate_inp.weight"), row), 0.0
			for e, v := range p {
				p[e] = math.Exp(v)
				sum += p[e]
			}
			order := []int{0, 1, 2, 3, 4}
			slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[b], p[a]) })
			if normalised {
				sum = p[order[0]] + p[order[1]]
			}
			for _, e := range order[:2] {
				for j, v := range f.swiGLU(t, "_exps", e, 5, row) {
					want[j] += p[e] / sum * v
				}
			}
			if name == "qwen2moe" {
				gate := product(f.values(t, "blk.0.ffn_gate_inp_shexp.weight"), row)[0]
				for j, v := range f.swiGLU(t, "_shexp", 0, 1, row) {
					want[j] += v / (1 + math.Exp(-gate))
				}
			}
			for j, v := range want {
				require.InDelta(t, v, got[i*width+j], 1e-5, "%s: token %d, column %d", name, i, j)
			}
		}
	}
}

// TestObserveExperts: the three matrices of an expert are named with the rows of its tokens, gate and up with
// the same rows; every token is seen by as many experts as it uses.
func TestObserveExperts(t *testing.T) {
	for _, name := range []string{"mixtral", "qwen2moe", "qwen3moe", "olmoe"} {
		t.Run(name, func(t *testing.T) {
			s := session(t, load(t, everyArchitecture()[name], 2), 11)
			rows, seen := map[string][5]int{}, map[string][]float32{}
			s.Observe(func(tensor string, expert, experts int, x []float32, cols int) {
				require.Zero(t, len(x)%cols)
				if !strings.HasSuffix(tensor, "_exps.weight") {
					require.Equal(t, []int{0, 1}, []int{expert, experts}, tensor)
					return
				}
				require.Equal(t, 5, experts)
				n := rows[tensor]
				n[expert] += len(x) / cols
				rows[tensor], seen[tensor] = n, append(seen[tensor], x...)
			})
			require.NoError(t, s.Forward(testIDs(11), 11, nil))
			for _, layer := range []string{"blk.0.", "blk.1."} {
				sum, gate := 0, rows[layer+"ffn_gate_exps.weight"]
				for _, n := range gate {
					require.LessOrEqual(t, n, 11)
					sum += n
				}
				require.Equal(t, 2*11, sum)
				require.Equal(t, gate, rows[layer+"ffn_up_exps.weight"])
				require.Equal(t, gate, rows[layer+"ffn_down_exps.weight"])
				require.Equal(t, seen[layer+"ffn_gate_exps.weight"], seen[layer+"ffn_up_exps.weight"])
				require.Len(t, seen[layer+"ffn_down_exps.weight"], 2*11*12)
			}
		})
	}
}

// TestExpertsAreChecked: a stack of another number of experts, or without one of its parts, is refused.
func TestExpertsAreChecked(t *testing.T) {
	f := everyArchitecture()["mixtral"]
	f.md.Set("llama.expert_count", uint32(4))
	_, err := Load(f, Options{})
	require.ErrorContains(t, err, "tensor blk.0.ffn_gate_inp.weight has shape [24 5], but the metadata says [24 4]")

	f = everyArchitecture()["qwen2moe"]
	f.tensors = slices.DeleteFunc(f.tensors, func(x gguf.Tensor) bool { return x.Info().Name == "blk.1.ffn_down_exps.weight" })
	_, err = Load(f, Options{})
	require.ErrorContains(t, err, "tensor blk.1.ffn_down_exps.weight is missing")
}
