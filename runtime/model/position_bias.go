package model

import (
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/runtime/kernel"
)

// positionBias makes what is added to scores in a session of so many positions, by head and distance.
type positionBias struct {
	heads, sides int // sides: 1 for tokens before only, 2 for those behind, too
	table        func(positions int) *kernel.Bias
}

func (b positionBias) bytes(positions int) float64 {
	return 4 * float64(b.heads*b.sides) * float64(positions)
}

// alibi is the bias of heads whose steepest slope is 2^-most; see kernel.ALiBi.
func alibi(heads int, most float64) positionBias {
	return positionBias{heads, 1, func(positions int) *kernel.Bias { return kernel.ALiBi(heads, positions, most) }}
}

// alibiBothWays is alibi of encoders: what is behind a token counts as what is as far before it.
func alibiBothWays(heads int, most float64) positionBias {
	return positionBias{heads, 2, func(positions int) *kernel.Bias {
		t := kernel.ALiBi(heads, positions, most)
		for h, row := range t.Rows {
			both := make([]float32, 2*positions)
			copy(both, row)
			for i := positions; i < len(both); i++ {
				both[i] = row[max(0, 2*t.Zero-i)]
			}
			t.Rows[h] = both
		}
		return t
	}}
}

// relativeBias loads a layer's attn_rel_b: for each head a number for each bucket of distances.
func (l *loader) relativeBias(p string, heads, buckets int, encoder bool) positionBias {
	b := positionBias{heads: heads, sides: 1}
	if encoder {
		b.sides = 2
	}
	of := l.table(p+"attn_rel_b.weight", heads, buckets)
	b.table = func(positions int) *kernel.Bias {
		t := &kernel.Bias{Zero: positions - 1, Rows: make([][]float32, heads)}
		for h := range heads {
			t.Rows[h] = make([]float32, b.sides*positions)
		}
		for i := range b.sides * positions {
			at := heads * bucket(i-t.Zero, buckets, encoder)
			for h, v := range of[at : at+heads] {
				t.Rows[h][i] = v
			}
		}
		return t
	}
	return b
}

// bucket is that of a distance, the key's position minus the query's, as Raffel et al. (2020) have it: half of the buckets of a side for
// single distances, the others, ever wider, for distances up to 128. It is computed in float32, as transformers does, since a bucket more
// or less is at stake.
func bucket(distance, buckets int, encoder bool) int {
	const most = 128
	first := 0
	switch {
	case encoder:
		buckets /= 2
		if distance > 0 {
			first = buckets
		}
		distance = max(distance, -distance)
	default:
		distance = max(0, -distance)
	}
	exact := buckets / 2
	if distance < exact {
		return first + distance
	}
	log := func(x float32) float32 { return float32(elementary.Log(float64(x))) }
	wide := float32(log(float32(distance)/float32(exact))/log(most/float32(exact))) * float32(buckets-exact)
	return first + min(buckets-1, exact+int(wide))
}
