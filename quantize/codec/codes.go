package codec

import (
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Grid says what values the weights of a block format can have once its scales are chosen: every Sub columns have a scale
// and an offset, and a weight is
//
//	float32(scale*Levels[i]) + offset
//
// for some i. Rounding that looks at more than the nearest value (quantize/round) takes the scales that an encoder found,
// chooses the levels itself, and stores them with Pack. Formats whose weights share points of several coordinates have no such
// grid; see Points.
type Grid struct {
	Block int // columns of a block
	Sub   int // columns of a scale
	// Levels ascend. Uniform says that they are consecutive integers, from Levels[0] on.
	Levels  []float32
	Uniform bool

	codes []uint8 // of each level
	index []uint8 // of each code
	split *Integers
	// scaling finds other scales; nil when a format has none near.
	scaling *scaling
	pack    func(block []byte, codes *[superBlock]uint8)
	bytes   int
}

// GridOf returns the grid of t, and false for types that have none.
func GridOf(t gguf.Type) (*Grid, bool) {
	g, ok := grids[t]
	return g, ok
}

// packers store the codes of a block and leave its scales as they are.
var packers = map[gguf.Type]func(block []byte, codes *[superBlock]uint8){
	gguf.Q4_0:   func(b []byte, c *[superBlock]uint8) { pack4(b[2:18], (*[32]uint8)(c[:])) },
	gguf.Q4_1:   func(b []byte, c *[superBlock]uint8) { pack4(b[4:20], (*[32]uint8)(c[:])) },
	gguf.Q5_0:   func(b []byte, c *[superBlock]uint8) { pack5(b[2:22], (*[32]uint8)(c[:])) },
	gguf.Q5_1:   func(b []byte, c *[superBlock]uint8) { pack5(b[4:24], (*[32]uint8)(c[:])) },
	gguf.Q8_0:   packBytes,
	gguf.IQ4_NL: func(b []byte, c *[superBlock]uint8) { pack4(b[2:18], (*[32]uint8)(c[:])) },
	gguf.MXFP4:  func(b []byte, c *[superBlock]uint8) { pack4(b[1:17], (*[32]uint8)(c[:])) },
	gguf.Q2_K:   func(b []byte, c *[superBlock]uint8) { pack2(b[16:80], c) },
	gguf.Q3_K:   func(b []byte, c *[superBlock]uint8) { packBits(b[:32], c, 2); pack2(b[32:96], c) },
	gguf.Q4_K:   func(b []byte, c *[superBlock]uint8) { packNibbles(b[16:144], c) },
	gguf.Q5_K:   func(b []byte, c *[superBlock]uint8) { packBits(b[16:48], c, 4); packNibbles(b[48:176], c) },
	gguf.Q6_K:   func(b []byte, c *[superBlock]uint8) { pack6(b[:192], c) },
	gguf.IQ4_XS: packSubs,
}

func packBytes(block []byte, codes *[superBlock]uint8) {
	for i, c := range codes[:32] {
		block[2+i] = c ^ 0x80
	}
}

func packSubs(block []byte, codes *[superBlock]uint8) {
	for j := range 8 {
		pack4(block[8+16*j:][:16], (*[32]uint8)(codes[32*j:]))
	}
}

var grids = func() map[gguf.Type]*Grid {
	all := map[gguf.Type]*Grid{}
	for t, pack := range packers {
		all[t] = newGrid(t, pack)
	}
	return all
}()

// newGrid makes the grid of t of its integers.
func newGrid(t gguf.Type, pack func(block []byte, codes *[superBlock]uint8)) *Grid {
	f := integers[t]
	g := &Grid{Block: t.BlockSize(), Sub: f.Sub, Uniform: f.Levels == nil, split: f, scaling: scalings[t], pack: pack, bytes: int(t.RowBytes(int64(t.BlockSize())))}
	for code := range 1 << f.Bits {
		g.codes = append(g.codes, uint8(code))
	}
	slices.SortStableFunc(g.codes, func(a, b uint8) int { return int(f.level(a)) - int(f.level(b)) })
	g.codes = slices.CompactFunc(g.codes, func(a, b uint8) bool { return f.level(a) == f.level(b) }) // FP4 has two zeros
	g.index = make([]uint8, 1<<f.Bits)
	for code := range g.index {
		g.index[code] = uint8(slices.IndexFunc(g.codes, func(c uint8) bool { return f.level(c) == f.level(uint8(code)) }))
	}
	for _, code := range g.codes {
		g.Levels = append(g.Levels, float32(f.level(code)))
	}
	return g
}

// level is the value of a code in units of its scale.
func (f *Integers) level(code uint8) int {
	if f.Levels != nil {
		return int(f.Levels[code])
	}
	return int(code) - f.Offset
}

// Split takes a row of whole blocks apart: levels, an index for each column, and scales and offsets for each Sub columns.
func (g *Grid) Split(levels []uint8, scales, offsets []float32, row []byte) {
	f := g.split
	var p Parts
	for ; len(row) > 0; row = row[g.bytes:] {
		f.Split(&p, row[:g.bytes])
		for i, c := range p.Codes[:g.Block] {
			levels[i] = g.index[c]
		}
		subs := g.Block / g.Sub
		for j := range subs {
			scales[j], offsets[j] = f.scaleOf(&p, j)
		}
		levels, scales, offsets = levels[g.Block:], scales[subs:], offsets[subs:]
	}
}

// scaleOf is what sub-block j of a block is multiplied with, and what is added, in the arithmetic of the decoders.
func (f *Integers) scaleOf(p *Parts, j int) (scale, offset float32) {
	factor := f.Factor
	if factor == 0 {
		factor = 1
	}
	if !f.Scaled {
		if f.Minima {
			offset = p.Min[j]
		}
		return p.D[j] * factor, offset
	}
	scale = float32(p.D[0] * factor * float32(p.Scales[j]))
	if f.Minima {
		offset = -float32(p.Min[0] * float32(p.Minima[j]))
	}
	return scale, offset
}

// Pack stores levels in a row of whole blocks, whose scales stay.
func (g *Grid) Pack(row []byte, levels []uint8) {
	var codes [superBlock]uint8
	for ; len(row) > 0; row, levels = row[g.bytes:], levels[g.Block:] {
		for i, l := range levels[:g.Block] {
			codes[i] = g.codes[l]
		}
		g.pack(row[:g.bytes], &codes)
	}
}

// Value is that of a weight with level l.
func (g *Grid) Value(l uint8, scale, offset float32) float32 {
	return float32(scale*g.Levels[l]) + offset
}

// Nearest returns the index of the level whose value is nearest to v. A scale of 0 has one value; the level of zero stands for
// it.
func (g *Grid) Nearest(v, scale, offset float32) uint8 {
	last := len(g.Levels) - 1
	if scale == 0 {
		v, scale = 0, 1
	} else {
		v = (v - offset) / scale
	}
	if g.Uniform {
		v -= g.Levels[0]
		switch {
		case !(v > 0):
			return 0
		case v >= float32(last):
			return uint8(last)
		}
		return uint8(v + 0.5)
	}
	l := 0
	for l < last && v >= (g.Levels[l]+g.Levels[l+1])*0.5 {
		l++
	}
	return uint8(l)
}
