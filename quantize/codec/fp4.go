package codec

import "math"

// MXFP4 and NVFP4: 4-bit floats (E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives) with 8-bit scales.
// Importance weights are not used. MXFP4 is that of the OCP Microscaling Formats specification 1.0.
//
// MXFP4: blocks of 32 elements, 17 bytes: the scale as a power of two (E8M0), and 16 bytes of codes as in Q4_0.
//
// NVFP4: blocks of 64 elements, 36 bytes: 4 scales (UE4M3: 4 bits of exponent, 3 of mantissa), one for every
// 16 elements, and 32 bytes of codes; within 16 elements j and j+8 share a byte.

// fp4Values are doubled, and e8m0 and ue4m3 halved, as ggml computes with them.
var fp4Values = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// e8m0 is half of 2^(e-127).
func e8m0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// ue4m3 holds half of each scale; 0x7f, the NaN of the format, counts as 0.
var ue4m3 = func() (t [256]float32) {
	for i := range t {
		exp, man := i>>3&15, float64(i&7)
		if exp == 0 {
			t[i] = float32(math.Ldexp(man, -10))
		} else {
			t[i] = float32(math.Ldexp(1+man/8, exp-8))
		}
	}
	t[0x7f] = 0
	return t
}()

// toUE4M3 rounds as ggml does: halves go up, and all that would have the highest exponent becomes 448.
func toUE4M3(v float32) uint8 {
	switch {
	case !(v > 0):
		return 0
	case v >= 0x1p-6:
		// Normal: round at bit 20 of the bits, and move the exponent's bias from 127 to 7.
		b := (math.Float32bits(v)+1<<19)>>20 - 120<<3
		if b >= 0x78 {
			return 0x7e
		}
		return uint8(b)
	}
	return uint8(min(int32(float32(v*512)+0.5), 7))
}

// exponent is floor(log2(v)) where the logarithm is rounded to float32 first, as in the reference: just below a
// power of two it may round up to it. v > 0.
func exponent(v float32) int32 {
	b := math.Float32bits(v)
	if b >= 1<<23 && b&0x7fffff < 0x7fff00 {
		return int32(b>>23) - 127
	}
	return int32(math.Floor(float64(float32(math.Log2(float64(v))))))
}

// fp4Borders are the bits of the middles between the magnitudes, for the halved scale d.
type fp4Borders [7]uint32

func (t *fp4Borders) set(d float32) {
	for i := range t {
		// Exact: the sum has 4 bits, d at most 4.
		t[i] = math.Float32bits((fp4Values[i] + fp4Values[i+1]) * 0.5 * d)
	}
}

// code is the nearest value's, of two as near the smaller. It counts the borders below |v| without branches:
// floats of one sign compare as their bits do. (From 2^24*d on all errors round alike and the reference falls
// back to 0; here it stays the largest value.)
func (t *fp4Borders) code(v float32) uint8 {
	b := math.Float32bits(v)
	a := b &^ (1 << 31)
	n := (t[0]-a)>>31 + (t[1]-a)>>31 + (t[2]-a)>>31 + (t[3]-a)>>31 + (t[4]-a)>>31 + (t[5]-a)>>31 + (t[6]-a)>>31
	return uint8(n | b>>31&(-n>>31)<<3) // zero has no negative
}

func encodeMXFP4(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 32, 17, func(dst []byte, x, _ []float32) {
		_, magnitude := absMax(x)
		var e uint8
		if magnitude > 0 {
			e = uint8(exponent(magnitude) - 2 + 127) // wraps below 2^-125, where all codes are 0
		}
		dst[0] = e
		var t fp4Borders
		t.set(e8m0(e))
		q := dst[1:17]
		for j := range q {
			q[j] = t.code(x[j]) | t.code(x[j+16])<<4
		}
	})
}

func decodeMXFP4(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[17:] {
		d := e8m0(src[0])
		y := dst[:32]
		for j, b := range src[1:17] {
			y[j] = fp4Values[b&15] * d
			y[j+16] = fp4Values[b>>4] * d
		}
	}
}

func encodeNVFP4(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 64, 36, func(dst []byte, x, _ []float32) {
		for s := range 4 {
			sub := x[16*s : 16*s+16]
			_, magnitude := absMax(sub)
			dst[s] = toUE4M3(magnitude / 6)
			q := dst[4+8*s : 12+8*s]
			d := ue4m3[dst[s]]
			if d == 0 {
				clear(q)
				continue
			}
			var t fp4Borders
			t.set(d)
			for j := range q {
				q[j] = t.code(sub[j]) | t.code(sub[j+8])<<4
			}
		}
	})
}

func decodeNVFP4(dst []float32, src []byte) {
	for ; len(dst) >= 64; dst, src = dst[64:], src[36:] {
		for s := range 4 {
			d := ue4m3[src[s]]
			y := dst[16*s : 16*s+16]
			for j, b := range src[4+8*s : 12+8*s] {
				y[j] = fp4Values[b&15] * d
				y[j+8] = fp4Values[b>>4] * d
			}
		}
	}
}
