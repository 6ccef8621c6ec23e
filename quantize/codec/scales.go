package codec

import (
	"encoding/binary"

	"github.com/carat-llm/carat/gguf"
)

// Scale is one way in which a format can scale a sub-block: a weight is float32(Scale*level) + Offset.
type Scale struct {
	Scale, Offset float32

	scale, minimum uint16 // as the block stores them: F16s, or the integers of sub-scales
}

// scaling reads and stores the scale of sub-block j of a block, as the block stores it. Formats of 32 columns have F16s.
type scaling struct {
	// get and set of an integer sub-scale and minimum; nil when a block has F16s at its beginning.
	get func(block []byte, j int) (scale, minimum int)
	set func(block []byte, j, scale, minimum int)
	// Of integers: the range of scales, and the largest minimum.
	least, most, minimum int
}

var scalings = map[gguf.Type]*scaling{
	gguf.Q4_0: {}, gguf.Q4_1: {}, gguf.Q5_0: {}, gguf.Q5_1: {}, gguf.Q8_0: {}, gguf.IQ4_NL: {},
	gguf.Q2_K: {
		get:  func(b []byte, j int) (int, int) { return int(b[j] & 15), int(b[j] >> 4) },
		set:  func(b []byte, j, s, m int) { b[j] = uint8(s | m<<4) },
		most: 15, minimum: 15},
	gguf.Q3_K: {
		get: func(b []byte, j int) (int, int) {
			p := b[96:108]
			return int(p[j%8]>>(j/8*4)&15|p[8+j%4]>>(j/4*2)&3<<4) - 32, 0
		},
		set: func(b []byte, j, s, _ int) {
			p, s8 := b[96:108], uint8(s+32)
			p[j%8] = p[j%8]&^(15<<(j/8*4)) | s8&15<<(j/8*4)
			p[8+j%4] = p[8+j%4]&^(3<<(j/4*2)) | s8>>4<<(j/4*2)
		},
		least: -32, most: 31},
	gguf.Q4_K: scalingK4,
	gguf.Q5_K: scalingK4,
	gguf.Q6_K: {
		get:   func(b []byte, j int) (int, int) { return int(int8(b[192+j])), 0 },
		set:   func(b []byte, j, s, _ int) { b[192+j] = uint8(int8(s)) },
		least: -128, most: 127},
	gguf.IQ4_XS: {
		get: func(b []byte, j int) (int, int) {
			high := binary.LittleEndian.Uint16(b[2:])
			return int(b[4+j/2]>>(j%2*4)&15|uint8(high>>(2*j)&3)<<4) - 32, 0
		},
		set: func(b []byte, j, s, _ int) {
			high, s8 := binary.LittleEndian.Uint16(b[2:]), uint8(s+32)
			b[4+j/2] = b[4+j/2]&^(15<<(j%2*4)) | s8&15<<(j%2*4)
			binary.LittleEndian.PutUint16(b[2:], high&^(3<<(2*j))|uint16(s8>>4)<<(2*j))
		},
		least: -32, most: 31},
}

var scalingK4 = &scaling{
	get: func(b []byte, j int) (int, int) {
		s, m := unpackScaleK4(b[4:16], j)
		return int(s), int(m)
	},
	set: func(b []byte, j, s, m int) {
		var ls, lm [8]uint8
		for i := range ls {
			ls[i], lm[i] = unpackScaleK4(b[4:16], i)
		}
		ls[j], lm[j] = uint8(s), uint8(m)
		packScalesK4(b[4:16], &ls, &lm)
	},
	most: 63, minimum: 63,
}

// MostNear is the largest number of scales that Near appends.
const MostNear = 8

// Near appends to dst what the format can have near the scale of sub-block j of a row of whole blocks, without that itself,
// while all else in the block stays: of F16s, ranges whose ends are moved by tenths of a level; of sub-scales, the integers next
// to them. There are none where a scale is a power of two.
func (g *Grid) Near(dst []Scale, row []byte, j int) []Scale {
	if g.scaling == nil {
		return dst
	}
	subs := g.Block / g.Sub
	block := row[j/subs*g.bytes:][:g.bytes]
	j %= subs
	if g.scaling.get == nil {
		return g.nearF16(dst, block)
	}
	return g.nearInteger(dst, block, j)
}

// nearF16 moves the ends of the range.
func (g *Grid) nearF16(dst []Scale, block []byte) []Scale {
	d := getF16(block)
	add := func(scale, minimum uint16) {
		s := Scale{F16ToF32(scale), F16ToF32(minimum), scale, minimum}
		if s.Scale != d || g.split.Minima && s.Offset != getF16(block[2:]) {
			dst = append(dst, s)
		}
	}
	if !g.split.Minima {
		half := float32(len(g.Levels) / 2) // levels on either side of zero
		for _, end := range [...]float32{-0.2, -0.1, 0.1, 0.2} {
			add(F32ToF16(d+float32(end*d)/half), 0)
		}
		return dst
	}
	m, steps := getF16(block[2:]), float32(len(g.Levels)-1)
	for _, low := range [...]float32{-0.1, 0, 0.1} {
		for _, high := range [...]float32{-0.1, 0, 0.1} {
			add(F32ToF16(d+float32((high-low)*d)/steps), F32ToF16(m+float32(low*d)))
		}
	}
	return dst
}

// nearInteger moves a sub-scale and its minimum by one.
func (g *Grid) nearInteger(dst []Scale, block []byte, j int) []Scale {
	var p Parts
	g.split.Split(&p, block)
	scale, minimum := g.scaling.get(block, j)
	for s := max(scale-1, g.scaling.least); s <= min(scale+1, g.scaling.most); s++ {
		for m := max(minimum-1, 0); m <= min(minimum+1, g.scaling.minimum); m++ {
			if s == scale && m == minimum {
				continue
			}
			p.Scales[j], p.Minima[j] = int8(s), uint8(m)
			x := Scale{scale: uint16(s), minimum: uint16(m)}
			x.Scale, x.Offset = g.split.scaleOf(&p, j)
			dst = append(dst, x)
		}
	}
	return dst
}

// SetScale stores a scale that Near gave for sub-block j of the row.
func (g *Grid) SetScale(row []byte, j int, s Scale) {
	subs := g.Block / g.Sub
	block := row[j/subs*g.bytes:][:g.bytes]
	if g.scaling.set != nil {
		g.scaling.set(block, j%subs, int(int16(s.scale)), int(s.minimum))
		return
	}
	binary.LittleEndian.PutUint16(block, s.scale)
	if g.split.Minima {
		binary.LittleEndian.PutUint16(block[2:], s.minimum)
	}
}
