package codec

import "encoding/binary"

// IQ1_M: super-blocks of 256 elements, 56 bytes. As IQ1_S, with a scale a sub-block of 16 and a shift a group of 8:
//
//	32 bytes  low 8 bits of the grid numbers
//	16 bytes  a nibble a group: 3 high bits of the grid number, 1 for a shift of -1/8
//	 8 bytes  4 uint16: 4x3-bit scales and 4 bits of d, f16, the lowest first

// iq1mShift returns the values of group k for a choice of shifts.
func iq1mShift(shift, k int) *[4]float32 {
	if shift>>(1-k)&1 != 0 {
		return &iq1Minus
	}
	return &iq1Plus
}

func encodeIQ1M(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ1.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 56, encodeIQ1MBlock)
}

func encodeIQ1MBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var (
		scales [16]float32
		shifts [16]int
		index  [16][2]uint16
		w      [superBlock]float32
		scores splitScores
		cost   costs
		order  [16]uint8
		L      [32]uint8
		most   float32
	)
	sigma2 := 2 * sumSquares(x) / superBlock
	squared.weigh(w[:], x, weights, sigma2)
	for b := range scales {
		sub, w := x[16*b:16*b+16], w[16*b:16*b+16]
		if _, m := absMax(sub); m < 1e-7 {
			continue
		}
		sortedOrder(order[:], sub)
		s := scores.search(&order, (*[16]float32)(sub), (*[16]float32)(w))
		if s.shift < 0 {
			continue
		}
		s.levels(L[:], order[:])
		scale, shift := s.scale, s.shift
		if scale < 0 {
			for i, l := range L[:16] {
				L[i] = 2 - l
			}
			scale, shift = -scale, 3-shift
		}
		onGrid := true
		for k := range 2 {
			i, on := iq1Snap(&cost, (*[8]uint8)(L[8*k:]), sub[8*k:], w[8*k:], scale, iq1mShift(shift, k))
			index[b][k] = i
			onGrid = onGrid && on
		}
		if !onGrid {
			var sumqx, sumq2 float32
			for k, i := range index[b] {
				sumqx, sumq2 = iq1Sums(&gridIQ1.points[i], sub[8*k:], w[8*k:], iq1mShift(shift, k), 1, sumqx, sumq2)
			}
			if sumqx > 0 && sumq2 > 0 {
				scale = sumqx / sumq2
			}
		}
		for k, i := range index[b] {
			dst[2*b+k] = uint8(i)
			dst[32+b] |= uint8(i>>8) << (4 * k)
		}
		scales[b], shifts[b] = scale, shift
		most = max(most, scale)
	}
	if most == 0 {
		return
	}
	// The scale of the super-block is fitted once more to the scales as rounded.
	d := most / 15
	var packed [4]uint16
	var sumqx, sumq2 float32
	for b, s := range scales {
		l := oddScale(s, 1/d, 7)
		packed[b/4] |= uint16(l) << (b % 4 * 3)
		for k, i := range index[b] {
			if shifts[b]>>(1-k)&1 != 0 {
				dst[32+b] |= 8 << (4 * k)
			}
			at := 16*b + 8*k
			sumqx, sumq2 = iq1Sums(&gridIQ1.points[i], x[at:], w[at:], iq1mShift(shifts[b], k), float32(2*l+1), sumqx, sumq2)
		}
	}
	if sumq2 > 0 {
		d = sumqx / sumq2
	}
	half := F32ToF16(d * 1.1125) // a correction the reference found by trial
	for i, s := range packed {
		binary.LittleEndian.PutUint16(dst[48+2*i:], s|half>>(4*i)<<12)
	}
}

func decodeIQ1M(dst []float32, src []byte) {
	points := gridIQ1.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[56:] {
		var half uint16
		for i := range 4 {
			half |= binary.LittleEndian.Uint16(src[48+2*i:]) >> 12 << (4 * i)
		}
		d := F16ToF32(half)
		for b := range 16 {
			l := binary.LittleEndian.Uint16(src[48+b/4*2:]) >> (b % 4 * 3) & 7
			scale := float32(d * float32(2*l+1))
			for k := range 2 {
				high := src[32+b] >> (4 * k)
				shift := uint64(high>>3&1) * (4 * oneBit)
				levels := eightLevels(&points[uint(src[2*b+k])|uint(high&7)<<8]) | shift
				putScaled((*[8]float32)(dst[16*b+8*k:]), levels, &iq1Values, scale)
			}
		}
	}
}
