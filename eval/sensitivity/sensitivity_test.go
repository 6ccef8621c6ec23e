package sensitivity

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// tape is a model whose logits are its one weight times a pattern.
type tape struct {
	weight float32
	set    []string
}

func (t *tape) Layers() int { return 2 }
func (t *tape) Logits(_, i int, dst []float32) error {
	for j := range dst {
		dst[j] = t.weight * float32((j*7+i)%5)
	}
	return nil
}
func (t *tape) SetWeights(tensor string, typ gguf.Type, data []byte) error {
	t.set = append(t.set, typ.String())
	t.weight = float32(data[0])
	return nil
}

func (t *tape) Restore(tensor string) error {
	t.set = append(t.set, tensor+" restored")
	t.weight = 1
	return nil
}

func sequential(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

func TestDivergence(t *testing.T) {
	const vocab = 10
	m := &tape{weight: 1}
	p, err := New(m, [][]int32{{1, 2, 3}, {4}}, vocab, sequential)
	require.NoError(t, err)
	same, err := p.Divergence(0, "w", gguf.Q8_0, []byte{1})
	require.NoError(t, err)
	require.Zero(t, same)
	got, err := p.Divergence(0, "w", gguf.Q8_0, []byte{2})
	require.NoError(t, err)
	require.Equal(t, []string{"Q8_0", "w restored", "Q8_0", "w restored"}, m.set)
	require.EqualValues(t, 1, m.weight, "the model is what it was")

	var want float64
	for token := range 4 {
		chunk, at := 0, token
		if token == 3 {
			chunk, at = 1, 0
		}
		distribution := func(w float64) (p [vocab]float64) {
			var sum float64
			for j := range p {
				p[j] = math.Exp(w * float64(((at*vocab+j)*7+chunk)%5))
				sum += p[j]
			}
			for j := range p {
				p[j] /= sum
			}
			return p
		}
		a, b := distribution(1), distribution(2)
		for j := range a {
			want += a[j] * math.Log(a[j]/b[j]) / 4
		}
	}
	require.InEpsilon(t, want, got, 1e-6)
}
