package kernel

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/quantize/codec"
)

// naiveAttention is attention from its definition, in float64.
func naiveAttention(q, k, v []float32, n, heads, kvHeads, dim int, scale float64, window int) []float32 {
	out := make([]float32, n*heads*dim)
	for i := range n {
		for h := range heads {
			start := 0
			if window > 0 {
				start = max(0, i+1-window)
			}
			kv := func(x []float32, j, d int) float64 {
				return float64(x[(j*kvHeads+h/(heads/kvHeads))*dim+d])
			}
			var total float64
			sums := make([]float64, dim)
			for j := start; j <= i; j++ {
				var dot float64
				for d := range dim {
					dot += float64(q[(i*heads+h)*dim+d]) * kv(k, j, d)
				}
				e := math.Exp(dot * scale)
				total += e
				for d := range dim {
					sums[d] += e * kv(v, j, d)
				}
			}
			for d := range dim {
				out[(i*heads+h)*dim+d] = float32(sums[d] / total)
			}
		}
	}
	return out
}

// attentionCase is n positions of keys, values and queries.
type attentionCase struct{ heads, kvHeads, dim, window, n int }

// cases reach over several spans and blocks, alone and with windows that begin within them; dimensions are no whole vectors.
var attentionCases = []attentionCase{
	{4, 2, 16, 0, 37}, {3, 1, 10, 0, 70}, {4, 4, 40, 5, 150}, {6, 2, 8, 1, 66}, {2, 1, 20, 0, 520}, {2, 1, 6, 300, 560}, {8, 1, 4, 64, 200},
	{1, 1, 72, 200, 300},
}

func (c attentionCase) inputs() (q, k, v []float32, a Attention) {
	r := rand.New(rand.NewPCG(11, 12))
	q, k, v = random(r, c.n*c.heads*c.dim), random(r, c.n*c.kvHeads*c.dim), random(r, c.n*c.kvHeads*c.dim)
	return q, k, v, Attention{Heads: c.heads, Scale: float32(2 / math.Sqrt(float64(c.dim))), Window: c.window}
}

// cache holds the keys and values.
func (c attentionCase) cache(k, v []float32, t gguf.Type) *Cache {
	cache := NewCache(c.kvHeads, c.dim, c.dim, c.n, t)
	for i := range c.n {
		cache.Put(new(Scratch), i, k[i*c.kvHeads*c.dim:], v[i*c.kvHeads*c.dim:])
	}
	return cache
}

func TestAttentionMatchesDefinition(t *testing.T) {
	for _, c := range attentionCases {
		q, k, v, a := c.inputs()
		want := naiveAttention(q, k, v, c.n, c.heads, c.kvHeads, c.dim, float64(a.Scale), c.window)
		p := NewPool(3)
		defer p.Close()
		everyTier(t, func(t *testing.T, kernels *tier) {
			defer cpu.Force(kernels.id)()
			got, check := guarded(t, len(q))
			p.Attend(got, q, c.n, 0, c.cache(k, v, gguf.F32), a)
			requireClose(t, want, got, 2e-6, fmt.Sprint(c))
			check()
		})
	}
}

// TestAttentionDependsOnThePositionAlone: a query's result is the same bits on every tier, for any number of threads, and
// whatever other queries there are.
func TestAttentionDependsOnThePositionAlone(t *testing.T) {
	for _, c := range attentionCases {
		q, k, v, a := c.inputs()
		row := c.heads * c.dim
		want := make([]float32, len(q))
		everyTier(t, func(t *testing.T, kernels *tier) {
			defer cpu.Force(kernels.id)()
			cache := c.cache(k, v, gguf.F32)
			for _, split := range []struct{ threads, batch int }{{1, c.n}, {2, c.n}, {3, 1}, {1, 1}, {5, 7}, {4, 64}, {3, 100}} {
				if kernels.id == cpu.Generic && split.threads != 2 {
					continue // it is slow
				}
				p, got := NewPool(split.threads), make([]float32, len(q))
				for i := 0; i < c.n; i += split.batch {
					n := min(split.batch, c.n-i)
					p.Attend(got[i*row:], q[i*row:], n, i, cache, a)
				}
				p.Close()
				if want[0] == 0 {
					copy(want, got)
				}
				requireBits(t, want, got, "%v, %v", c, split)
			}
		})
	}
}

// TestAttentionIsTheSameEverywhere holds the generic tier's bits fixed, see TestVectorsAreTheSameEverywhere.
func TestAttentionIsTheSameEverywhere(t *testing.T) {
	defer cpu.Force(cpu.Generic)()
	c := attentionCase{4, 2, 10, 270, 300}
	q, k, v, a := c.inputs()
	p := NewPool(1)
	defer p.Close()
	p.Attend(q, q, c.n, 0, c.cache(k, v, gguf.F32), a)
	sum := crc32.NewIEEE()
	require.NoError(t, binary.Write(sum, binary.LittleEndian, q))
	require.Equal(t, uint32(0x901498cf), sum.Sum32())
}

