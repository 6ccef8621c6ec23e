package round

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomFinder has a target for columns of about the size of the levels, and a metric that is the worse conditioned the larger mix is.
func randomFinder(rnd *rand.Rand, b *book, mix float64) *finder {
	f := &finder{book: b, metric: &metric{}}
	f.scale(0.01)
	for i := range 8 {
		f.d[i] = float32(math.Exp(rnd.NormFloat64()))
		for j := range i {
			f.l[i][j] = float32(mix * rnd.NormFloat64())
		}
		f.now[i] = float32(rnd.NormFloat64()) * f.values[13]
		f.want[i] = f.now[i] + float32(rnd.NormFloat64())*f.values[9]
	}
	return f
}

// sum is what finder makes least.
func (f *finder) sum(levels []uint8) (sum float64) {
	for k, l := range levels {
		v := float64(f.values[l+1]) - float64(f.want[k])
		for i, m := range levels[:k] {
			v += float64(f.l[k][i]) * (float64(f.values[m+1]) - float64(f.now[i]))
		}
		sum += float64(f.d[k]) * v * v
	}
	return sum
}

// eachQuad calls f for all choices of four levels.
func (b *book) eachQuad(f func(levels [4]uint8, negatives int)) {
	for _, q := range b.Book {
		for signs := range 16 {
			var levels [4]uint8
			negatives := 0
			for k, m := range q {
				if levels[k] = 8 + m; signs>>k&1 != 0 {
					levels[k] = 7 - m
					negatives++
				}
			}
			f(levels, negatives)
		}
	}
}

// TestFour: what is found is the best of all, for any metric and parity; nothing is found that is not below the bound.
func TestFour(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for typ, b := range books {
		for _, mix := range []float64{0, 0.3, 3} {
			for parity := range 3 {
				f := randomFinder(rnd, b, mix)
				least := math.Inf(1)
				b.eachQuad(func(levels [4]uint8, negatives int) {
					if parity == anySigns || negatives%2 == parity {
						least = min(least, f.sum(levels[:]))
					}
				})
				q, ok := f.four(0, parity, 0, math.MaxFloat32)
				require.True(t, ok)
				require.InEpsilon(t, least, f.sum(q.levels[:]), 1e-4, "%s %v", typ, mix)
				require.InEpsilon(t, least, q.sum, 1e-4)
				_, ok = f.four(0, parity, 0, q.sum)
				require.False(t, ok)
			}
		}
	}
}

// TestGroup: with a diagonal metric the best group of all is found.
func TestGroup(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for typ, b := range books {
		for range 5 {
			f := randomFinder(rnd, b, 0)
			// The best of each half and parity.
			least := [2][2]float64{{math.Inf(1), math.Inf(1)}, {math.Inf(1), math.Inf(1)}}
			for half := range 2 {
				g := *f
				g.metric = &metric{}
				copy(g.want[:], f.want[4*half:])
				copy(g.d[:], f.d[4*half:])
				b.eachQuad(func(levels [4]uint8, negatives int) {
					l := &least[half][negatives%2]
					*l = min(*l, g.sum(levels[:]))
				})
			}
			levels := make([]uint8, b.Group())
			require.True(t, f.group(levels, math.MaxFloat32))
			want := min(least[0][0], least[0][1])
			if b.EvenSigns {
				want = min(least[0][0]+least[1][0], least[0][1]+least[1][1])
			}
			require.InEpsilon(t, want, f.sum(levels), 1e-4, "%s", typ)
		}
	}
}

// TestGroupKeeps: nothing changes when no group is below the bound, or when values are not finite.
func TestGroupKeeps(t *testing.T) {
	for _, b := range books {
		f := randomFinder(rand.New(rand.NewPCG(5, 6)), b, 0.3)
		levels := make([]uint8, b.Group())
		require.False(t, f.group(levels, 0))
		f.want[0] = float32(math.NaN())
		require.False(t, f.group(levels, math.MaxFloat32))
		f.scale(float32(math.Inf(1)))
		require.False(t, f.group(levels, math.MaxFloat32))
		require.Equal(t, make([]uint8, b.Group()), levels)
	}
}
