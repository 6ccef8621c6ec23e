package kernel

import "math"

// activations are n rows of float32, made ready for products with weights of integers: rounded to integers with a scale
// for each block of 32 columns, 15 bits in exact computation and 8 in fast. (15 bits: the mean KL divergence that this
// rounding causes is about 3e-7 nats.) Buffers are reused.
type activations struct {
	x       []float32
	n, cols int
	kind    activationKind
	stride  int // elements between rows of the integers
	tiles   int // of columns of the product

	bytes  []int8    // high and low parts by turns, or the 8 bits
	words  []int16   // or words, in the order of their pairs
	scales []float32 // n x cols/32
	sums   []int32   // n x cols/16, sums of the integers

	xs    []float32 // scales, as tiles take them
	inits []arranged[int32]
	xsums []arranged[float32]
}

type activationKind int

const (
	narrow    activationKind = iota // for few tokens: bytes, for each block high parts, then low ones, or words
	wide                            // for many tokens: words
	bytes8                          // for fast computation: bytes
	wideBF16                        // for fast computation of many tokens: words, of BF16, see bf16At
	wideTiles                       // for many tokens where there are tiles: bytes as of narrow, of each block those of 16 tokens
)

// greatest is the greatest magnitude of the integers.
var greatest = [...]float32{narrow: 127 * 128, wide: 127 * 128, bytes8: 127, wideTiles: 127 * 128}

// arranged are values as tiles take them, for formats with that number of columns in a sub-block, and that offset.
type arranged[T any] struct {
	sub, offset int
	values      []T
}

// set takes n rows of cols activations, and decides how they are rounded for weights of these forms.
func (a *activations) set(x []float32, n, cols int, compute Compute, f forms) {
	k := active()
	a.x, a.n, a.cols = x, n, cols
	switch {
	case compute == Fast && k.tilesBF16 != nil && n > k.mostNarrow:
		a.kind = wideBF16
	case compute == Fast:
		a.kind = bytes8
	case n <= k.mostNarrow:
		a.kind = narrow
	case f.tiles && k.exact != nil:
		a.kind = wideTiles
	default:
		a.kind = wide
	}
	a.tiles = (n + k.widths[a.kind] - 1) / k.widths[a.kind]
	if f.singles && n <= k.mostSingles[compute] {
		a.tiles = n
	}
	// Rows a multiple of 4096 bytes apart would share a few places of the cache.
	a.stride = cols + vectorBytes
	a.inits, a.xsums = a.inits[:0], a.xsums[:0]
	switch {
	case a.inWords(k):
		a.words = room(a.words, n*a.stride)
	case a.kind == narrow:
		a.stride += cols
		a.bytes = room(a.bytes, n*a.stride)
	case a.kind == wideBF16:
		a.words = room(a.words, (n+15)&^15*cols)
	case a.kind == wideTiles:
		a.stride = 2 * cols
		a.bytes = room(a.bytes, a.padded()*a.stride)
	default:
		a.bytes = room(a.bytes, n*a.stride)
	}
	blocks := cols / blockCols
	a.scales, a.sums, a.xs = room(a.scales, n*blocks), room(a.sums, 2*n*blocks), room(a.xs, a.padded()*blocks)
}

// inWords says whether activations are words.
func (a *activations) inWords(k *tier) bool {
	return a.kind == wide || a.kind == narrow && k.narrowWords
}

