package model

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestScales: a factor beside a tensor is as good as a tensor of larger elements; that of activations changes nothing.
func TestScales(t *testing.T) {
	for _, name := range []string{"llama", "qwen2", "mixtral"} {
		sound := everyArchitecture()[name]
		r := rand.New(rand.NewPCG(1, 2))
		beside, larger := &fake{md: sound.md}, &fake{md: sound.md}
		for _, x := range sound.tensors {
			info := x.Info()
			base, ok := strings.CutSuffix(info.Name, ".weight")
			if ok = ok && (strings.HasSuffix(base, "attn_q") || strings.Contains(base, "ffn_down")); !ok {
				beside.tensors, larger.tensors = append(beside.tensors, x), append(larger.tensors, x)
				continue
			}
			n := int64(1)
			if len(info.Shape) == 3 {
				n = info.Shape[2]
			}
			beside.tensors = append(beside.tensors, x)
			beside.add(r, base+".scale", n)
			beside.add(r, base+".input_scale", n)
			scale := beside.tensors[len(beside.tensors)-2].(*fakeTensor)
			factors := []float32{2, 0.5, 4, 1, 8, 16, 2, 32}
			require.LessOrEqual(t, n, int64(len(factors)))
			scale.data = floatBytes(factors[:n])
			more := &fakeTensor{info: info}
			values := floatsOf(x.(*fakeTensor).data)
			each := len(values) / int(n)
			for i, v := range values {
				values[i] = v * factors[i/each]
			}
			more.data = floatBytes(values)
			larger.tensors = append(larger.tensors, more)
		}
		ids := testIDs(20)
		require.NoError(t, Check(beside))
		want := promptAndSteps(t, load(t, larger, 2), ids)
		require.Equal(t, want, promptAndSteps(t, load(t, beside, 2), ids), name)
		require.NotEqual(t, want, promptAndSteps(t, load(t, sound, 2), ids), name)

		i := slices.IndexFunc(beside.tensors, func(x gguf.Tensor) bool {
			return strings.HasSuffix(x.Info().Name, "ffn_down.scale") || strings.HasSuffix(x.Info().Name, "ffn_down_exps.scale")
		})
		wrong := &fakeTensor{info: beside.tensors[i].Info(), data: make([]byte, 4*99)}
		wrong.info.Shape = []int64{99}
		requireRefused(t, &fake{sound.md, append(slices.Delete(slices.Clone(beside.tensors), i, i+1), wrong)}, wrong.info.Name)
	}
}

func floatBytes(values []float32) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, values)
	return b
}

func floatsOf(b []byte) []float32 {
	out := make([]float32, len(b)/4)
	_, _ = binary.Decode(b, binary.LittleEndian, out)
	return out
}
