package codec

import "encoding/binary"

// IQ3_XXS and IQ3_S: super-blocks of 256 elements. Groups of 4 magnitudes are points of a grid with the values
// 1, 3, ... 15.
//
// IQ3_XXS, 98 bytes: f16 d, 64 grid numbers of 8 bits, then for each 32 elements a uint32 with 4x7 sign bits,
// one a 8 elements, and a 4-bit scale.
//
// IQ3_S, 110 bytes: f16 d, the low 8 bits of 64 grid numbers, their ninth bits in 8 bytes, 32 bytes of signs,
// 4 bytes of 4-bit scales, one a 32 elements.

// The values of the levels when decoded. Those of IQ3_XXS are 4 times the odd numbers but for the last.
var (
	iq3xxsValues = [8]float32{4, 12, 20, 28, 36, 44, 52, 62}
	iq3sValues   = [8]float32{1, 3, 5, 7, 9, 11, 13, 15}

	iq3xxsSigned = withNegatives(iq3xxsValues)
	iq3sSigned   = withNegatives(iq3sValues)
)

// iq3Fit is the search for one sub-block of 32 elements: x ≈ scale * (1, 3, ... or 15), a grid point for each 4.
type iq3Fit struct {
	x      [32]float32 // magnitudes
	weight [32]float32
	root   [32]float32 // square roots of the weights
	wx     [32]float32 // weight * x
	signs  [4]uint8
	index  [8]uint16 // grid points found
	ladder ladder
}

func (f *iq3Fit) prepare() {
	for i, w := range f.weight {
		f.root[i] = sqrt(w)
		f.wx[i] = float32(w * f.x[i])
	}
}

// sums returns Σwxq and Σwq² of the points.
func (f *iq3Fit) sums(points []point, index *[8]uint16) (sumqx, sumq2 float32) {
	for k, n := range index {
		p := &points[n]
		w, wx := (*[4]float32)(f.weight[4*k:]), (*[4]float32)(f.wx[4*k:])
		for i := range 4 {
			q := iq3sValues[p[i]&7]
			sumqx += float32(wx[i] * q)
			sumq2 += float32(float32(w[i]*q) * q)
		}
	}
	return sumqx, sumq2
}

// snap returns the grid point for the lattice point of group k with this code, and whether it is on the grid;
// otherwise it is the neighbour with the least error, values being the levels times the scale.
func (f *iq3Fit) snap(g *grid, k int, code uint16, values *[8]float32) (index uint16, onGrid bool) {
	entry := g.lookup[code]
	if entry >= 0 {
		return uint16(entry), true
	}
	x, root := (*[4]float32)(f.x[4*k:]), (*[4]float32)(f.root[4*k:])
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	w0, w1, w2, w3 := root[0], root[1], root[2], root[3]
	list := g.around(entry)
	best, at := maxFloat32, list[0]
	points := g.points
	for _, n := range list {
		p := &points[n]
		diff := values[p[0]&7] - x0
		d := float32(float32(w0*diff) * diff)
		diff = values[p[1]&7] - x1
		d += float32(float32(w1*diff) * diff)
		diff = values[p[2]&7] - x2
		d += float32(float32(w2*diff) * diff)
		diff = values[p[3]&7] - x3
		d += float32(float32(w3*diff) * diff)
		if d < best {
			best, at = d, n
		}
	}
	return at, false
}

