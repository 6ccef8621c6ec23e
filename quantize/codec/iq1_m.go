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
	var block iq1Block
	var w [superBlock]float32
	squared.weigh(w[:], x, weights, 2*sumSquares(x)/superBlock)
	fitIQ1M(&block, x, w[:])
	block.roundIQ1M()
	var sumqx, sumq2 float32
	for k, i := range block.index {
		sumqx, sumq2 = iq1Sums(&gridIQ1.points[i], x[8*k:], w[8*k:], block.values(k), float32(2*block.levels[k/2]+1), sumqx, sumq2)
	}
	block.refitIQ1M(sumqx, sumq2)
	packIQ1M(dst, &block)
}

// values are those of group k.
func (b *iq1Block) values(k int) *[4]float32 {
	if b.minus>>k&1 != 0 {
		return &iq1Minus
	}
	return &iq1Plus
}

// fitIQ1M fits a super-block, w being the weights of its elements.
func fitIQ1M(block *iq1Block, x, w []float32) {
	var (
		scores splitScores
		cost   costs
		order  [16]uint8
		L      [16]uint8
	)
	for b := range block.scales {
		sub, w := x[16*b:16*b+16], w[16*b:16*b+16]
		if _, m := absMax(sub); m < tooSmallIQ1M {
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
			for i, l := range L {
				L[i] = 2 - l
			}
			scale, shift = -scale, 3-shift
		}
		block.minus |= uint32(shift>>1|shift&1<<1) << (2 * b)
		onGrid := true
		index := block.index[2*b : 2*b+2]
		for k := range index {
			i, on := iq1Snap(&cost, (*[8]uint8)(L[8*k:]), sub[8*k:], w[8*k:], scale, iq1mShift(shift, k))
			index[k] = i
			onGrid = onGrid && on
		}
		if !onGrid {
			var sumqx, sumq2 float32
			for k, i := range index {
				sumqx, sumq2 = iq1Sums(&gridIQ1.points[i], sub[8*k:], w[8*k:], iq1mShift(shift, k), 1, sumqx, sumq2)
			}
			if sumqx > 0 && sumq2 > 0 {
				scale = sumqx / sumq2
			}
		}
		block.scales[b] = scale
	}
}

// roundIQ1M rounds the scales.
func (b *iq1Block) roundIQ1M() {
	b.d = b.largest() / 15
	for i, s := range b.scales {
		b.levels[i] = uint8(oddScale(s, 1/b.d, 7))
	}
}

// refitIQ1M fits the scale of the super-block once more, to the scales as rounded.
func (b *iq1Block) refitIQ1M(sumqx, sumq2 float32) {
	if sumq2 > 0 {
		b.d = sumqx / sumq2
	}
}

func packIQ1M(dst []byte, block *iq1Block) {
	clear(dst)
	for k, i := range block.index {
		dst[k] = uint8(i)
		dst[32+k/2] |= uint8(i>>8) << (k % 2 * 4)
	}
	if block.largest() == 0 {
		return
	}
	for k := range block.index {
		dst[32+k/2] |= uint8(block.minus>>k&1) << (k%2*4 + 3)
	}
	half := F32ToF16(block.d * 1.1125) // a correction the reference found by trial
	for i := range 4 {
		packed := half >> (4 * i) << 12
		for j, l := range block.levels[4*i : 4*i+4] {
			packed |= uint16(l) << (3 * j)
		}
		binary.LittleEndian.PutUint16(dst[48+2*i:], packed)
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
