package allocate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// TestFrontier: what Solve finds for a budget lies on the curve at its points, and not below it between them.
func TestFrontier(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		classes := randomClasses(rnd)
		curve := Frontier(classes)
		for i, p := range curve {
			c, err := Solve(classes, p.Bytes)
			require.NoError(t, err)
			require.InDelta(t, p.Cost, c.Cost, 1e-9)
			if i > 0 && p.Bytes-curve[i-1].Bytes > 32 {
				a := curve[i-1]
				middle := (a.Bytes + p.Bytes) / 2
				c, err := Solve(classes, middle)
				require.NoError(t, err)
				require.GreaterOrEqual(t, c.Cost, a.Cost+(p.Cost-a.Cost)*float64(middle-a.Bytes)/float64(p.Bytes-a.Bytes)-1e-9)
			}
		}
		all := within(classes, Limits{Bytes: math.MaxInt64}, func(c Candidate) float64 { return c.Cost })
		require.InDelta(t, all, curve[len(curve)-1].Cost, 1e-9)
	}
	require.Empty(t, Frontier([][]Candidate{{}}))
}

func TestBytesFor(t *testing.T) {
	info := func(name string, rows int64) gguf.TensorInfo {
		return gguf.TensorInfo{Name: name, Type: gguf.BF16, Shape: []int64{64, rows}}
	}
	tensors := []Tensor{
		{TensorInfo: info("a", 16), Sensitivity: 2, Types: []gguf.Type{gguf.Q8_0, gguf.Q4_0, gguf.Q5_0}, Losses: []float64{0.01, 1, 0.25}},
		{TensorInfo: info("b", 32), Sensitivity: 1, Types: []gguf.Type{gguf.Q4_0, gguf.Q8_0, gguf.Q6_K}, Losses: []float64{3, 0.02, 0.1}},
	}
	var list []Point
	for _, typ := range []gguf.Type{gguf.Q8_0, gguf.Q4_0} {
		p, ok := Of(tensors, func(Tensor) gguf.Type { return typ })
		require.True(t, ok)
		list = append(list, p)
	}
	require.Equal(t, []Point{{48 * 68, 0.04}, {48 * 36, 5}}, list)
	_, ok := Of(tensors, func(Tensor) gguf.Type { return gguf.Q6_K })
	require.False(t, ok, "a lacks it")

	bytes, ok := BytesFor(list, math.Sqrt(5*0.04))
	require.True(t, ok)
	require.InDelta(t, 48*52, bytes, 1e-9, "half of the way, in logarithms")
	bytes, ok = BytesFor(list, 5)
	require.True(t, ok)
	require.InDelta(t, 48*36, bytes, 1e-9)
	for _, cost := range []float64{5.1, 0.03, 0, math.NaN()} {
		_, ok = BytesFor(list, cost)
		require.False(t, ok, cost)
	}
	_, ok = BytesFor(nil, 1)
	require.False(t, ok)
}
