package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// richCase is attention with something that only some families have.
type richCase struct {
	name               string
	heads, kvHeads     int
	dim, valueDim, n   int
	window, chunk      int
	encoder            bool
	softcap            float32
	alibi, both, sinks bool
}

var richCases = []richCase{
	{name: "lengths", heads: 4, kvHeads: 2, dim: 24, valueDim: 10, n: 150},
	{name: "long values", heads: 2, kvHeads: 1, dim: 6, valueDim: 40, n: 70},
	{name: "chunks", heads: 2, kvHeads: 1, dim: 8, valueDim: 8, n: 330, chunk: 50},
	{name: "long chunks", heads: 2, kvHeads: 2, dim: 8, valueDim: 8, n: 700, chunk: 300},
	{name: "encoder", heads: 4, kvHeads: 2, dim: 10, valueDim: 10, n: 300, encoder: true},
	{name: "encoder with a window", heads: 3, kvHeads: 1, dim: 10, valueDim: 10, n: 300, encoder: true, window: 16},
	{name: "softcap", heads: 4, kvHeads: 2, dim: 16, valueDim: 16, n: 100, softcap: 3, window: 70},
	{name: "ALiBi", heads: 6, kvHeads: 6, dim: 8, valueDim: 8, n: 280, alibi: true},
	{name: "bias on both sides", heads: 2, kvHeads: 2, dim: 8, valueDim: 8, n: 130, encoder: true, both: true},
	{name: "sinks", heads: 4, kvHeads: 2, dim: 8, valueDim: 8, n: 300, sinks: true, window: 20},
	{name: "everything", heads: 4, kvHeads: 2, dim: 12, valueDim: 20, n: 300, sinks: true, softcap: 2, alibi: true, chunk: 90},
}

// attention gives the description and the inputs.
func (c richCase) attention() (a Attention, q, k, v []float32) {
	r := rand.New(rand.NewPCG(13, 14))
	q, k, v = random(r, c.n*c.heads*c.dim), random(r, c.n*c.kvHeads*c.dim), random(r, c.n*c.kvHeads*c.valueDim)
	a = Attention{Heads: c.heads, Scale: 0.7, Window: c.window, Chunk: c.chunk, Softcap: c.softcap}
	if c.encoder {
		a.Keys = c.n
	}
	if c.alibi {
		a.Bias = ALiBi(c.heads, c.n, 8)
	}
	if c.both {
		a.Bias = &Bias{Rows: [][]float32{random(r, 2*c.n), random(r, 2*c.n)}, Zero: c.n}
	}
	if c.sinks {
		a.Sinks = random(r, c.heads)
	}
	return a, q, k, v
}

// defined is attention with all that, from its definition, in float64.
func (c richCase) defined(a Attention, q, k, v []float32) []float32 {
	out := make([]float32, c.n*c.heads*c.valueDim)
	for i := range c.n {
		for h := range c.heads {
			kv, total, sums := h/(c.heads/c.kvHeads), 0.0, make([]float64, c.valueDim)
			if a.Sinks != nil {
				total = math.Exp(float64(a.Sinks[h]))
			}
			for j := range c.n {
				switch {
				case !c.encoder && j > i, c.chunk > 0 && j/c.chunk != i/c.chunk,
					c.window > 0 && !c.encoder && i-j >= c.window, c.window > 0 && c.encoder && max(i-j, j-i) > c.window/2:
					continue
				}
				var s float64
				for d := range c.dim {
					s += float64(q[(i*c.heads+h)*c.dim+d]) * float64(k[(j*c.kvHeads+kv)*c.dim+d])
				}
				s *= float64(a.Scale)
				if c.softcap != 0 {
					s = float64(c.softcap) * math.Tanh(s/float64(c.softcap))
				}
				if c.alibi {
					slopes := []float64{1. / 4, 1. / 16, 1. / 64, 1. / 256, 1. / 2, 1. / 8}
					if c.heads != 6 && c.heads != 4 {
						panic("other slopes")
					}
					s -= slopes[h] * float64(i-j)
				}
				if c.both {
					s += float64(a.Bias.Rows[h][j-i+c.n])
				}
				e := math.Exp(s)
				total += e
				for d := range sums {
					sums[d] += e * float64(v[(j*c.kvHeads+kv)*c.valueDim+d])
				}
			}
			for d, s := range sums {
				out[(i*c.heads+h)*c.valueDim+d] = float32(s / total)
			}
		}
	}
	return out
}

// TestRichAttention: what some families need is what it is defined as, and the same bits on every tier, for any number of
// threads and in pieces.
func TestRichAttention(t *testing.T) {
	for _, c := range richCases {
		t.Run(c.name, func(t *testing.T) {
			a, q, k, v := c.attention()
			want := c.defined(a, q, k, v)
			cache := NewCache(c.kvHeads, c.dim, c.valueDim, c.n, gguf.F32)
			for i := range c.n {
				cache.Put(new(Scratch), i, k[i*c.kvHeads*c.dim:], v[i*c.kvHeads*c.valueDim:])
			}
			var bits []float32
			everyTier(t, func(t *testing.T, kernels *tier) {
				defer cpu.Force(kernels.id)()
				for _, split := range []struct{ threads, batch int }{{1, c.n}, {3, 1}, {2, 33}} {
					p, got := NewPool(split.threads), make([]float32, len(want))
					for i := 0; i < c.n; i += split.batch {
						p.Attend(got[i*c.heads*c.valueDim:], q[i*c.heads*c.dim:], min(split.batch, c.n-i), i, cache, a)
					}
					p.Close()
					if bits == nil {
						bits = got
						requireClose(t, want, got, 3e-6, c.name)
					}
					requireBits(t, bits, got, "%v", split)
				}
			})
		})
	}
}

// TestCachesOfTwoLengths: each type keeps keys and values of different lengths.
func TestCachesOfTwoLengths(t *testing.T) {
	for _, typ := range CacheTypes {
		for _, dims := range [][2]int{{40, 8}, {8, 72}, {96, 33}} {
			t.Run(fmt.Sprint(typ, dims), func(t *testing.T) {
				r := rand.New(rand.NewPCG(15, 16))
				const n = 70
				cache, s := NewCache(2, dims[0], dims[1], n, typ), new(Scratch)
				k, v := random(r, n*2*dims[0]), random(r, n*2*dims[1])
				for i := range n {
					s.Reset()
					cache.Put(s, i, k[i*2*dims[0]:], v[i*2*dims[1]:])
				}
				for i := range n {
					for h := range 2 {
						keys, values := cache.store.block(make([]float32, cache.room()), h*cache.blocks+i/blockKeys)
						for d := range dims[0] {
							require.InDelta(t, k[(2*i+h)*dims[0]+d], keys[d*blockKeys+i%blockKeys], 0.03)
						}
						for d := range dims[1] {
							require.InDelta(t, v[(2*i+h)*dims[1]+d], values[i%blockKeys*cache.stride+d], 0.03)
						}
					}
				}
			})
		}
	}
}
