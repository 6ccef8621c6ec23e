package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Kernels of AVX2 hold the 16 rows of a panel in two registers, the lower eight rows and the upper. Of the 16 registers
// sums take two a column; the results stay in memory, where each block adds to them.

var y = [16]reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

// The widths of tiles.
const (
	narrowestAVX2   = 4 // of wide
	widestAVX2      = 6
	narrowWidthAVX2 = 4
)

func tablesAVX2() string {
	text := tablesBytes()
	for _, t := range []string{"AVX2", "AVXVNNI"} {
		text += table("narrow", t, narrowForms, 1, narrowWidthAVX2) + table("wide", t, wideForms, narrowestAVX2, widestAVX2)
	}
	return text
}

func tilesAVX2(c *build.Context)    { tilesInHalves(c, "AVX2") }
func tilesAVXVNNI(c *build.Context) { tilesInHalves(c, "AVXVNNI") }

func tilesInHalves(c *build.Context, tier string) {
	for _, f := range narrowForms {
		for w := 1; w <= narrowWidthAVX2; w++ {
			(&kernel{Context: c, tier: tier, form: f, width: w}).narrowHalves()
		}
	}
	for _, f := range wideForms {
		for w := narrowestAVX2; w <= widestAVX2; w++ {
			(&kernel{Context: c, tier: tier, form: f, width: w}).wideHalves()
		}
	}
}

// groups writes body for some groups, with first set for the first one if it is that of the sums. body gets where its codes
// and activations are, of which a group has so many bytes.
func (k *kernel) groups(n, codes, x int, first bool, body func(codes, x int, first bool)) {
	for i := range n {
		body(i*codes, i*x, first && i == 0)
	}
	k.ADDQ(operand.I32(n*codes), k.codes)
	for _, r := range k.x {
		if r != nil {
			k.ADDQ(operand.I32(n*x), r)
		}
	}
}

// repeat writes a loop of n rounds.
func (k *kernel) repeat(n int, body func()) {
	left, label := k.GP64(), fmt.Sprintf("loop%d", k.loops)
	k.loops++
	k.MOVQ(operand.I32(n), left)
	k.Label(label)
	body()
	k.DECQ(left)
	k.JNZ(operand.LabelRef(label))
}

// multiply adds the products of the words a and b, in pairs, to sum, which is 0 when this is the first; t is free and may
// be b.
func (k *kernel) multiply(first bool, a, b, t, sum reg.VecPhysical) {
	switch {
	case k.tier == "AVXVNNI":
		if first {
			k.VPXOR(sum, sum, sum)
		}
		dotProduct(k.Context, wordsVNNI, a, b, sum)
	case first:
		k.VPMADDWD(a, b, sum)
	default:
		k.VPMADDWD(a, b, t)
		k.VPADDD(t, sum, sum)
	}
}

// addHalves adds the sums, as float32, times the scales at d and the activations' to the results, and the minima when
// there are and this is the last of the block. x and t are free.
func (k *kernel) addHalves(sums []reg.VecPhysical, d int, last bool, x, t reg.VecPhysical) {
	acc := k.GP64()
	k.MOVQ(operand.Mem{Base: k.args}, acc)
	for c := range k.width {
		low, high := sums[2*c], sums[2*c+1]
		k.VCVTDQ2PS(low, low)
		k.VCVTDQ2PS(high, high)
		k.VBROADCASTSS(operand.Mem{Base: k.xs, Disp: 4 * c}, x)
		k.VMULPS(operand.Mem{Base: k.d, Disp: d}, x, t)
		k.VMULPS(operand.Mem{Base: k.d, Disp: d + 32}, x, x)
		k.VFMADD213PS(operand.Mem{Base: acc}, t, low)
		k.VFMADD213PS(operand.Mem{Base: acc, Disp: 32}, x, high)
		for i := range k.minima {
			if !last {
				break
			}
			k.VBROADCASTSS(operand.Mem{Base: k.xsum, Disp: 4 * (i*k.width + c)}, x)
			k.VFMADD231PS(operand.Mem{Base: k.min, Disp: 64 * i}, x, low)
			k.VFMADD231PS(operand.Mem{Base: k.min, Disp: 64*i + 32}, x, high)
		}
		k.VMOVUPS(low, operand.Mem{Base: acc})
		k.VMOVUPS(high, operand.Mem{Base: acc, Disp: 32})
		if c < k.width-1 {
			k.ADDQ(operand.Mem{Base: k.args, Disp: 8}, acc)
		}
	}
}

