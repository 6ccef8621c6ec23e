package kernel

import (
	"encoding/binary"

	"github.com/carat-llm/carat/quantize/codec"
)

// unpackGeneric is the specification of tier.unpack: dst gets the codes of blocks of 32 columns, 512 bytes each, group by
// group; codes of at most 4 bits are looked up when table is not nil.
func unpackGeneric(dst, planes []byte, blocks, bits int, table *[16]uint8) {
	for b := range blocks {
		out, in := dst[512*b:][:512], planes[vectorBytes*bits*b:][:vectorBytes*bits]
		for g := range 8 {
			for i := range 16 {
				v := groupCodes(in[4*i:], g, bits)
				if table != nil {
					v = uint32(table[v&15]) | uint32(table[v>>8&15])<<8 | uint32(table[v>>16&15])<<16 | uint32(table[v>>24&15])<<24
				}
				binary.LittleEndian.PutUint32(out[64*g+4*i:], v)
			}
		}
	}
}

// groupCodes returns the four codes of a row in group g.
func groupCodes(planes []byte, g, bits int) (v uint32) {
	get := func(i int) uint32 { return binary.LittleEndian.Uint32(planes[i*vectorBytes:]) }
	if bits == 8 {
		return get(g)
	}
	plane, low := 0, 0
	if bits >= 4 {
		v = get(g%4) >> (g / 4 * 4) & 0x0f0f0f0f
		plane, low = 4, 4
	}
	if bits&2 != 0 {
		v |= get(plane+g%2) >> (g / 2 * 2) & 0x03030303 << low
		plane, low = plane+2, low+2
	}
	if bits&1 != 0 {
		v |= get(plane) >> g & 0x01010101 << low
	}
	return v
}

// widenGeneric is the specification of tier.widen: it turns the codes of blocks of 32 columns into words, level times
// sub-scale, the pairs 0 2 and 1 3 of each group one behind the other. scales is nil for formats without.
func widenGeneric(words []int16, codes []byte, blocks, offset int, scales []byte, sub int) {
	for b := range blocks {
		for g := range 8 {
			for r := range panelRows {
				q := codes[512*b+64*g+4*r:][:4]
				scale := 1
				if scales != nil {
					scale = int(int8(scales[(b*blockCols+4*g)/sub*panelRows+r]))
				}
				for i, c := range q {
					words[512*b+64*g+32*(i%2)+2*r+i/2] = int16((int(c) - offset) * scale)
				}
			}
		}
	}
}

// halvesGeneric is the specification of tier.halves: dst gets n times 16 halves as float32, times factor.
func halvesGeneric(dst []float32, src []byte, n int, bf16 bool, factor float32) {
	for i := range n * panelRows {
		h := binary.LittleEndian.Uint16(src[2*i:])
		if bf16 {
			dst[i] = codec.BF16ToF32(h)
		} else {
			dst[i] = float32(codec.F16ToF32(h) * factor)
		}
	}
}

// subScalesGeneric is the specification of tier.subScales: dst gets n times 16 sub-scales times d, which holds for per of
// them; scales is nil for ones.
func subScalesGeneric(dst, d []float32, scales []byte, n, per int) {
	for i := range n * panelRows {
		v := d[i/panelRows/per*panelRows+i%panelRows]
		if scales != nil {
			v = float32(v * float32(int8(scales[i])))
		}
		dst[i] = v
	}
}

// subMinimaGeneric is the specification of tier.subMinima: dst gets n times 16 minima times min, negated.
func subMinimaGeneric(dst, min []float32, minima []byte, n, per int) {
	for i := range n * panelRows {
		dst[i] = -float32(min[i/panelRows/per*panelRows+i%panelRows] * float32(minima[i]))
	}
}
