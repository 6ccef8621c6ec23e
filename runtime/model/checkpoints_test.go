package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
)

// TestCheckpoints evaluates a tiny checkpoint of every class and compares logits with those of the transformers
// library (scripts/checkpoints). They are the guard of the graphs where no golden data are.
func TestCheckpoints(t *testing.T) {
	const folder = "../../testdata/checkpoints"
	dirs, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) {
			dir := filepath.Join(folder, d.Name())
			data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			require.NoError(t, err)
			var expected struct {
				Logits []struct {
					IDs       []int32
					Argmax    []int
					Positions []int
					Logits    [][]float32 // every seventh of the vocabulary
				}
			}
			require.NoError(t, json.Unmarshal(data, &expected))
			require.NotEmpty(t, expected.Logits)
			src, err := convert.Open(dir, convert.Options{OutType: "f32"})
			require.NoError(t, err)
			defer func() { require.NoError(t, src.Close()) }()
			m := load(t, src, 2)
			for _, e := range expected.Logits {
				logits := all(t, m, e.IDs)
				row := func(i int) []float32 { return logits[i*m.Vocab() : (i+1)*m.Vocab()] }
				require.Len(t, e.Argmax, len(e.IDs))
				for i, top := range e.Argmax {
					for id, v := range row(i) {
						require.LessOrEqual(t, v, row(i)[top]+goldenTolerance, "position %d: %d is likelier than %d", i, id, top)
					}
				}
				require.Len(t, e.Positions, 3)
				for n, i := range e.Positions {
					require.Len(t, e.Logits[n], (m.Vocab()+6)/7)
					for j, want := range e.Logits[n] {
						require.InDelta(t, want, row(i)[7*j], goldenTolerance, "position %d: logit %d", i, 7*j)
					}
				}
			}
		})
	}
}
