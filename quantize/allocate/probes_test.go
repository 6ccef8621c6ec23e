package allocate

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func TestProbes(t *testing.T) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("blk.%d.ffn_up.weight", i))
		if i%10 == 4 {
			names = append(names, fmt.Sprintf("blk.%d.attn_q.weight", i))
		}
	}
	names = append(names, "output.weight")
	p := probes(names)
	var layers []int
	for i := range 30 {
		if p[fmt.Sprintf("blk.%d.ffn_up.weight", i)] {
			layers = append(layers, i)
		}
	}
	require.Equal(t, []int{0, 1, 2, 5, 8, 11, 14, 17, 20, 23, 26, 28, 29}, layers)
	require.True(t, p["blk.24.attn_q.weight"], "a role of few layers is probed in all")
	require.True(t, p["output.weight"])
}

func TestInterpolate(t *testing.T) {
	named := func(layer int, s float64) Tensor {
		return Tensor{TensorInfo: gguf.TensorInfo{Name: fmt.Sprintf("blk.%d.w", layer)}, Sensitivity: s}
	}
	for _, c := range []struct {
		name   string
		probed []int
		want   []float64
	}{
		{"all", []int{0, 1, 2, 3}, []float64{8, 4, 2, 1}},
		{"ends", []int{0, 3}, []float64{8, 4, 2, 1}},
		{"first", []int{0}, []float64{8, 8, 8, 8}},
		{"last", []int{3}, []float64{1, 1, 1, 1}},
		{"none", nil, []float64{0, 0, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tensors []Tensor
			for layer := range 4 {
				tensors = append(tensors, named(layer, 0))
			}
			probed := map[string]bool{}
			for _, layer := range c.probed {
				probed[tensors[layer].Name] = true
				tensors[layer].Sensitivity = math.Exp2(float64(3 - layer))
			}
			interpolate(tensors, probed)
			for i, want := range c.want {
				require.InDelta(t, want, tensors[i].Sensitivity, 1e-12)
			}
		})
	}
	require.EqualValues(t, 1, between(0, 4, 0.25), "on a linear scale where there is none")
}
