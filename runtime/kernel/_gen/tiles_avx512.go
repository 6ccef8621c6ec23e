package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kernel is the kernel of tiles of one form and width: a row of 16 results, one a lane, for each column.
type kernel struct {
	*build.Context
	tier string
	form
	width int
	loops int // labels

	args, codes, d, min, scales, xs, xsum, init reg.Register
	x                                           [3]reg.Register // of the columns 0, 5 and 10
	xStride, xStride3, blocks                   reg.Register
}

// form is what a kernel must know of the format.
type form struct {
	name   string
	subs   int  // sub-blocks with a sum
	minima int  // of a block
	scaled bool // integer sub-scales
}

var z = [32]reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

var (
	narrowForms = []form{{"", 1, 0, false}, {"Min", 1, 1, false}, {"Half", 2, 0, false},
		{"Scaled", 1, 0, true}, {"ScaledMin", 1, 1, true}, {"ScaledHalf", 2, 0, true}, {"ScaledHalfMin", 2, 2, true}}
	wideForms  = []form{{"", 1, 0, false}, {"Min", 1, 1, false}, {"Mins", 1, 2, false}, {"Half", 2, 0, false}}
	bytesForms = []form{{"", 1, 0, false}, {"Min", 1, 1, false}, {"Half", 2, 0, false}, {"HalfMin", 2, 2, false}}
)

