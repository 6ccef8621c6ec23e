package round

import (
	"math"
	"math/bits"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// book is the codebook of a format as a tree.
type book struct {
	*codec.Points
	// next has a bit for each level that a column of four may have after those before it. The node of no column is 0, and that
	// behind magnitude m of node c is 8*c+1+m.
	next [1 + 8 + 64 + 512]uint16
}

var books = map[gguf.Type]*book{gguf.IQ3_S: newBook(gguf.IQ3_S), gguf.IQ3_XXS: newBook(gguf.IQ3_XXS)}

func newBook(t gguf.Type) *book {
	p, _ := codec.PointsOf(t)
	b := &book{Points: p}
	for _, q := range p.Book {
		c := 0
		for _, m := range q {
			b.next[c] |= 1<<(8+m) | 1<<(7-m)
			c = 8*c + 1 + int(m)
		}
	}
	return b
}

// metric is a positive definite matrix of a group of columns as transpose(l)*diagonal(d)*l, l lower triangular with ones on the
// diagonal, which are not stored.
type metric struct {
	l [8][8]float32
	d [8]float32
}

// finder finds the levels of a group whose values x are nearest to a target: those that make
//
//	sum over k of d[k]*(x[k] - want[k] + sum over i<k of l[k][i]*(x[i]-now[i]))^2
//
// least.
type finder struct {
	*book
	*metric
	values    [18]float32 // of level l at l+1, between infinities
	inverse   float32     // of half the distance of levels
	want, now [8]float32
}

// scale sets the values; scale is positive.
func (f *finder) scale(scale float32) {
	f.values[0], f.values[17] = float32(math.Inf(-1)), float32(math.Inf(1))
	for i, l := range f.Levels {
		f.values[i+1] = float32(scale * l)
	}
	f.inverse = 1 / f.values[9]
}

const anySigns = 2

// group sets the levels of the best group whose sum is below bound, and says whether there is one. It is the best of all when
// there are four columns; of eight, the first four are the best of each parity alone, and the others the best with them.
func (f *finder) group(levels []uint8, bound float32) (found bool) {
	if !f.EvenSigns {
		q, ok := f.four(0, anySigns, 0, bound)
		if ok {
			copy(levels, q.levels[:])
		}
		return ok
	}
	want := f.want
	for parity := range 2 {
		q, ok := f.four(0, parity, 0, bound)
		if !ok {
			continue
		}
		for k := 4; k < 8; k++ {
			f.want[k] = want[k]
			for i, x := range q.values {
				f.want[k] -= float32(f.l[k][i] * (x - f.now[i]))
			}
		}
		p, ok := f.four(4, parity, q.sum, bound)
		if ok {
			copy(levels, q.levels[:])
			copy(levels[4:], p.levels[:])
			bound, found = p.sum, true
		}
	}
	return found
}

// quad is a choice for four columns.
type quad struct {
	levels [4]uint8
	values [4]float32
	sum    float32
}

// column is the state of the search at one of four columns.
type column struct {
	node, negatives int     // of the columns before
	sum             float32 // over them
	target          float32 // the value that adds nothing to it
	below, above    uint16  // levels at either side of it that were not tried
	off             float32 // the value that is tried now, less what it is now
}

// four finds the best choice for the columns from first on whose sum is below bound; sum is that of the columns before. If parity
// is 0 or 1 the number of negative levels is even or odd. Columns are tried one after the other, levels by their distance, as
// long as the sum stays below that of what was found (Schnorr and Euchner, 1994).
func (f *finder) four(first, parity int, sum, bound float32) (best quad, found bool) {
	var columns [4]column
	var q quad
	columns[0].sum = sum
	f.enter(&columns, 0, first, parity)
	for k := 0; k >= 0; {
		c := &columns[k&3]
		l := bits.Len16(c.below)               // the level at one side, and 1
		u := bits.TrailingZeros16(c.above) + 1 // at the other side
		d := c.target - f.values[l]
		if e := f.values[u] - c.target; e < d {
			l, d = u, e
			c.above &= c.above - 1
		} else {
			c.below &^= uint16(uint32(1) << l >> 1)
		}
		sum := c.sum + float32(float32(f.d[first+k]*d)*d)
		if !(sum < bound) { // nor is that of any level farther away
			k--
			continue
		}
		q.levels[k&3], q.values[k&3] = uint8(l-1), f.values[l]
		if k == 3 {
			best, found, bound = q, true, sum
			best.sum = sum
			k--
			continue
		}
		c.off = f.values[l] - f.now[first+k]
		next := &columns[(k+1)&3]
		next.sum, next.negatives = sum, c.negatives
		if l > 8 {
			next.node = 8*c.node + l - 8
		} else {
			next.node = 8*c.node + 9 - l
			next.negatives++
		}
		k++
		f.enter(&columns, k, first, parity)
	}
	return best, found
}

// enter begins with column k of four.
func (f *finder) enter(columns *[4]column, k, first, parity int) {
	c := &columns[k&3]
	c.target = f.want[first+k]
	for i, l := range f.l[first+k][first : first+k] {
		c.target -= float32(l * columns[i].off)
	}
	levels := f.next[c.node]
	if k == 3 && parity != anySigns {
		if c.negatives&1 == parity {
			levels &= 0xff00
		} else {
			levels &= 0x00ff
		}
	}
	under := uint16(1)<<f.place(c.target) - 1
	c.below, c.above = levels&under, levels&^under
}

// place is the number of levels whose values are at most v. Levels are 2 apart, but for the last, in units of the first.
func (f *finder) place(v float32) int {
	p := float32(float32(v*f.inverse)+17) * 0.5
	switch {
	case !(p > 0):
		return 0
	case p >= 16:
		return 16
	}
	return int(p)
}
