package codec

import "encoding/binary"

// IQ2_XXS and IQ2_XS: super-blocks of 256 elements. Groups of 8 magnitudes are points of a grid with the values
// 1, 3, 5 (8, 25, 43 when decoded, which fits better), the signs of a group take 7 bits.
//
// IQ2_XXS, 66 bytes: f16 d, then for each 32 elements 4 grid numbers of 8 bits and a uint32 with 4x7 sign
// bits and a 4-bit scale.
//
// IQ2_XS, 74 bytes: f16 d, 32 uint16 with 9 bits of grid number and 7 of signs, 16 4-bit scales, one a 16 elements.

// iq2Values are what the levels decode to, and their negatives.
var iq2Values = withNegatives([8]float32{8, 25, 43})

// iq2Fit is the search for one sub-block of n*8 elements: x ≈ scale * (1, 3 or 5), a grid point a group.
type iq2Fit struct {
	x      [32]float32 // magnitudes
	weight [32]float32
	root   [32]float32 // square roots of the weights
	signs  [4]uint8
	index  [4]uint16 // grid points found

	// What each level of each element adds to Σwxq and Σwq².
	wxq, wqq [4 * 32]float32
	ladder   ladder
	cost     costs
}

// prepare fills the tables that sums reads.
func (f *iq2Fit) prepare(n int) {
	for i, w := range f.weight[:8*n] {
		f.root[i] = sqrt(w)
		wx := float32(w * f.x[i])
		t, s := f.wxq[4*i:4*i+3], f.wqq[4*i:4*i+3]
		t[0], t[1], t[2] = wx, float32(wx*3), float32(wx*5)
		s[0], s[1], s[2] = w, float32(float32(w*3)*3), float32(float32(w*5)*5)
	}
}

// sums returns Σwxq and Σwq² of the points.
func (f *iq2Fit) sums(points []point, index *[4]uint16, n int) (sumqx, sumq2 float32) {
	for k := range n {
		p := &points[index[k&3]]
		t, s := (*[32]float32)(f.wxq[32*k:]), (*[32]float32)(f.wqq[32*k:])
		e0 := 0 + (p[0] & 3)
		sumqx += t[e0]
		sumq2 += s[e0]
		e1 := 4 + (p[1] & 3)
		sumqx += t[e1]
		sumq2 += s[e1]
		e2 := 8 + (p[2] & 3)
		sumqx += t[e2]
		sumq2 += s[e2]
		e3 := 12 + (p[3] & 3)
		sumqx += t[e3]
		sumq2 += s[e3]
		e4 := 16 + (p[4] & 3)
		sumqx += t[e4]
		sumq2 += s[e4]
		e5 := 20 + (p[5] & 3)
		sumqx += t[e5]
		sumq2 += s[e5]
		e6 := 24 + (p[6] & 3)
		sumqx += t[e6]
		sumq2 += s[e6]
		e7 := 28 + (p[7] & 3)
		sumqx += t[e7]
		sumq2 += s[e7]
	}
	return sumqx, sumq2
}

// snap returns the grid point for the lattice point of group k with this code, and whether it is on the grid;
// otherwise it is the neighbour with the least error at scale.
func (f *iq2Fit) snap(g *grid, k int, code uint16, scale float32) (index uint16, onGrid bool) {
	entry := g.lookup[code]
	if entry >= 0 {
		return uint16(entry), true
	}
	x, root := (*[8]float32)(f.x[8*k:]), (*[8]float32)(f.root[8*k:])
	cost := &f.cost
	s3, s5 := float32(scale*3), float32(scale*5)
	for i, v := range x {
		w := root[i]
		d1, d3, d5 := scale-v, s3-v, s5-v
		cost[4*i] = float32(float32(w*d1) * d1)
		cost[4*i+1] = float32(float32(w*d3) * d3)
		cost[4*i+2] = float32(float32(w*d5) * d5)
	}
	return g.cheapest(g.around(entry), cost), false
}

// search tries the inverse scales (5 + 0.1*t)/most for t = -tries..tries, keeps the points that correlate best,
// finds those off the grid again with the scale that resulted (all says every point), and returns the scale.
// Where nothing beats scale, it is returned.
func (f *iq2Fit) search(g *grid, n int, scale, most float32, tries int, all bool) float32 {
	f.prepare(n)
	f.ladder.fill(g, f.x[:8*n], most, 0.1, tries)
	points := g.points
	f.index = [4]uint16{} // point 0 of each IQ2 grid is all ones
	var off, tryOff [4]bool
	var index [4]uint16
	var code [4]uint16
	var best float32
	for t := range 2*tries + 1 {
		this := 1 / f.ladder.inverse[t]
		changed := t == 0
		for k := range n {
			k &= 3
			code[k] += f.ladder.rise[t][k]
			i, on := f.snap(g, k, code[k], this)
			if i != index[k] || on == tryOff[k] {
				index[k], tryOff[k] = i, !on
				changed = true
			}
		}
		if !changed {
			continue
		}
		sumqx, sumq2 := f.sums(points, &index, n)
		if sumq2 > 0 && float32(sumqx*sumqx) > float32(best*sumq2) {
			scale = sumqx / sumq2
			best = float32(scale * sumqx)
			f.index, off = index, tryOff
		}
	}
	if scale > 0 && (all || off != [4]bool{}) {
		inverse := 1 / scale
		for k := range n {
			if all || off[k&3] {
				var c uint16
				for i := 7; i >= 0; i-- {
					c = c*3 + uint16(oddLevel(f.x[8*k+i], inverse, 2))
				}
				f.index[k&3], _ = f.snap(g, k, c, scale)
			}
		}
		if sumqx, sumq2 := f.sums(points, &f.index, n); sumq2 > 0 {
			scale = sumqx / sumq2
		}
	}
	if scale < 0 {
		for k := range f.signs {
			f.signs[k] = ^f.signs[k]
		}
		return -scale
	}
	return scale
}

