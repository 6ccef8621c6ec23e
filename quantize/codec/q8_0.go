package codec

import "math"

// Q8_0: blocks of 32 int8 with one f16 scale. Importance weights are not used.

func encodeQ8_0(dst []byte, src []float32, cols int, _ []float32) {
	eachBlock(dst, src, cols, nil, 32, 34, func(dst []byte, x, _ []float32) {
		_, magnitude := absMax(x)
		d := magnitude / 127
		id := inverse(d)
		putF16(dst, d)
		q := dst[2:34]
		if !moderate(magnitude * id) {
			for j, v := range x {
				q[j] = uint8(int8(roundAway(float32(v * id))))
			}
			return
		}
		for j, v := range x {
			// What is added is the float32 just below a half, with the sign of v: truncation then rounds half away
			// from zero, exactly, where adding a half would itself round up.
			v = float32(v * id)
			q[j] = uint8(int32(v + math.Float32frombits(math.Float32bits(v)&(1<<31)|0x3effffff)))
		}
	})
}

// moderate says that the largest quotient of a block fits an int32 by far, so that conversions need no check:
// all but blocks whose scale is subnormal.
func moderate(quotient float32) bool { return quotient < 1<<20 && quotient > -1<<20 }

// roundAway rounds half away from zero, as C's roundf does; |v| is at most 127 and a bit.
func roundAway(v float32) int32 {
	t := truncate(v)
	switch rest := v - float32(t); {
	case rest >= 0.5:
		return t + 1
	case rest <= -0.5:
		return t - 1
	}
	return t
}

func decodeQ8_0(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[34:] {
		d := getF16(src)
		y := dst[:32]
		for j, b := range src[2:34] {
			y[j] = float32(int8(b)) * d
		}
	}
}
