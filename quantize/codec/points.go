package codec

import (
	"encoding/binary"

	"github.com/carat-llm/carat/gguf"
)

// Points says what values the weights of a block format can have whose groups of four columns share a point of a codebook. As in
// a Grid, every Sub columns have a scale, and a weight is
//
//	float32(scale*Levels[i])
//
// for one of 16 levels, which are eight magnitudes and their negatives in ascending order: 8+m has magnitude number m, and 7-m is
// its negative. But the magnitudes of columns 4*k to 4*k+3 must be those of a point in Book, and with EvenSigns the number of
// negative levels among columns 8*k to 8*k+7 must be even. Split and Pack of the embedded grid keep to that if what they are
// given does. IQ3_S and IQ3_XXS are such formats.
type Points struct {
	*Grid
	Book      [][4]uint8 // the numbers of the magnitudes of each point
	EvenSigns bool
}

// PointsOf returns the points of t, and false for types that have none.
func PointsOf(t gguf.Type) (*Points, bool) {
	p, ok := points[t]
	return p, ok
}

var points = map[gguf.Type]*Points{
	gguf.IQ3_S:   newPoints(gguf.IQ3_S, gridIQ3S, packIQ3SCodes, false),
	gguf.IQ3_XXS: newPoints(gguf.IQ3_XXS, gridIQ3XXS, packIQ3XXSCodes, true),
}

func newPoints(t gguf.Type, book *grid, pack func(block []byte, codes *[superBlock]uint8), evenSigns bool) *Points {
	p := &Points{Grid: newGrid(t, pack), EvenSigns: evenSigns}
	for _, q := range book.expanded() {
		p.Book = append(p.Book, [4]uint8(q[:4]))
	}
	return p
}

// Group is the number of columns whose levels depend on each other.
func (p *Points) Group() int {
	if p.EvenSigns {
		return 8
	}
	return 4
}

// packIQ3SCodes stores codes, which are numbers of magnitudes and 8 more with a sign, in a block of IQ3_S.
func packIQ3SCodes(block []byte, codes *[superBlock]uint8) {
	for b := range 8 {
		index := block[2+8*b:][:8]
		high := uint16(0)
		for k := range index {
			i := gridIQ3S.number((*[4]uint8)(codes[32*b+4*k:]))
			index[k] = uint8(i)
			high |= i >> 8 << k
		}
		block[66+b] = uint8(high)
		for k := range 4 {
			block[74+4*b+k] = signsOf((*[8]uint8)(codes[32*b+8*k:]))
		}
	}
}

// packIQ3XXSCodes does so in a block of IQ3_XXS, where the last of eight signs follows from the others.
func packIQ3XXSCodes(block []byte, codes *[superBlock]uint8) {
	for b := range 8 {
		index, high := block[2+8*b:][:8], block[66+4*b:][:4]
		for k := range index {
			index[k] = uint8(gridIQ3XXS.number((*[4]uint8)(codes[32*b+4*k:])))
		}
		signs := binary.LittleEndian.Uint32(high) & (15 << 28) // the scale
		for k := range 4 {
			signs |= uint32(signsOf((*[8]uint8)(codes[32*b+8*k:]))&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(high, signs)
	}
}

// number is that of the point of four coordinates with the magnitudes of codes.
func (g *grid) number(codes *[4]uint8) uint16 {
	p := point{codes[0] & 7, codes[1] & 7, codes[2] & 7, codes[3] & 7}
	return uint16(g.searchable().lookup[g.code(&p)])
}

// signsOf gathers the signs of eight codes.
func signsOf(codes *[8]uint8) (signs uint8) {
	for i, c := range codes {
		signs |= c >> 3 << i
	}
	return signs
}
