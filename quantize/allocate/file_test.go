package allocate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

func TestMeasurementsFile(t *testing.T) {
	m := &Measurements{Key: "abc", Name: "t.txt", SHA256: "0f", Model: "def", Text: "4 chunks of x.txt", Ratio: 1.5, Tensors: []Tensor{
		{TensorInfo: gguf.TensorInfo{Name: "blk.0.ffn_up.weight", Type: gguf.BF16, Shape: []int64{64, 16}}, Sensitivity: 0.25,
			Types: []gguf.Type{gguf.Q4_0, gguf.Q8_0}, Losses: []float64{1. / 3, 1e-9}},
	}}
	b, err := m.Bytes()
	require.NoError(t, err)
	got, err := Parse(b)
	require.NoError(t, err)
	require.Equal(t, m, got)
	for _, bad := range []string{"", "{}", `{"version":2}`, `{"version":1,"measured_over_expected":-1}`, `{"version":1,"tensors":[{"name":"x"}]}`,
		`{"version":1,"tensors":[{"name":"x","type":"F32","shape":[64],"losses":{"IQ1_S":1}}]}`} {
		_, err := Parse([]byte(bad))
		require.ErrorIs(t, err, gguf.ErrInput, bad)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"key":"k","tensors":[{"name":"x","type":"F32","shape":[64,2],"sensitivity":1,"losses":{"Q4_0":1}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := Parse(b); err == nil {
			_, err := m.Bytes()
			require.NoError(t, err)
		}
	})
}
