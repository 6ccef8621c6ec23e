package model

import (
	"maps"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/runtime/kernel"
)

// ropeOf reads the rope of a Qwen3 with heads of 32 elements and the given keys.
func ropeOf(t *testing.T, keys map[string]any) kernel.Rope {
	t.Helper()
	f := synthetic("qwen3", "attn_norm", keys)
	l := newLoader(f, "qwen3")
	r := l.rope(hparams{dim: 32, context: 512}, true)
	require.NoError(t, l.err)
	return r
}

// angles are the angle per position of each pair and the length to which a vector of length 1 is rotated, measured on
// the table of r at its first position: small enough that no angle goes round.
func angles(r kernel.Rope) (perPosition []float64, length float64) {
	table := r.Table(2)
	for i := range r.Dims / 2 {
		x := make([]float32, r.Dims)
		x[i] = 1
		table.Apply(x, 1)
		a, b := float64(x[i]), float64(x[i+r.Dims/2])
		perPosition = append(perPosition, math.Atan2(b, a))
		length = math.Hypot(a, b)
	}
	return perPosition, length
}

// yarnByDefinition computes the angles of Peng et al. 2023 as its section 3.2 gives them: pairs that turn more than
// fast times over the original context keep their angle, those that turn less than slow times have it divided by the
// factor, and in between a ramp over the pairs' numbers mixes both. Its ends are whole pairs.
func yarnByDefinition(dims int, base, factor, original, fast, slow float64) []float64 {
	// Pair i turns original/(2 pi base^(2i/dims)) times: i as a function of the turns.
	pair := func(turns float64) float64 {
		return float64(dims) / 2 * math.Log(original/(2*math.Pi*turns)) / math.Log(base)
	}
	first, last := math.Max(0, math.Floor(pair(fast))), math.Min(float64(dims-1), math.Ceil(pair(slow)))
	out := make([]float64, dims/2)
	for i := range out {
		angle := 1 / math.Pow(base, float64(2*i)/float64(dims))
		switch n := float64(i); {
		case n <= first:
			out[i] = angle
		case n >= last:
			out[i] = angle / factor
		default:
			share := (n - first) / (last - first)
			out[i] = (1-share)*angle + share*angle/factor
		}
	}
	return out
}

// TestYarn compares frequencies and magnitude with the definition, for the keys that the converter writes.
func TestYarn(t *testing.T) {
	plain := map[string]any{"rope.freq_base": float32(1e6), "rope.scaling.type": "yarn", "rope.scaling.factor": float32(4),
		"rope.scaling.original_context_length": uint32(128)}
	for _, c := range []struct {
		name               string
		keys               map[string]any
		factor, fast, slow float64
		magnitude          float64
	}{
		{"defaults", nil, 4, 32, 1, 1.1386294361119891}, // 0.1 ln 4 + 1
		{"a larger factor", map[string]any{"rope.scaling.factor": float32(40)}, 40, 32, 1, 1.3688879454113936},
		{"all keys", map[string]any{"rope.scaling.yarn_attn_factor": float32(1.25), "rope.scaling.yarn_beta_fast": float32(24),
			"rope.scaling.yarn_beta_slow": float32(2)}, 4, 24, 2, 1.25},
		{"betas alone", map[string]any{"rope.scaling.yarn_beta_fast": float32(8), "rope.scaling.yarn_beta_slow": float32(0.5)}, 4, 8, 0.5, 1.1386294361119891},
		{"both attention factors", map[string]any{"rope.scaling.yarn_attn_factor": float32(1.25), "rope.scaling.attn_factor": float32(2)}, 4, 32, 1, 2.5},
		{"attn_factor multiplies", map[string]any{"rope.scaling.attn_factor": float32(2)}, 4, 32, 1, 2.2772588722239782},
		{"a factor below 1", map[string]any{"rope.scaling.factor": float32(0.5)}, 0.5, 32, 1, 1},
		{"default extrapolation", map[string]any{"rope.scaling.yarn_ext_factor": float32(-1)}, 4, 32, 1, 1.1386294361119891},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys := maps.Clone(plain)
			maps.Copy(keys, c.keys)
			got, length := angles(ropeOf(t, keys))
			want := yarnByDefinition(32, 1e6, c.factor, 128, c.fast, c.slow)
			for i := range want {
				require.InEpsilon(t, want[i], got[i], 1e-5, "pair %d", i)
			}
			require.InEpsilon(t, c.magnitude, length, 1e-6)
		})
	}
	// Without the original context it is the model's own.
	keys := maps.Clone(plain)
	delete(keys, "rope.scaling.original_context_length")
	got, _ := angles(ropeOf(t, keys))
	require.InEpsilonSlice(t, yarnByDefinition(32, 1e6, 4, 512, 32, 1), got, 1e-5)
	// A context at which the default limits, 32 and 1, are not rounded as their neighbours are.
	for _, original := range []uint32{35500, 2640} {
		keys["rope.scaling.original_context_length"] = original
		got, _ = angles(ropeOf(t, keys))
		require.InEpsilonSlice(t, yarnByDefinition(32, 1e6, 4, float64(original), 32, 1), got, 1e-5)
	}
}

// TestLinearScaling: by its type, without one, and by its old name.
func TestLinearScaling(t *testing.T) {
	want, _ := angles(ropeOf(t, nil))
	for i := range want {
		want[i] /= 4
	}
	for _, keys := range []map[string]any{
		{"rope.scaling.type": "linear", "rope.scaling.factor": float32(4)},
		{"rope.scaling.factor": float32(4)},
		{"rope.scale_linear": float32(4)},
		{"rope.scale_linear": float32(9), "rope.scaling.factor": float32(4)},
		{"rope.scaling.type": "linear", "rope.scale_linear": float32(4)},
	} {
		got, length := angles(ropeOf(t, keys))
		require.InEpsilonSlice(t, want, got, 1e-5, "%v", keys)
		require.InEpsilon(t, 1, length, 1e-6)
	}
	// The type none leaves a factor without effect, as llama.cpp does.
	got, _ := angles(ropeOf(t, map[string]any{"rope.scaling.type": "none", "rope.scaling.factor": float32(4)}))
	require.InEpsilon(t, want[3]*4, got[3], 1e-5)
}

// TestLocalLayersAreNotScaled: Gemma 3 scales the layers that see everything only, in angle and in magnitude.
func TestLocalLayersAreNotScaled(t *testing.T) {
	f := everyArchitecture()["gemma3"]
	f.md.Set("gemma3.rope.scaling.type", "yarn")
	f.md.Set("gemma3.rope.scaling.factor", float32(8))
	f.md.Set("gemma3.rope.freq_base_swa", float32(500))
	ropes := load(t, f, 1).graph.ropes
	local, length := angles(ropes[1])
	require.InEpsilon(t, 1, length, 1e-6)
	require.InEpsilon(t, math.Pow(500, -6./8), local[3], 1e-5)
	_, length = angles(ropes[0])
	require.InEpsilon(t, 1+0.1*math.Log(8), length, 1e-6)
}