// weighColumns is weigh where every column may weigh the same (w nil).
func weighColumns(dst, x, w []float32, sigma2 float32) {
	if w != nil {
		weigh(dst, x, w, sigma2)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = sqrt(sigma2 + float32(v*v))
	}
}

// part is w[from:to], nil when w is.
func part(w []float32, from, to int) []float32 {
	if w == nil {
		return nil
	}
	return w[from:to]
}

func encodeIQ2XXS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2XXS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 66, encodeIQ2XXSBlock)
}

func encodeIQ2XXSBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var f iq2Fit
	var scales [8]float32
	var most float32
	sigma2 := sumSquares(x) / superBlock
	for b := range scales {
		sub := x[32*b : 32*b+32]
		weighColumns(f.weight[:], sub, part(weights, 32*b, 32*b+32), sigma2)
		for k := range f.signs {
			f.signs[k] = splitEvenSigns(f.x[8*k:], sub[8*k:], f.weight[8*k:])
		}
		if greatest(f.x[:]) < tooSmall {
			continue
		}
		var L [32]uint8
		scale := searchPositive(4, f.x[:], L[:], f.weight[:])
		if scale*3 <= 0 {
			continue
		}
		scale = f.search(gridIQ2XXS, 4, scale, scale*3, 6, true)
		scales[b] = scale
		most = max(most, scale)
		packed := dst[2+8*b:]
		var signs uint32
		for k, i := range f.index {
			packed[k] = uint8(i)
			signs |= uint32(f.signs[k]&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(packed[4:], signs)
	}
	if most == 0 {
		clear(dst)
		return
	}
	d := most / 31
	putF16(dst, d)
	for b, s := range scales {
		dst[2+8*b+7] |= uint8(oddScale(s, 1/d, 15) << 4)
	}
}

func decodeIQ2XXS(dst []float32, src []byte) {
	points := gridIQ2XXS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[66:] {
		d := getF16(src)
		for b := range 8 {
			q := src[2+8*b:][:8]
			high := binary.LittleEndian.Uint32(q[4:])
			scale := float32(d*(0.5+float32(high>>28))) * 0.25
			y := (*[32]float32)(dst[32*b:])
			for k := range 4 {
				putScaled((*[8]float32)(y[8*k:]), eightLevels(&points[q[k]])|evenSignLevels(high), &iq2Values, scale)
				high >>= 7
			}
		}
	}
}

func encodeIQ2XS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ2XS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 74, encodeIQ2XSBlock)
}

func encodeIQ2XSBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var f iq2Fit
	var scales [16]float32
	var most float32
	sigma2 := sumSquares(x) / superBlock
	for b := range scales {
		sub := x[16*b : 16*b+16]
		weighColumns(f.weight[:16], sub, part(weights, 16*b, 16*b+16), sigma2)
		for k := range 2 {
			f.signs[k] = splitEvenSigns(f.x[8*k:], sub[8*k:], f.weight[8*k:])
		}
		m := greatest(f.x[:16])
		if m < tooSmall {
			continue
		}
		scale := f.search(gridIQ2XS, 2, m/5, m, 9, false)
		scales[b] = scale
		most = max(most, scale)
		for k := range 2 {
			binary.LittleEndian.PutUint16(dst[2+4*b+2*k:], f.index[k]|uint16(f.signs[k]&127)<<9)
		}
	}
	if most == 0 {
		clear(dst)
		return
	}
	d := most / 31
	putF16(dst, d)
	for b, s := range scales {
		dst[66+b/2] |= uint8(oddScale(s, 1/d, 15) << (b % 2 * 4))
	}
}

func decodeIQ2XS(dst []float32, src []byte) {
	points := gridIQ2XS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[74:] {
		d := getF16(src)
		for b := range 16 {
			scale := float32(d*(0.5+float32(src[66+b/2]>>(b%2*4)&15))) * 0.25
			q, y := binary.LittleEndian.Uint32(src[2+4*b:]), (*[16]float32)(dst[16*b:])
			putScaled((*[8]float32)(y[:8]), eightLevels(&points[q&511])|evenSignLevels(q>>9), &iq2Values, scale)
			putScaled((*[8]float32)(y[8:]), eightLevels(&points[q>>16&511])|evenSignLevels(q>>25), &iq2Values, scale)
		}
	}
}
