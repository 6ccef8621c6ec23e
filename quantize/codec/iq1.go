package codec

import (
	"encoding/binary"
	"math"
)

// IQ1_S: super-blocks of 256 elements, 50 bytes. Groups of 8 elements are points of a grid of -1, 0, 1; to each
// of them a shift of +1/8 or -1/8 is added, one a sub-block of 32.
//
//	 2        d, f16
//	32 bytes  low 8 bits of the grid numbers
//	16 bytes  a uint16 for each sub-block: 4x3 high bits of grid numbers, a 3-bit scale, 1 for a shift of -1/8

// iq1Plus and iq1Minus are the values of the three levels with either shift.
var (
	iq1Plus  = [4]float32{-0.875, 0.125, 1.125}
	iq1Minus = [4]float32{-1.125, -0.125, 0.875}

	// iq1Values has them one after the other.
	iq1Values = [16]float32{-0.875, 0.125, 1.125, 0, -1.125, -0.125, 0.875}
)

// sortedOrder fills order with the indices of x by ascending value, equal ones in order.
func sortedOrder(order []uint8, x []float32) {
	var keys [32]uint64
	for i, v := range x {
		b := int32(math.Float32bits(v + 0)) // +0 makes -0 equal to 0
		b ^= b >> 31 & 0x7fffffff           // orders as integers do
		key := uint64(uint32(b)^1<<31)<<32 | uint64(i)
		j := i
		for ; j > 0 && keys[j-1&31] > key; j-- {
			keys[j&31] = keys[j-1&31]
		}
		keys[j&31] = key
	}
	for i := range order {
		order[i] = uint8(keys[i&31])
	}
}

// The magnitudes below which sub-blocks are left out.
const tooSmallIQ1S, tooSmallIQ1M = 1e-12, 1e-7

// iq1Snap finds the grid point of 8 levels, and whether it is theirs; otherwise it is the neighbour with the
// least error for the values. cost is scratch space.
func iq1Snap(cost *costs, levels *[8]uint8, x, w []float32, scale float32, values *[4]float32) (index uint16, onGrid bool) {
	var c int32
	for i := 7; i >= 0; i-- {
		c = c*3 + int32(min(levels[i], 2))
	}
	entry := gridIQ1.lookup[c]
	if entry >= 0 {
		return uint16(entry), true
	}
	v0, v1, v2 := scale*values[0], scale*values[1], scale*values[2]
	x, w = x[:8], w[:8]
	for i, v := range x {
		d0, d1, d2 := v0-v, v1-v, v2-v
		cost[4*i] = float32(float32(w[i]*d0) * d0)
		cost[4*i+1] = float32(float32(w[i]*d1) * d1)
		cost[4*i+2] = float32(float32(w[i]*d2) * d2)
	}
	return gridIQ1.cheapest(gridIQ1.around(entry), cost), false
}

// iq1Sums adds what 8 elements give to Σwxq and Σwq² to the sums so far; factor multiplies the values.
func iq1Sums(p *point, x, w []float32, values *[4]float32, factor, sumqx, sumq2 float32) (float32, float32) {
	x, w = x[:8], w[:8]
	for i, l := range p {
		q := float32(values[l&3] * factor)
		wq := float32(w[i] * q)
		sumqx += float32(wq * x[i])
		sumq2 += float32(wq * q)
	}
	return sumqx, sumq2
}

// split is the best way found to cut sorted elements into those of level 0, 1 and 2: from first and from second on.
type split struct {
	first, second int
	shift         int // which shifts; less than 0 while nothing is found
	scale, score  float32
}

// levels stores the level of each element.
func (s *split) levels(L, order []uint8) {
	for j, i := range order {
		l := uint8(2)
		switch {
		case j < s.first:
			l = 0
		case j < s.second:
			l = 1
		}
		L[i&31] = l
	}
}

// splitIQ1S tries every split of 32 elements with both shifts (0 for plus, 1 for minus), by means of prefix sums.
func splitIQ1S(order *[32]uint8, x, w []float32) split {
	const n = 32
	x, w = x[:n], w[:n]
	var sumx, sumw [n + 1]float32
	for j, i := range order {
		i &= 31
		sumx[j+1] = sumx[j] + float32(w[i]*x[i])
		sumw[j+1] = sumw[j] + w[i]
	}
	// What the elements from i on give at level 2.
	var upper [n + 1]struct{ xp, xm, wp, wm float32 }
	for i := range upper {
		dx, dw := sumx[n]-sumx[i], sumw[n]-sumw[i]
		u := &upper[i]
		u.xp, u.xm = float32(dx*iq1Plus[2]), float32(dx*iq1Minus[2])
		u.wp, u.wm = float32(float32(dw*iq1Plus[2])*iq1Plus[2]), float32(float32(dw*iq1Minus[2])*iq1Minus[2])
	}
	best := split{shift: -1, score: -maxFloat32}
	for i1 := range n + 1 {
		sx, sw := sumx[i1], sumw[i1]
		xp, xm := float32(sx*iq1Plus[0]), float32(sx*iq1Minus[0])
		wp, wm := float32(float32(sw*iq1Plus[0])*iq1Plus[0]), float32(float32(sw*iq1Minus[0])*iq1Minus[0])
		for i2 := i1; i2 <= n; i2++ {
			u := &upper[i2]
			mx := float32((sumx[i2] - sx) * 0.125) // the minus shift negates it
			mw := float32((sumw[i2] - sw) * (0.125 * 0.125))
			qx, q2 := xp+mx+u.xp, wp+mw+u.wp
			if q2 > 0 && float32(qx*qx) > float32(best.score*q2) {
				scale := qx / q2
				best = split{i1, i2, 0, scale, float32(scale * qx)}
			}
			qx, q2 = xm-mx+u.xm, wm+mw+u.wm
			if q2 > 0 && float32(qx*qx) > float32(best.score*q2) {
				scale := qx / q2
				best = split{i1, i2, 1, scale, float32(scale * qx)}
			}
		}
	}
	return best
}