// wideHalves multiplies words, two a lane.
func (k *kernel) wideHalves() {
	w := k.width
	sums, x, t := y[0:2*w], y[14], y[15]
	k.begin("wide")
	k.Label("block")
	for h := range k.subs {
		pair := func(codes, at int, first bool) {
			low, high := y[12], y[13]
			k.VMOVDQU(operand.Mem{Base: k.codes, Disp: codes}, low)
			k.VMOVDQU(operand.Mem{Base: k.codes, Disp: codes + 32}, high)
			for c := range w {
				k.VPBROADCASTD(k.activation(c, at), x)
				k.multiply(first, low, x, t, sums[2*c])
				k.multiply(first, high, x, x, sums[2*c+1])
			}
		}
		k.groups(4, 64, 4, true, pair)
		k.repeat(4/k.subs-1, func() { k.groups(4, 64, 4, false, pair) })
		k.addHalves(sums, 64*h, h == k.subs-1, x, t)
	}
	k.finish(0, 0, k.subs, 0)
}

// narrowHalves multiplies words made of codes. Codes without an offset need no init: those with minima.
func (k *kernel) narrowHalves() {
	w := k.width
	sums, words, mask, x, t := y[0:2*w], y[8:12], y[12], y[14], y[15]
	k.begin("narrow")
	if k.minima > 0 {
		k.init = nil
	}
	var totals operand.Mem
	if k.scaled && k.subs == 2 {
		totals = k.AllocLocal(64 * w)
	}
	k.VPCMPEQD(mask, mask, mask)
	k.VPSRLW(operand.Imm(8), mask, mask)
	k.Label("block")
	for h := range k.subs {
		for _, s := range sums {
			k.VPXOR(s, s, s)
		}
		group := func(codes, at int, _ bool) {
			for i := range 2 {
				even, odd := words[i], words[2+i]
				k.VMOVDQU(operand.Mem{Base: k.codes, Disp: codes + 32*i}, odd)
				k.VPAND(mask, odd, even)
				k.VPSRLW(operand.Imm(8), odd, odd)
			}
			for c := range w {
				for i := range 2 {
					k.VPBROADCASTD(k.activation(c, at+4*i), x)
					k.multiply(false, words[2*i], x, t, sums[2*c])
					k.multiply(false, words[2*i+1], x, x, sums[2*c+1])
				}
			}
		}
		k.repeat(8/k.subs, func() { k.groups(1, 64, 8, false, group) })
		if k.minima == 0 {
			for c := range w {
				k.VPBROADCASTD(operand.Mem{Base: k.init, Disp: 4 * (h*w + c)}, x)
				k.VPADDD(x, sums[2*c], sums[2*c])
				k.VPADDD(x, sums[2*c+1], sums[2*c+1])
			}
		}
		if !k.scaled {
			k.addHalves(sums, 64*h, h == k.subs-1, x, t)
			continue
		}
		for i, scale := range words[:2] {
			k.VPMOVSXBD(operand.Mem{Base: k.scales, Disp: 16*h + 8*i}, scale)
		}
		for i, s := range sums {
			k.VPMULLD(words[i%2], s, s)
			if k.subs == 1 {
				continue
			}
			if total := totals.Offset(32 * i); h == 0 {
				k.VMOVDQU(s, total)
			} else {
				k.VPADDD(total, s, s)
			}
		}
	}
	ds := k.subs
	if k.scaled {
		k.addHalves(sums, 0, true, x, t)
		ds = 1
	}
	k.finish(0, 0, ds, k.subs)
}