// table writes the table of a kind's kernels, by form and width.
func table(kind, tier string, forms []form, from, to int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// %s%s are the kernels by form and number of columns.\nvar %s%s = [%d][%d]func(a *byte){\n", kind, tier, kind, tier, len(forms), to+1)
	for i, f := range forms {
		fmt.Fprintf(&b, "\t%d: {", i)
		for w := from; w <= to; w++ {
			fmt.Fprintf(&b, "%d: %s%s%d%s, ", w, kind, f.name, w, tier)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n\n")
	return b.String()
}

// tablesAVX512 lists what tilesAVX512 writes.
func tablesAVX512() string {
	return table("narrow", "AVX512", narrowForms, 1, 6) + table("wide", "AVX512", wideForms, 7, 14) + table("bytes", "AVX512", bytesForms, 1, 14)
}

func tilesAVX512(c *build.Context) {
	for _, f := range narrowForms {
		for w := 1; w <= 6; w++ {
			(&kernel{Context: c, tier: "AVX512", form: f, width: w}).narrow()
		}
	}
	for _, f := range wideForms {
		for w := 7; w <= 14; w++ {
			(&kernel{Context: c, tier: "AVX512", form: f, width: w}).wide()
		}
	}
	for _, f := range bytesForms {
		for w := 1; w <= 14; w++ {
			(&kernel{Context: c, tier: "AVX512", form: f, width: w}).bytes()
		}
	}
}

// begin loads the arguments.
func (k *kernel) begin(kind string) {
	name := fmt.Sprintf("%s%s%d%s", kind, k.form.name, k.width, k.tier)
	k.Function(name)
	k.Attributes(attr.NOSPLIT)
	k.SignatureExpr("func(a *byte)")
	k.Doc(fmt.Sprintf("%s is %sGeneric for %d columns; a is a tileArgs.", name, kind, k.width))
	k.Pragma("noescape")
	a := k.Load(k.Param("a"), k.GP64())
	k.args = a
	load := func(at int) reg.Register {
		r := k.GP64()
		k.MOVQ(operand.Mem{Base: a, Disp: at}, r)
		return r
	}
	k.codes, k.d, k.xs = load(16), load(24), load(64)
	if k.minima > 0 {
		k.min, k.xsum = load(32), load(72)
	}
	if k.scaled {
		k.scales = load(40)
	}
	if kind != "wide" {
		k.init = load(80)
	}
	k.xStride = load(56)
	if k.width > 3 {
		k.xStride3 = k.GP64()
		k.LEAQ(operand.Mem{Base: k.xStride, Index: k.xStride, Scale: 2}, k.xStride3)
	}
	k.x[0] = load(48)
	for i := 1; i < 3; i++ {
		if k.width > 5*i {
			k.x[i] = k.GP64()
			k.LEAQ(operand.Mem{Base: k.x[i-1], Index: k.xStride, Scale: 4}, k.x[i])
			k.ADDQ(k.xStride, k.x[i])
		}
	}
	k.blocks = load(88)
}

// blocksInto begins the loop over blocks, with the results so far in acc.
func (k *kernel) blocksInto(acc []reg.VecPhysical) {
	k.eachAcc(acc, func(m operand.Mem, v reg.Register) { k.VMOVUPS(m, v) })
	k.Label("block")
}

// eachAcc calls f with the place of each column's results.
func (k *kernel) eachAcc(acc []reg.VecPhysical, f func(m operand.Mem, v reg.Register)) {
	at, stride := k.GP64(), k.GP64()
	k.MOVQ(operand.Mem{Base: k.args}, at)
	k.MOVQ(operand.Mem{Base: k.args, Disp: 8}, stride)
	for c := range k.width {
		f(operand.Mem{Base: at}, acc[c])
		if c < k.width-1 {
			k.ADDQ(stride, at)
		}
	}
}

// activation is the four bytes at disp of column c's activations of the block.
func (k *kernel) activation(c, disp int) operand.Mem {
	m := operand.Mem{Base: k.x[c/5], Disp: disp}
	switch c % 5 {
	case 1:
		m.Index, m.Scale = k.xStride, 1
	case 2:
		m.Index, m.Scale = k.xStride, 2
	case 3:
		m.Index, m.Scale = k.xStride3, 1
	case 4:
		m.Index, m.Scale = k.xStride, 4
	}
	return m
}

// finish ends the block: the advances of activations and codes in bytes, of scales and init in vectors. Then it stores the
// results that are in registers.
func (k *kernel) finish(x, codes, ds, inits int, acc ...reg.VecPhysical) {
	for _, r := range k.x {
		if r != nil && x != 0 {
			k.ADDQ(operand.I32(x), r)
		}
	}
	if codes != 0 {
		k.ADDQ(operand.I32(codes), k.codes)
	}
	k.ADDQ(operand.I32(64*ds), k.d)
	k.ADDQ(operand.I32(4*k.width), k.xs)
	if k.minima > 0 {
		k.ADDQ(operand.I32(64*k.minima), k.min)
		k.ADDQ(operand.I32(4*k.width*k.minima), k.xsum)
	}
	if k.scaled {
		k.ADDQ(operand.I32(16*k.subs), k.scales)
	}
	if k.init != nil {
		k.ADDQ(operand.I32(4*k.width*inits), k.init)
	}
	k.DECQ(k.blocks)
	k.JNZ(operand.LabelRef("block"))
	if acc != nil {
		k.eachAcc(acc, func(m operand.Mem, v reg.Register) { k.VMOVUPS(v, m) })
	}
	k.VZEROUPPER()
	k.RET()
}

// add adds the sums, as float32, times the scales at d and the activations' to acc.
func (k *kernel) add(sums, acc []reg.VecPhysical, d int, scale, tmp reg.VecPhysical) {
	k.VMOVUPS(operand.Mem{Base: k.d, Disp: d}, scale)
	for c := range k.width {
		k.VCVTDQ2PS(sums[c], sums[c])
		k.VMULPS_BCST(operand.Mem{Base: k.xs, Disp: 4 * c}, scale, tmp)
		k.VFMADD231PS(sums[c], tmp, acc[c])
	}
}

// addMinima adds the minima of the block.
func (k *kernel) addMinima(acc []reg.VecPhysical, tmp reg.VecPhysical) {
	for i := range k.minima {
		k.VMOVUPS(operand.Mem{Base: k.min, Disp: 64 * i}, tmp)
		for c := range k.width {
			k.VFMADD231PS_BCST(operand.Mem{Base: k.xsum, Disp: 4 * (i*k.width + c)}, tmp, acc[c])
		}
	}
}

// narrow keeps sums of high and of low parts, so that chains of additions are short.
func (k *kernel) narrow() {
	w := k.width
	high, low, total, acc := z[0:w], z[6:6+w], z[12:12+w], z[18:18+w]
	codes, scale, tmp := z[24:28], z[28], z[29]
	k.begin("narrow")
	k.blocksInto(acc)
	per := 8 / k.subs
	for h := range k.subs {
		for c := range w {
			k.VPXORD(high[c], high[c], high[c])
			k.VPBROADCASTD(operand.Mem{Base: k.init, Disp: 4 * (h*w + c)}, low[c])
		}
		for g := h * per; g < (h+1)*per; g++ {
			q := codes[g%4]
			k.VMOVDQU32(operand.Mem{Base: k.codes, Disp: 64 * g}, q)
			for c := range w {
				k.VPDPBUSD_BCST(k.activation(c, 4*g), q, high[c])
				k.VPDPBUSD_BCST(k.activation(c, 32+4*g), q, low[c])
			}
		}
		for c := range w {
			k.VPSLLD(operand.Imm(7), high[c], high[c])
			k.VPADDD(low[c], high[c], high[c])
		}
		if !k.scaled {
			k.add(high, acc, 64*h, scale, tmp)
			continue
		}
		k.VPMOVSXBD(operand.Mem{Base: k.scales, Disp: 16 * h}, scale)
		for c := range w {
			if h == 0 {
				k.VPMULLD(scale, high[c], total[c])
			} else {
				k.VPMULLD(scale, high[c], high[c])
				k.VPADDD(high[c], total[c], total[c])
			}
		}
	}
	ds := k.subs
	if k.scaled {
		k.add(total, acc, 0, scale, tmp)
		ds = 1
	}
	k.addMinima(acc, tmp)
	k.finish(64, 512, ds, k.subs, acc...)
}

// wide multiplies words, two a lane.
func (k *kernel) wide() {
	w := k.width
	sums, acc := z[0:w], z[14:14+w]
	words, scale, tmp := z[28:30], z[30], z[31]
	k.begin("wide")
	k.blocksInto(acc)
	per := 16 / k.subs
	for h := range k.subs {
		for c := range w {
			k.VPXORD(sums[c], sums[c], sums[c])
		}
		for p := h * per; p < (h+1)*per; p++ {
			q := words[p%2]
			k.VMOVDQU32(operand.Mem{Base: k.codes, Disp: 64 * p}, q)
			for c := range w {
				k.VPDPWSSD_BCST(k.activation(c, 4*p), q, sums[c])
			}
		}
		k.add(sums, acc, 64*h, scale, tmp)
	}
	k.addMinima(acc, tmp)
	k.finish(64, 1024, k.subs, 0, acc...)
}

// bytes multiplies codes, four a lane.
func (k *kernel) bytes() {
	w := k.width
	sums, acc := z[0:w], z[14:14+w]
	codes, scale, tmp := z[28:30], z[30], z[31]
	k.begin("bytes")
	k.blocksInto(acc)
	per := 8 / k.subs
	for h := range k.subs {
		for c := range w {
			k.VPBROADCASTD(operand.Mem{Base: k.init, Disp: 4 * (h*w + c)}, sums[c])
		}
		for g := h * per; g < (h+1)*per; g++ {
			q := codes[g%2]
			k.VMOVDQU32(operand.Mem{Base: k.codes, Disp: 64 * g}, q)
			for c := range w {
				k.VPDPBUSD_BCST(k.activation(c, 4*g), q, sums[c])
			}
		}
		k.add(sums, acc, 64*h, scale, tmp)
	}
	k.addMinima(acc, tmp)
	k.finish(32, 512, k.subs, k.subs, acc...)
}