// TestAttentionSeesNoLaterValues: values that are not finite change the queries that see them, and no others.
func TestAttentionSeesNoLaterValues(t *testing.T) {
	c := attentionCase{4, 2, 16, 0, 90}
	q, k, v, a := c.inputs()
	row, kvRow := c.heads*c.dim, c.kvHeads*c.dim
	p := NewPool(1)
	defer p.Close()
	want, got := make([]float32, len(q)), make([]float32, len(q))
	p.Attend(want, q, c.n, 0, c.cache(k, v, gguf.F32), a)
	const bad = 77
	for i := range kvRow {
		k[bad*kvRow+i], v[bad*kvRow+i] = float32(math.Inf(-1)), float32(math.NaN())
	}
	p.Attend(got, q, c.n, 0, c.cache(k, v, gguf.F32), a)
	require.Equal(t, want[:bad*row], got[:bad*row])
	for i := bad * row; i < len(got); i++ {
		require.True(t, math.IsNaN(float64(got[i])), "element %d", i)
	}
}

// TestCacheTypesRound: a cache of a type is one of F32 whose elements were rounded to the type.
func TestCacheTypesRound(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.F16, gguf.Q8_0} {
		coder, _ := codec.For(typ)
		for _, c := range attentionCases {
			q, k, v, a := c.inputs()
			rounded := func(x []float32) []float32 {
				y := make([]float32, len(x))
				size := (c.dim + 31) &^ 31
				for i := 0; i < len(x); i += c.dim {
					row, encoded := make([]float32, size), make([]byte, typ.RowBytes(int64(size)))
					copy(row, x[i:i+c.dim])
					coder.Encode(encoded, row, size, nil)
					coder.Decode(row, encoded)
					copy(y[i:], row[:c.dim])
				}
				return y
			}
			p, want := NewPool(2), make([]float32, len(q))
			p.Attend(want, q, c.n, 0, c.cache(rounded(k), rounded(v), gguf.F32), a)
			everyTier(t, func(t *testing.T, kernels *tier) {
				defer cpu.Force(kernels.id)()
				if kernels.id == cpu.Generic && c.n > 200 {
					return // it is slow
				}
				got := make([]float32, len(q))
				cache := c.cache(k, v, typ)
				p.Attend(got, q, c.n, 0, cache, a)
				requireBits(t, want, got, "%s, %v", typ, c)
			})
			p.Close()
		}
	}
}

func TestCacheBytes(t *testing.T) {
	for _, c := range []struct {
		t    gguf.Type
		dim  int
		want int
	}{
		{gguf.F32, 64, 8 * 64}, {gguf.F16, 64, 4 * 64}, {gguf.Q8_0, 64, 2 * 68}, {gguf.F32, 10, 4 * (10 + 16)}, {gguf.Q8_0, 40, 40 + 4 + 68},
	} {
		require.Equal(t, 3*c.want, CacheBytes(3, c.dim, c.dim, c.t), "%v", c)
		cache := NewCache(3, c.dim, c.dim, 65, c.t)
		require.Equal(t, int64(3*128*c.want), cache.Bytes(), "%v", c)
		switch s := cache.store.(type) {
		case *storeF32:
			require.EqualValues(t, cache.Bytes(), 4*(len(s.keys)+len(s.values)))
		case *storeF16:
			require.EqualValues(t, cache.Bytes(), len(s.keys)+len(s.values))
		case *storeQ8:
			require.EqualValues(t, cache.Bytes(), len(s.keys)+len(s.values)+len(s.scales))
		}
	}
}

// TestFastAttention compares attention in BF16 with that in float32: errors are those of 8 bits.
func TestFastAttention(t *testing.T) {
	if !slices.Contains(cpu.Available(), cpu.AMX) {
		t.Skip("the processor has no tiles")
	}
	defer cpu.Force(cpu.AMX)()
	p := NewPool(2)
	defer p.Close()
	for _, c := range []attentionCase{{4, 2, 32, 0, 37}, {3, 1, 64, 0, 300}, {4, 4, 96, 70, 350}, {6, 2, 32, 1, 66}, {8, 1, 128, 300, 600}, {2, 2, 64, 0, 40}} {
		q, k, v, a := c.inputs()
		for _, typ := range CacheTypes {
			cache := c.cache(k, v, typ)
			want, got := make([]float32, len(q)), make([]float32, len(q))
			p.Attend(want, q, c.n, 0, cache, a)
			a.Compute = Fast
			for _, n := range []int{c.n, 35} { // whole, and then the rest in pieces
				clear(got)
				for i := 0; i < c.n; i += n {
					n := min(n, c.n-i)
					row := c.heads * c.dim
					out, check := guarded(t, n*row)
					p.Attend(out, q[i*row:], n, i, cache, a)
					check()
					copy(got[i*row:], out)
				}
				requireClose(t, want, got, 0.03, fmt.Sprint(c, typ, n))
				require.NotEqual(t, want, got)
			}
			a.Compute = Exact
		}
	}
}