// search tries the inverse scales (15 + 0.2*t)/most for t = -tries..tries, keeps the points that correlate best,
// finds those off the grid again with the scale that resulted, and returns the scale. IQ3_S (all) counts every
// point as off the grid until a try succeeds and finds all again when one is.
func (f *iq3Fit) search(g *grid, most float32, tries int, all bool) float32 {
	f.prepare()
	f.ladder.fill(g, f.x[:], most, 0.2, tries)
	points := g.points
	f.index = [8]uint16{} // point 0 of each IQ3 grid is all ones
	off := [8]bool{all}
	scale := most / 15
	var best float32
	var index, code [8]uint16
	var tryOff [8]bool
	for t := range 2*tries + 1 {
		values := scaledLevels(1/f.ladder.inverse[t], &iq3sValues)
		changed := t == 0
		for k, r := range f.ladder.rise[t] {
			code[k] += r
			i, on := f.snap(g, k, code[k], &values)
			if i != index[k] || on == tryOff[k] {
				index[k], tryOff[k] = i, !on
				changed = true
			}
		}
		if !changed {
			continue
		}
		sumqx, sumq2 := f.sums(points, &index)
		if sumq2 > 0 && float32(sumqx*sumqx) > float32(best*sumq2) {
			scale = sumqx / sumq2
			best = float32(scale * sumqx)
			f.index, off = index, tryOff
		}
	}
	if scale > 0 && off != [8]bool{} {
		inverse := 1 / scale
		values := scaledLevels(scale, &iq3sValues)
		for k := range f.index {
			if all || off[k] {
				var c uint16
				for i := 3; i >= 0; i-- {
					c = c<<3 | uint16(oddLevel(f.x[4*k+i], inverse, 7))
				}
				f.index[k], _ = f.snap(g, k, c, &values)
			}
		}
		if sumqx, sumq2 := f.sums(points, &f.index); sumq2 > 0 {
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

// weighOrSquare is weigh, with weights x² where w is nil.
func weighOrSquare(dst, x, w []float32, sigma2 float32) {
	if w != nil {
		weigh(dst, x, w, sigma2)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = float32(v * v)
	}
}

func encodeIQ3XXS(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ3XXS.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 98, encodeIQ3XXSBlock)
}

func encodeIQ3XXSBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var f iq3Fit
	var scales [8]float32
	var most float32
	sigma2 := 2 * sumSquares(x) / superBlock
	for b := range scales {
		sub := x[32*b : 32*b+32]
		weighOrSquare(f.weight[:], sub, part(weights, 32*b, 32*b+32), sigma2)
		for k := range f.signs {
			f.signs[k] = splitEvenSigns(f.x[8*k:], sub[8*k:], f.weight[8*k:])
		}
		m := greatest(f.x[:])
		if m < 1e-8 {
			continue
		}
		scale := f.search(gridIQ3XXS, m, 15, false)
		scales[b] = scale
		most = max(most, scale)
		for k, i := range f.index {
			dst[2+8*b+k] = uint8(i)
		}
		var signs uint32
		for k, s := range f.signs {
			signs |= uint32(s&127) << (7 * k)
		}
		binary.LittleEndian.PutUint32(dst[66+4*b:], signs)
	}
	if most == 0 {
		clear(dst)
		return
	}
	d := most / 31
	putF16(dst, d*1.0125) // a correction the reference found by trial
	for b, s := range scales {
		dst[66+4*b+3] |= uint8(oddScale(s, 1/d, 15) << 4)
	}
}

func decodeIQ3XXS(dst []float32, src []byte) {
	points := gridIQ3XXS.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[98:] {
		d := getF16(src)
		for b := range 8 {
			high := binary.LittleEndian.Uint32(src[66+4*b:])
			scale := float32(d*(0.5+float32(high>>28))) * 0.5
			q, y := (*[8]uint8)(src[2+8*b:]), (*[32]float32)(dst[32*b:])
			for k := range 4 {
				levels := twiceFour(&points[q[2*k]], &points[q[2*k+1]]) | evenSignLevels(high)
				putScaled((*[8]float32)(y[8*k:]), levels, &iq3xxsSigned, scale)
				high >>= 7
			}
		}
	}
}

func encodeIQ3S(dst []byte, src []float32, cols int, weights []float32) {
	gridIQ3S.searchable()
	eachBlock(dst, src, cols, weights, superBlock, 110, encodeIQ3SBlock)
}

func encodeIQ3SBlock(dst []byte, x, weights []float32) {
	clear(dst)
	var f iq3Fit
	var scales [8]float32
	var most float32
	// Kept for the same bytes: the reference does not skip the place of an all-zero sub-block, so the grid numbers
	// and signs of those after it are stored one place early, where no decoder looks for them.
	place := 0
	sigma2 := 2 * sumSquares(x) / superBlock
	for b := range scales {
		sub := x[32*b : 32*b+32]
		weighOrSquare(f.weight[:], sub, part(weights, 32*b, 32*b+32), sigma2)
		for k := range f.signs {
			f.signs[k] = splitSigns(f.x[8*k:], sub[8*k:])
		}
		m := greatest(f.x[:])
		if m == 0 {
			continue
		}
		scale := f.search(gridIQ3S, m, 9, true)
		scales[b] = scale
		most = max(most, scale)
		for k, i := range f.index {
			dst[2+8*place+k] = uint8(i)
			dst[66+b] |= uint8(i>>8) << k
		}
		copy(dst[74+4*place:], f.signs[:])
		place++
	}
	if most == 0 {
		return
	}
	d := most / 31
	putF16(dst, d*1.033) // a correction the reference found by trial
	for b, s := range scales {
		dst[106+b/2] |= uint8(oddScale(s, 1/d, 15) << (b % 2 * 4))
	}
}

func decodeIQ3S(dst []float32, src []byte) {
	points := gridIQ3S.expanded()
	for ; len(dst) >= superBlock; dst, src = dst[superBlock:], src[110:] {
		d := getF16(src)
		for b := range 8 {
			scale := float32(d * float32(1+2*(src[106+b/2]>>(b%2*4)&15)))
			high := uint(src[66+b]) << 8
			q, signs, y := (*[8]uint8)(src[2+8*b:]), (*[4]uint8)(src[74+4*b:]), (*[32]float32)(dst[32*b:])
			for k := range 4 {
				p0, p1 := &points[uint(q[2*k])|high&256], &points[uint(q[2*k+1])|high>>1&256]
				putScaled((*[8]float32)(y[8*k:]), twiceFour(p0, p1)|signLevels[signs[k]], &iq3sSigned, scale)
				high >>= 2
			}
		}
	}
}
