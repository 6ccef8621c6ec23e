package model

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// quantized writes src in another type and opens the file, whose tensors are mapped.
func quantized(t *testing.T, src gguf.Model, o quantize.Options) gguf.Model {
	t.Helper()
	plan, err := quantize.NewPlan(src, o)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, plan.Run(context.Background(), path, nil))
	file, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	return file
}

// TestGoldenQuantizedExperts quantizes the checkpoints with experts and evaluates the files. The logits are,
// to the bit, those of the same weights in float32: every expert's rows are found in the encoded stack. And
// they are not far from the transformers library's: the limit is loose, since a token near the border
// between two experts takes the other one.
func TestGoldenQuantizedExperts(t *testing.T) {
	root := os.Getenv("CARAT_GOLDEN")
	if root == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	matched, total := 0, 0
	for _, name := range []string{"mixtral", "qwen2moe", "qwen3moe", "olmoe"} {
		data, err := os.ReadFile(filepath.Join(root, "golden", "arch", name+".expected.json"))
		require.NoError(t, err)
		var expected struct {
			Logits []expectedLogits `json:"logits"`
		}
		require.NoError(t, json.Unmarshal(data, &expected))
		for _, c := range []struct {
			fileType recipe.FileType
			limit    float64
		}{{recipe.Q8_0, 0.1}, {recipe.Q4_0, 0.5}} {
			total++
			if t.Run(name+" "+c.fileType.String(), func(t *testing.T) {
				src, err := convert.Open(filepath.Join(root, "golden", "arch", name), convert.Options{OutType: "f32"})
				require.NoError(t, err)
				defer func() { require.NoError(t, src.Close()) }()
				file := quantized(t, src, quantize.Options{FileType: c.fileType})
				floats := quantized(t, file, quantize.Options{FileType: recipe.F32, AllowRequantize: true})
				m, f := load(t, file, 2), load(t, floats, 1)
				var distance, size float64
				for _, e := range expected.Logits {
					logits := all(t, m, e.IDs)
					require.Equal(t, all(t, f, e.IDs), logits)
					for i := range e.IDs {
						for j, want := range e.Logits[strconv.Itoa(i)] {
							d := float64(want) - float64(logits[i*m.Vocab()+j])
							distance, size = distance+d*d, size+float64(want)*float64(want)
						}
					}
				}
				t.Logf("relative distance of the logits: %.4f", math.Sqrt(distance/size))
				require.Less(t, math.Sqrt(distance/size), c.limit)
			}) {
				matched++
			}
		}
	}
	t.Logf("matched %d of %d", matched, total)
	require.NotZero(t, total)
	require.Equal(t, total, matched)
}