// iq1Block is a super-block of IQ1 as fitted: what is stored of it.
type iq1Block struct {
	scales [16]float32 // of sub-blocks, 0 for those that are left out
	index  [32]uint16  // grid points of groups of 8
	minus  uint32      // a bit for each group whose shift is -1/8

	// Of IQ1_M: the scales as rounded, and that of the super-block.
	levels [16]uint8
	d      float32
}

// largest is the largest scale.
func (b *iq1Block) largest() (most float32) {
	for _, s := range b.scales {
		most = max(most, s)
	}
	return most
}

func encodeIQ1S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ1.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 50, encodeIQ1SBlock)
}

func encodeIQ1SBlock(dst []byte, x, weights []float32) {
	var b iq1Block
	fitIQ1S(&b, x, weights)
	packIQ1S(dst, &b)
}

func fitIQ1S(block *iq1Block, x, weights []float32) {
	var (
		w        [32]float32
		order, L [32]uint8
		cost     costs
	)
	sigma2 := 2 * sumSquares(x) / superBlock
	for b := range 8 {
		sub := x[32*b : 32*b+32]
		evenly.weigh(w[:], sub, part(weights, 32*b, 32*b+32), sigma2)
		if _, m := absMax(sub); m < tooSmallIQ1S {
			continue
		}
		sortedOrder(order[:], sub)
		s := splitIQ1S(&order, sub, w[:])
		if s.shift < 0 {
			continue
		}
		s.levels(L[:], order[:])
		scale, values := s.scale, &iq1Plus
		if (scale < 0) != (s.shift == 1) {
			values = &iq1Minus
			block.minus |= 15 << (4 * b)
		}
		if scale < 0 {
			for i, l := range L {
				L[i] = 2 - l
			}
			scale = -scale
		}
		onGrid := true
		index := block.index[4*b : 4*b+4]
		for k := range index {
			i, on := iq1Snap(&cost, (*[8]uint8)(L[8*k:]), sub[8*k:], w[8*k:], scale, values)
			index[k] = i
			onGrid = onGrid && on
		}
		if !onGrid {
			var sumqx, sumq2 float32
			for k, i := range index {
				sumqx, sumq2 = iq1Sums(&gridIQ1.points[i], sub[8*k:], w[8*k:], values, 1, sumqx, sumq2)
			}
			if sumqx > 0 && sumq2 > 0 {
				scale = sumqx / sumq2
			}
		}
		block.scales[b] = scale
	}
}

func packIQ1S(dst []byte, block *iq1Block) {
	clear(dst)
	for k, i := range block.index {
		dst[2+k] = uint8(i)
	}
	most := block.largest()
	d := most / 15
	if most != 0 {
		putF16(dst, d*1.125) // a correction the reference found by trial
	}
	for b, s := range block.scales[:8] {
		var high uint16
		for k, i := range block.index[4*b : 4*b+4] {
			high |= i >> 8 << (3 * k)
		}
		if most != 0 {
			high |= uint16(oddScale(s, 1/d, 7))<<12 | uint16(block.minus>>(4*b)&1)<<15
		}
		binary.LittleEndian.PutUint16(dst[34+2*b:], high)
	}
}

func decodeIQ1S(dst []float32, src []byte) {
	points := gridIQ1.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[50:] {
		d := getF16(src)
		for b := range 8 {
			high := binary.LittleEndian.Uint16(src[34+2*b:])
			scale := float32(d * float32(2*(high>>12&7)+1))
			shift := uint64(high>>15) * (4 * oneBit)
			q, y := (*[4]uint8)(src[2+4*b:]), (*[32]float32)(dst[32*b:])
			for k := range 4 {
				putScaled((*[8]float32)(y[8*k:]), eightLevels(&points[uint(q[k])|uint(high&7)<<8])|shift, &iq1Values, scale)
				high >>= 3
			}
		}
	}
}
