//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"sync"

	"github.com/carat-llm/carat/gguf"
)

// Encoders in lanes. The searches for scales are long sums in a defined order, which a vector cannot share among its
// lanes. So each lane holds one sub-block, or at the end one super-block, and adds up as the generic code does: the
// bytes are the same. Early exits become masks. Rare values that the generic code treats apart, such as quotients
// beyond integers, are not followed: where a lane meets them, its super-block is encoded by the generic code.
//
// Encoders work on as many super-blocks at a time as a vector has lanes: lane l is super-block l, and sub-blocks j
// of all are searched together.

// lanes are the functions of a tier, and how many lanes its vectors have.
type lanes struct {
	n                                  int
	transpose                          func(dst, src *float32, stride, n int)
	squares, square, magnitudes        func(dst, x *float32, n int)
	sums                               func(sums, w *float32, blocks, n int)
	weighLanes                         func(w, x, sigma2 *float32, n int)
	weighPlain                         func(w, x *float32, blocks int)
	searchAffine, searchAffineAbsolute func(found, scratch, x, w, factors *float32, trials, n int, nmax float32) (odd uint32)
	scaleTo                            func(d, levels, x *float32, n int, nmax float32)
	searchPositive                     func(d, levels, x, w, factors *float32, n int, nmax float32)
	searchSymmetric                    func(scale, inverse, scratch, x, w, factors *float32, n int, nmax float32)
	levelsSymmetric                    func(levels, x, inverse *float32, n int, nmax float32)
	scaleSigned                        func(d, levels, x *float32, n int, top, least float32)
	searchDescentQ3K                   func(scale, scratch, x *float32, order *[8]uint32, n int)
	blocks                             map[gguf.Type]blockKernel
	trits                              func(codes *uint8, x *float32, n int, id float32)
	notNegative                        func(bits *uint8, x *float32, n int)
}

var lanesAVX2 = &lanes{
	8, transposeAVX2, squaresAVX2, squareAVX2, magnitudesAVX2, sumsAVX2, weighAVX2, weighPlainAVX2, searchAffineAVX2,
	searchAffineAbsoluteAVX2, scaleToAVX2, searchPositiveAVX2, searchSymmetricAVX2, levelsSymmetricAVX2, scaleSignedAVX2, searchDescentQ3KAVX2,
	map[gguf.Type]blockKernel{
		gguf.Q4_0: encodeQ4x0AVX2, gguf.Q4_1: encodeQ4x1AVX2, gguf.Q5_0: encodeQ5x0AVX2, gguf.Q5_1: encodeQ5x1AVX2,
		gguf.Q8_0: encodeQ8x0AVX2, gguf.MXFP4: encodeMXFP4AVX2, gguf.F16: encodeF16AVX2, gguf.BF16: encodeBF16AVX2,
		gguf.NVFP4: encodeNVFP4AVX2,
	}, tritsAVX2, notNegativeAVX2,
}

var lanesAVX512 = &lanes{
	16, transposeAVX512, squaresAVX512, squareAVX512, magnitudesAVX512, sumsAVX512, weighAVX512, weighPlainAVX512, searchAffineAVX512,
	searchAffineAbsoluteAVX512, scaleToAVX512, searchPositiveAVX512, searchSymmetricAVX512, levelsSymmetricAVX512, scaleSignedAVX512, searchDescentQ3KAVX512,
	map[gguf.Type]blockKernel{
		gguf.Q4_0: encodeQ4x0AVX512, gguf.Q4_1: encodeQ4x1AVX512, gguf.Q5_0: encodeQ5x0AVX512, gguf.Q5_1: encodeQ5x1AVX512,
		gguf.Q8_0: encodeQ8x0AVX512, gguf.MXFP4: encodeMXFP4AVX512, gguf.F16: encodeF16AVX512, gguf.BF16: encodeBF16AVX512,
		gguf.NVFP4: encodeNVFP4AVX512,
	}, tritsAVX512, notNegativeAVX512,
}

// maxLanes is the number of lanes of the widest vectors.
const maxLanes = 16

// laneValues has a value for every sub-block and lane: that of sub-block j and lane l is at j*lanes+l.
type laneValues [16 * maxLanes]float32

// group is what an encoder in lanes works in. Vectors begin at multiples of their size, as the group does.
type group struct {
	x, w [superBlock * maxLanes]float32 // element i of lane l at i*lanes+l
	rows [superBlock * maxLanes]float32 // what is transposed to them, if it does not lie so

	// What the search for scales finds, see searchAffine; inverse and from are those that gave the codes.
	scale, minimum, inverse, from, sumw laneValues

	levels, levels2 laneValues
	d, dmin         [maxLanes]float32
	descent         [36 * 320]float32
	sigma2          [2 * maxLanes]float32
	scratch         [82 * maxLanes]float32
	grid            affineGrid // of the super-block that is finished, or
	symmetric       symmetricGrid
	codes           [superBlock]uint8
	first           int // the number of the block in lane 0
}

var groups = sync.Pool{New: func() any { return new(group) }}

// eachGroup encodes blocks of size elements and so many bytes. fit finds the grids of the blocks that are in the lanes and
// says in which lanes it could not; finish encodes x, which is in lane l; block encodes without lanes.
func (k *lanes) eachGroup(dst []byte, src []float32, cols int, weights []float32, size, bytes int,
	fit func(g *group) (odd uint32), finish func(g *group, l int, dst []byte, x []float32), block func(dst []byte, x, weights []float32)) {
	k.eachVectors(1, dst, src, cols, weights, size, bytes, fit, finish, block)
}

// eachVectors is eachGroup with so many vectors of lanes: vector v has the lanes from v*k.n on, as if its blocks were a
// second sub-block of the first ones.
func (k *lanes) eachVectors(vectors int, dst []byte, src []float32, cols int, weights []float32, size, bytes int,
	fit func(g *group) (odd uint32), finish func(g *group, l int, dst []byte, x []float32), block func(dst []byte, x, weights []float32)) {
	g := groups.Get().(*group)
	defer groups.Put(g)
	col := 0
	for g.first = 0; len(src) > 0; {
		n := min(vectors*k.n, len(src)/size)
		odd := ^uint32(0)
		if n > k.n/8 { // few are faster alone
			x := src[:n*size]
			if n < vectors*k.n {
				copy(g.rows[:], x)
				x = g.rows[:] // what else is there does not matter
			}
			k.transposeVectors(vectors, &g.x, x, size)
			if weights != nil {
				at := col
				for l := range n {
					copy(g.rows[l*size:], weights[at:at+size])
					at = (at + size) % cols
				}
				k.transposeVectors(vectors, &g.w, g.rows[:], size)
			}
			odd = fit(g)
		}
		for l := range n {
			out, x := dst[:bytes:bytes], src[:size:size]
			if odd>>l&1 == 0 {
				finish(g, l, out, x)
			} else if weights == nil {
				block(out, x, nil)
			} else {
				block(out, x, weights[col:col+size])
			}
			dst, src, col = dst[bytes:], src[size:], (col+size)%cols
		}
		g.first += n
	}
}

func (k *lanes) transposeVectors(vectors int, dst *[superBlock * maxLanes]float32, src []float32, size int) {
	for at := 0; at < vectors*k.n*size; at += k.n * size {
		k.transpose(&dst[at], &src[at], size, size)
	}
}