// TestFastAttentionSeesNoLaterPositions: what is behind the last position may be anything.
func TestFastAttentionSeesNoLaterPositions(t *testing.T) {
	if !slices.Contains(cpu.Available(), cpu.AMX) {
		t.Skip("the processor has no tiles")
	}
	defer cpu.Force(cpu.AMX)()
	c := attentionCase{4, 2, 32, 0, 90}
	q, k, v, a := c.inputs()
	a.Compute = Fast
	p := NewPool(1)
	defer p.Close()
	const n = 77
	want, got := make([]float32, len(q)), make([]float32, len(q))
	p.Attend(want, q, n, 0, c.cache(k, v, gguf.F32), a)
	nan := float32(math.NaN())
	for i := n * c.kvHeads * c.dim; i < len(k); i++ {
		k[i], v[i] = nan, nan
	}
	p.Attend(got, q, n, 0, c.cache(k, v, gguf.F32), a)
	require.Equal(t, want, got)
}

func TestProductsAreTheSameOnAllTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	for rows := 1; rows <= 9; rows++ {
		for _, cols := range []int{16, 32, 48, 64, 80, 128, 144} {
			n, pad := 1+r.IntN(70), r.IntN(4)
			a, b := operands(r, rows*(n+pad), false), operands(r, n*(cols+pad), false)
			dst := operands(r, rows*(cols+pad), false)
			for _, fresh := range []bool{false, true} {
				requireTiers(t, fmt.Sprint(rows, cols, n, fresh), dst, func(k *tier, dst []float32) {
					k.product(dst, cols+pad, a, n+pad, b, cols+pad, rows, cols, n, fresh)
				})
			}
		}
	}
}

func TestSoftmaxStepsAreTheSameOnAllTiers(t *testing.T) {
	r := rand.New(rand.NewPCG(53, 54))
	operands64 := operands(r, blockKeys, false)
	for rows := range 20 {
		scores, tops := operands(r, rows*blockKeys, false), operands(r, rows, false)
		for i := range tops {
			tops[i] += 2 // of the zeros no tie
		}
		requireTiers(t, "peaks", make([]float32, 2*rows), func(k *tier, dst []float32) {
			copy(dst, tops)
			k.peaks(scores, dst[:rows], dst[rows:])
		})
		bytes := make([]int8, rows*blockKeys)
		for i := range bytes {
			bytes[i] = int8(r.Int())
		}
		requireTiers(t, "scaleBytes", make([]float32, len(bytes)), func(k *tier, dst []float32) { k.scaleBytes(dst, bytes, operands64) })
		const stride = 21
		requireTiers(t, "weigh", append(append([]float32(nil), scores...), operands(r, rows*stride, false)...), func(k *tier, dst []float32) {
			k.weigh(dst[:len(scores)], tops, dst[len(scores):], stride)
		})
	}
}

// BenchmarkAttention reports multiply-adds and the bytes of keys and values that are read a second, of 32 heads in groups of 4.
func BenchmarkAttention(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	const heads, kvHeads = 32, 8
	for _, k := range available() {
		if k.id == cpu.Generic || k.id == cpu.AMX {
			continue
		}
		for _, dim := range []int{64, 128} {
			for _, c := range []struct{ n, depth int }{{256, 0}, {512, 0}, {256, 4096}, {1, 511}, {1, 4095}} {
				b.Run(fmt.Sprintf("%s/dim%d/%dat%d", k.id, dim, c.n, c.depth), func(b *testing.B) {
					defer cpu.Force(k.id)()
					p := NewPool(2)
					defer p.Close()
					cache := NewCache(kvHeads, dim, dim, c.depth+c.n, gguf.F32)
					keys := random(r, kvHeads*dim)
					for pos := range c.depth + c.n {
						cache.Put(new(Scratch), pos, keys, keys)
					}
					q := random(r, c.n*heads*dim)
					dst, a := make([]float32, len(q)), Attention{Heads: heads, Scale: 0.1}
					seen := c.n*c.depth + c.n*(c.n+1)/2
					for b.Loop() {
						p.Attend(dst, q, c.n, c.depth, cache, a)
					}
					seconds := b.Elapsed().Seconds() / float64(b.N)
					b.ReportMetric(float64(2*seen*heads*dim)/seconds/1e9, "GMAC/s")
					b.ReportMetric(float64(2*4*kvHeads*dim*(c.depth+c.n))/seconds/1e9, "GB/s")
				})
			}
		}
	}
}
