package model

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
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

// divergence is the mean KL divergence of rows of logits, in nats.
func divergence(want, got []float32, vocab int) (mean float64) {
	rows := len(want) / vocab
	for i := range rows {
		p, q := logProbabilities(want[i*vocab:][:vocab]), logProbabilities(got[i*vocab:][:vocab])
		for j := range p {
			mean += math.Exp(p[j]) * (p[j] - q[j])
		}
	}
	return mean / float64(rows)
}

func logProbabilities(logits []float32) []float64 {
	top, sum := float64(slices.Max(logits)), 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - top)
	}
	out := make([]float64, len(logits))
	for i, v := range logits {
		out[i] = float64(v) - top - math.Log(sum)
	}
	return out
}

// TestGoldenExact quantizes the checkpoints and evaluates the files. In exact computation the logits diverge
// from those of the same weights in float32 by less than a millionth of a nat: that is the contract, and every expert's rows
// are found in the encoded stack. And they are not far from the transformers library's: the limit is loose, since a token near the border
// between two experts takes the other one.
func TestGoldenExact(t *testing.T) {
	root := os.Getenv("CARAT_GOLDEN")
	if root == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	matched, total := 0, 0
	for _, name := range []string{"mixtral", "qwen2moe", "qwen3moe", "olmoe", "llama", "qwen2", "qwen3", "gemma3", "gpt2"} {
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
					require.Less(t, divergence(all(t, f, e.IDs), logits, m.Vocab()), 1e-6)
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
