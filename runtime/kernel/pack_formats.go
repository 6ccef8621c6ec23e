package kernel

import (
	"encoding/binary"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Formats whose codes lie in words, as those of a panel do, go from blocks to panels without being taken apart: words of 16
// rows are put side by side, and the fields in them transposed. What packer.packParts makes is their specification.

// straight lists these formats. The functions fill a panel.
var straight = map[gguf.Type]func(r *rows16){
	gguf.Q4_0:   func(r *rows16) { r.packSmall(smallBlock{bytes: 18, codes: 2}) },
	gguf.IQ4_NL: func(r *rows16) { r.packSmall(smallBlock{bytes: 18, codes: 2}) },
	gguf.Q4_1:   func(r *rows16) { r.packSmall(smallBlock{bytes: 20, codes: 4}) },
	gguf.Q5_0:   func(r *rows16) { r.packSmall(smallBlock{bytes: 22, fifths: 2, codes: 6}) },
	gguf.Q5_1:   func(r *rows16) { r.packSmall(smallBlock{bytes: 24, fifths: 4, codes: 8}) },
	gguf.MXFP4:  func(r *rows16) { r.packSmall(smallBlock{bytes: 17, exponent: true, codes: 1}) },
	gguf.Q8_0:   (*rows16).packQ8_0,
	gguf.Q2_K:   (*rows16).packQ2K,
	gguf.Q3_K:   (*rows16).packQ3K,
	gguf.Q4_K:   func(r *rows16) { r.packQ4Q5K(144, 0) },
	gguf.Q5_K:   func(r *rows16) { r.packQ4Q5K(176, 16) },
	gguf.Q6_K:   (*rows16).packQ6K,
	gguf.IQ4_XS: (*rows16).packIQ4XS,
}

// smallBlock is a block of 32 columns: D, Min where the format has one, the words of fifth bits, and low and high nibbles of
// columns that are 16 apart, which is how planes have them.
type smallBlock struct {
	bytes, fifths, codes int
	exponent             bool // D is an exponent, of MXFP4
}

func (r *rows16) packSmall(s smallBlock) {
	for b := range r.cols / blockCols {
		if s.exponent {
			for row := range panelRows {
				binary.LittleEndian.PutUint16(r.panel[b*2*panelRows+2*row:], exponentHalves[r.rows[row*r.stride+b*s.bytes]])
			}
		} else {
			r.half(r.panel, b, s.bytes, 0)
		}
		if r.f.Minima {
			r.half(r.panel[r.mins:], b, s.bytes, 2)
		}
		planes := r.planes(b)
		packWords(planes, r.at(b, s.bytes, s.codes), r.stride, 4)
		if s.fifths > 0 {
			packWords(r.buf[:], r.at(b, s.bytes, s.fifths), r.stride, 4)
			packFifths(planes[4*vectorBytes:], r.buf[:])
		}
	}
}

// exponentHalves are MXFP4's scales as BF16.
var exponentHalves = func() (halves [256]uint16) {
	f, _ := codec.IntegersOf(gguf.MXFP4)
	var p codec.Parts
	var block [17]byte
	for e := range halves {
		block[0] = uint8(e)
		f.Split(&p, block[:])
		halves[e] = codec.F32ToBF16(p.D[0])
	}
	return halves
}()

func (r *rows16) packQ8_0() {
	const bytes, size = 34, 8 * vectorBytes
	for b := range r.cols / blockCols {
		r.half(r.panel, b, bytes, 0)
		planes := r.planes(b)[:size]
		packWords(planes, r.at(b, bytes, 2), r.stride, 8)
		for i := 0; i < size; i += 8 {
			put64(planes, i, get64(planes, i)^highBits)
		}
	}
}

// packQ4Q5K packs Q4_K, or Q5_K whose fifth bits lie at byte fifths.
func (r *rows16) packQ4Q5K(bytes, fifths int) {
	for b := range r.cols / superCols {
		// D and Min, then 12 bytes with six bits for each of eight scales and minima: all of the first four, and of the last four
		// the low four bits and the upper two.
		packWords(r.buf[:], r.at(b, bytes, 0), r.stride, 4)
		for row := range panelRows {
			v := binary.LittleEndian.Uint32(r.buf[4*row:])
			binary.LittleEndian.PutUint16(r.panel[(b*panelRows+row)*2:], uint16(v))
			binary.LittleEndian.PutUint16(r.panel[r.mins+(b*panelRows+row)*2:], uint16(v>>16))
		}
		scales, minima := r.part(r.scales, b, 8), r.part(r.minima, b, 8)
		for i := 0; i < vectorBytes; i += 8 {
			low, mid, high := get64(r.buf[:], vectorBytes+i), get64(r.buf[:], 2*vectorBytes+i), get64(r.buf[:], 3*vectorBytes+i)
			put64(scales, i, low&lowSix)
			put64(scales, vectorBytes+i, high&lowNibbles|low>>2&upperTwo)
			put64(minima, i, mid&lowSix)
			put64(minima, vectorBytes+i, high>>4&lowNibbles|mid>>2&upperTwo)
		}
		packLanes(scales, scales, 2)
		packLanes(minima, minima, 2)
		for j := range 4 {
			r.nibbles32(b, bytes, bytes-128+32*j, 8*b+2*j, 1)
		}
		if fifths > 0 {
			r.bits32(b, bytes, fifths)
		}
	}
}

func (r *rows16) packQ2K() {
	const bytes = 84
	for b := range r.cols / superCols {
		r.half(r.panel, b, bytes, 80)
		r.half(r.panel[r.mins:], b, bytes, 82)
		packWords(r.buf[:], r.at(b, bytes, 0), r.stride, 4)
		scales, minima := r.part(r.scales, b, 16), r.part(r.minima, b, 16)
		for i := 0; i < 4*vectorBytes; i += 8 {
			v := get64(r.buf[:], i)
			put64(scales, i, v&lowNibbles)
			put64(minima, i, v>>4&lowNibbles)
		}
		packLanes(scales, scales, 4)
		packLanes(minima, minima, 4)
		for half := range 2 {
			r.crumbs32(b, bytes, 16+32*half, 8*b+4*half, 0)
		}
	}
}

func (r *rows16) packQ3K() {
	const bytes = 110
	for b := range r.cols / superCols {
		r.half(r.panel, b, bytes, 108)
		// Six bits of each scale, less 32: the low four of all sixteen, then the upper two of four in a byte. 16 bytes that end
		// with D have them between the middles of words.
		packWords(r.buf[:], r.at(b, bytes, 94), r.stride, 4)
		scales := r.part(r.scales, b, 16)
		for i := 0; i < vectorBytes; i += 8 {
			v := func(k int) uint64 {
				return get64(r.buf[:], k*vectorBytes+i)>>16&lowHalves | get64(r.buf[:], (k+1)*vectorBytes+i)<<16&^lowHalves
			}
			even, odd, high := v(0), v(1), v(2)
			put64(scales, i, minus32(even&lowNibbles|high<<4&upperTwo))
			put64(scales, vectorBytes+i, minus32(odd&lowNibbles|high<<2&upperTwo))
			put64(scales, 2*vectorBytes+i, minus32(even>>4&lowNibbles|high&upperTwo))
			put64(scales, 3*vectorBytes+i, minus32(odd>>4&lowNibbles|high>>2&upperTwo))
		}
		packLanes(scales, scales, 4)
		for half := range 2 {
			r.crumbs32(b, bytes, 32+32*half, 8*b+4*half, 0)
		}
		r.bits32(b, bytes, 0)
	}
}

func (r *rows16) packQ6K() {
	const bytes = 210
	for b := range r.cols / superCols {
		r.half(r.panel, b, bytes, 208)
		scales := r.part(r.scales, b, 16)
		packWords(scales, r.at(b, bytes, 192), r.stride, 4)
		packLanes(scales, scales, 4)
		for half := range 2 {
			for j := range 2 {
				r.nibbles32(b, bytes, 64*half+32*j, 8*b+4*half+j, 2)
			}
			r.crumbs32(b, bytes, 128+32*half, 8*b+4*half, 4)
		}
	}
}

func (r *rows16) packIQ4XS() {
	const bytes = 136
	for b := range r.cols / superCols {
		r.half(r.panel, b, bytes, 0)
		scales := r.part(r.scales, b, 8)
		for row := range panelRows {
			// Six bits each, less 32: the upper two of all eight, then the low four.
			x := r.rows[row*r.stride+b*bytes+2:][:6]
			high, low := binary.LittleEndian.Uint16(x), binary.LittleEndian.Uint32(x[2:])
			for j := range 8 {
				scales[j*panelRows+row] = uint8(low>>(4*j)&15|uint32(high>>(2*j)&3)<<4) - 32
			}
		}
		packWords(r.planes(8*b), r.at(b, bytes, 8), r.stride, 32)
	}
}