// room returns a slice of n elements, b itself if it is long enough.
func room[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// size is the memory of the buffers, in bytes.
func (a *activations) size() int {
	n := cap(a.bytes) + 2*cap(a.words) + 4*(cap(a.scales)+cap(a.sums)+cap(a.xs))
	for _, x := range a.inits[:cap(a.inits)] {
		n += 4 * cap(x.values)
	}
	for _, x := range a.xsums[:cap(a.xsums)] {
		n += 4 * cap(x.values)
	}
	return n
}

// tile returns the first column of tile i, and of the next one. Tiles are of about one width, or of 16.
func (a *activations) tile(i int) (first, end int) {
	if a.kind == wideTiles {
		return i * exactTokens, (i + 1) * exactTokens
	}
	return i * a.n / a.tiles, (i + 1) * a.n / a.tiles
}

// tileOf is the tile of column c.
func (a *activations) tileOf(c int) int {
	if a.kind == wideTiles {
		return c / exactTokens
	}
	return ((c+1)*a.tiles - 1) / a.n
}

// padded is the number of columns of all tiles.
func (a *activations) padded() int {
	if a.kind == wideTiles {
		return a.tiles * exactTokens
	}
	return a.n
}

// round makes row c ready.
func (a *activations) round(s *Scratch, c int) {
	blocks := a.cols / blockCols
	row, scales, sums := a.x[c*a.cols:][:a.cols], a.scales[c*blocks:][:blocks], a.sums[2*c*blocks:][:2*blocks]
	switch k := active(); {
	case a.kind == wideBF16:
		k.roundBF16(a.words[a.bf16At(c, 0):], row)
		return
	case a.inWords(k):
		k.roundWide(a.words[c*a.stride:][:a.cols], row, scales, sums)
	case a.kind == narrow:
		k.roundNarrow(a.bytes[c*a.stride:][:2*a.cols], row, scales, sums)
	case a.kind == wideTiles:
		const bytes = 2 * blockCols
		rounded := s.Int8s(2 * a.cols)
		k.roundNarrow(rounded, row, scales, sums)
		to := a.bytes[c/exactTokens*exactTokens*a.stride+c%exactTokens*bytes:]
		for b := range blocks {
			copy(to[b*exactTokens*bytes:][:bytes], rounded[b*bytes:])
		}
	default:
		k.roundBytes(a.bytes[c*a.stride:][:a.cols], row, scales, sums)
	}
	first, end := a.tile(a.tileOf(c))
	xs := a.xs[first*blocks:]
	for b, s := range scales {
		xs[b*(end-first)+c-first] = s
	}
}

// init returns what sums begin with for codes with that offset: for each sub-block the sum of the activations times
// the offset, negated; tile after tile, for each sub-block a value for each column.
func (a *activations) init(sub, offset int) []int32 {
	for i := range a.inits {
		if a.inits[i].sub == sub && a.inits[i].offset == offset {
			return a.inits[i].values
		}
	}
	out := next(&a.inits, a.padded()*a.cols/sub)
	out.sub, out.offset = sub, offset
	a.eachSum(sub, func(at, sum, _ int) { out.values[at] = int32(-offset * sum) })
	return out.values
}

// xsum returns the sums of activations for minima, arranged like init.
func (a *activations) xsum(sub int) []float32 {
	for i := range a.xsums {
		if a.xsums[i].sub == sub {
			return a.xsums[i].values
		}
	}
	out := next(&a.xsums, a.padded()*a.cols/sub)
	out.sub = sub
	a.eachSum(sub, func(at, sum, scale int) { out.values[at] = float32(float32(sum) * a.scales[scale]) })
	return out.values
}

// next appends an element and keeps its values' memory.
func next[T any](list *[]arranged[T], n int) *arranged[T] {
	l := *list
	if len(l) < cap(l) {
		l = l[:len(l)+1]
	} else {
		l = append(l, arranged[T]{})
	}
	*list = l
	out := &l[len(l)-1]
	out.values = room(out.values, n)
	return out
}

// eachSum calls f with each sum of sub columns, where it is arranged and where its scale is.
func (a *activations) eachSum(sub int, f func(at, sum, scale int)) {
	blocks, per := a.cols/blockCols, blockCols/sub
	for t := range a.tiles {
		first, end := a.tile(t)
		for c := first; c < min(end, a.n); c++ {
			sums := a.sums[2*c*blocks:][:2*blocks]
			for b := range blocks {
				at := first*blocks*per + b*per*(end-first) + c - first
				if per == 1 {
					f(at, int(sums[2*b]+sums[2*b+1]), c*blocks+b)
				} else {
					f(at, int(sums[2*b]), c*blocks+b)
					f(at+end-first, int(sums[2*b+1]), c*blocks+b)
				}
			}
		}
	}
}

// least is the magnitude below which a block counts as zero: its reciprocal is far from overflowing.
const least = 1e-30

// blockScale returns the scale of a block of which the largest magnitude is top, and its reciprocal. When an element is
// infinite or no number the scale is NaN, so that results are.
func blockScale(block []float32, most float32) (scale, inverse float32) {
	var top uint32
	for _, v := range block {
		top = max(top, math.Float32bits(v)&(1<<31-1))
	}
	m := math.Float32frombits(top)
	switch {
	case !(m <= math.MaxFloat32):
		return float32(math.NaN()), 0
	case m < least:
		return 0, 0
	}
	return m / most, most / m
}

// rounded is the integer nearest to v, the even one of two, for |v| < 2^22. It is 0 for NaN.
func rounded(v float32) int32 {
	if v != v {
		return 0
	}
	return int32(math.Float32bits(v+12582912)&0x007fffff) - 0x00400000
}

// roundBlocks calls put with each rounded element of row, and fills scales and sums.
func roundBlocks(row, scales []float32, sums []int32, most float32, put func(i int, v int32)) {
	for b := range scales {
		block := row[b*blockCols:][:blockCols]
		scale, inverse := blockScale(block, most)
		scales[b] = scale
		var halves [2]int32
		for i, v := range block {
			q := rounded(float32(v * inverse))
			halves[i/16] += q
			put(b*blockCols+i, q)
		}
		sums[2*b], sums[2*b+1] = halves[0], halves[1]
	}
}

// roundNarrowGeneric is the specification of tier.roundNarrow: activation = 128*high + low, low from -64 to 63; bytes has
// for each block the high parts, then the low ones.
func roundNarrowGeneric(bytes []int8, row, scales []float32, sums []int32) {
	roundBlocks(row, scales, sums, greatest[narrow], func(i int, v int32) {
		h := (v + 64) >> 7
		i += i / blockCols * blockCols
		bytes[i], bytes[i+blockCols] = int8(h), int8(v-h*128)
	})
}

// roundWideGeneric is the specification of tier.roundWide: in groups of four in the order 0 2 1 3.
func roundWideGeneric(words []int16, row, scales []float32, sums []int32) {
	roundBlocks(row, scales, sums, greatest[wide], func(i int, v int32) {
		words[i&^3+i%4/2+i%2*2] = int16(v)
	})
}

// roundBytesGeneric is the specification of tier.roundBytes.
func roundBytesGeneric(bytes []int8, row, scales []float32, sums []int32) {
	roundBlocks(row, scales, sums, greatest[bytes8], func(i int, v int32) { bytes[i] = int8(v) })
}
