package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ahead is how far in front of what is unpacked memory is fetched: while tiles are multiplied nothing else would read
// it.
const ahead = 4096

func unpackAVX512(c *build.Context) {
	for _, f := range []struct {
		bits  int
		table bool
	}{{1, true}, {2, false}, {3, false}, {3, true}, {4, false}, {4, true}, {5, false}, {6, false}} {
		unpack(c, f.bits, f.table)
	}
	for _, sub := range []int{0, 16, 32} {
		widen(c, sub)
	}
	halves(c, false)
	halves(c, true)
	subScales(c, "multiplyScales", "d times sub-scales", func(m operand.Mem, v reg.Register) { c.VPMOVSXBD(m, v) }, false)
	subScales(c, "multiplyMinima", "min times minima, negated", func(m operand.Mem, v reg.Register) { c.VPMOVZXBD(m, v) }, true)
	repeat(c)
}

// begin begins a function of assembly.
func begin(c *build.Context, name, signature, doc string) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func" + signature)
	c.Doc(name + " " + doc)
	c.Pragma("noescape")
}

func end(c *build.Context) {
	c.VZEROUPPER()
	c.RET()
}

func param(c *build.Context, name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }

// broadcast is a vector of the value in each 32 bits.
func broadcast(c *build.Context, v uint32) reg.VecVirtual {
	r, x := c.GP32(), c.ZMM()
	c.MOVL(operand.U32(v), r)
	c.VPBROADCASTD(r, x)
	return x
}

// shifted is v shifted left by n bits, or right when n is negative, in words.
func shifted(c *build.Context, v reg.VecVirtual, n int) reg.VecVirtual {
	d := c.ZMM()
	switch {
	case n > 0:
		c.VPSLLW(operand.Imm(uint64(n)), v, d)
	case n < 0:
		c.VPSRLW(operand.Imm(uint64(-n)), v, d)
	default:
		return v
	}
	return d
}

func unpack(c *build.Context, bits int, table bool) {
	name, signature := fmt.Sprintf("unpack%dAVX512", bits), "(dst, planes *byte, blocks int)"
	if table {
		name, signature = fmt.Sprintf("unpack%dTableAVX512", bits), "(dst, planes *byte, blocks int, table *[16]uint8)"
	}
	begin(c, name, signature, fmt.Sprintf("is unpackGeneric for %d bits.", bits))
	dst, src, n := param(c, "dst"), param(c, "planes"), param(c, "blocks")
	var values reg.VecVirtual
	if table {
		values = c.ZMM()
		t := param(c, "table")
		c.VBROADCASTI32X4(operand.Mem{Base: t}, values)
	}
	four, two, one := bits >= 4, bits&2 != 0, bits&1 != 0
	low2, low1 := 0, 0 // the lowest bit of those planes
	if four {
		low2, low1 = 4, 4
	}
	if two {
		low1 += 2
	}
	var mask4, mask2, mask1 reg.VecVirtual
	if four {
		mask4 = broadcast(c, 0x0f0f0f0f)
	}
	if two {
		mask2 = broadcast(c, 0x03030303<<low2)
	}
	if one {
		mask1 = broadcast(c, 0x01010101<<low1)
	}
	c.Label("block")
	plane := func(i int) reg.VecVirtual {
		v := c.ZMM()
		c.VMOVDQU32(operand.Mem{Base: src, Disp: 64 * i}, v)
		return v
	}
	for i := range bits {
		c.PREFETCHT0(operand.Mem{Base: src, Disp: ahead + 64*i})
	}
	at := 0
	var p4 [4]reg.VecVirtual
	if four {
		for i := range p4 {
			p4[i] = plane(i)
		}
		at = 4
	}
	var p2 [2]reg.VecVirtual
	if two {
		p2[0], p2[1] = plane(at), plane(at+1)
		at += 2
	}
	var p1 reg.VecVirtual
	if one {
		p1 = plane(at)
	}
	for g := range 8 {
		var v reg.VecVirtual
		// or joins the bits of s under the mask with those there are.
		or := func(s, mask reg.VecVirtual) {
			d := c.ZMM()
			if v == nil {
				c.VPANDD(s, mask, d)
			} else {
				c.VMOVDQA32(v, d)
				c.VPTERNLOGD(operand.Imm(0xf8), mask, s, d) // d | s&mask
			}
			v = d
		}
		if four {
			or(shifted(c, p4[g%4], -g/4*4), mask4)
		}
		if two {
			or(shifted(c, p2[g%2], low2-g/2*2), mask2)
		}
		if one {
			or(shifted(c, p1, low1-g), mask1)
		}
		if table {
			d := c.ZMM()
			c.VPSHUFB(v, values, d)
			v = d
		}
		c.VMOVDQU32(v, operand.Mem{Base: dst, Disp: 64 * g})
	}
	c.ADDQ(operand.I32(64*bits), src)
	c.ADDQ(operand.I32(512), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}

// widen writes the kernel for sub-blocks of that many columns, 0 for formats without sub-scales.
func widen(c *build.Context, sub int) {
	name, signature := "widenOffsetAVX512", "(words *int16, codes *byte, blocks int, offset int)"
	if sub > 0 {
		name, signature = fmt.Sprintf("widen%dAVX512", sub), "(words *int16, codes *byte, blocks int, offset int, scales *byte)"
	}
	begin(c, name, signature, "is widenGeneric.")
	dst, src, n, o := param(c, "words"), param(c, "codes"), param(c, "blocks"), param(c, "offset")
	offset, mask := c.ZMM(), broadcast(c, 0x00ff00ff)
	c.VPBROADCASTW(o.(reg.GPVirtual).As32(), offset)
	var scales reg.Register
	if sub > 0 {
		scales = param(c, "scales")
	}
	c.Label("block")
	var scale reg.VecVirtual
	for g := range 8 {
		if sub > 0 && g*4%sub == 0 {
			// Each sub-scale in both words of its lane.
			high := c.ZMM()
			scale = c.ZMM()
			c.VPMOVSXBD(operand.Mem{Base: scales, Disp: 16 * (g * 4 / sub)}, scale)
			c.VPSLLD(operand.Imm(16), scale, high)
			c.VPSRLD(operand.Imm(16), high, scale)
			c.VPORD(high, scale, scale)
		}
		v, a, b := c.ZMM(), c.ZMM(), c.ZMM()
		c.VMOVDQU32(operand.Mem{Base: src, Disp: 64 * g}, v)
		c.VPANDD(v, mask, a)
		c.VPSRLW(operand.Imm(8), v, b)
		for i, w := range []reg.VecVirtual{a, b} {
			c.VPSUBW(offset, w, w)
			if sub > 0 {
				c.VPMULLW(scale, w, w)
			}
			c.VMOVDQU32(w, operand.Mem{Base: dst, Disp: 128*g + 64*i})
		}
	}
	if sub > 0 {
		c.ADDQ(operand.I32(16*32/sub), scales)
	}
	c.ADDQ(operand.I32(512), src)
	c.ADDQ(operand.I32(1024), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}

func halves(c *build.Context, bf16 bool) {
	if bf16 {
		begin(c, "halvesBF16AVX512", "(dst *float32, src *byte, n int)", "is halvesGeneric for BF16.")
	} else {
		begin(c, "halvesF16AVX512", "(dst *float32, src *byte, n int, factor float32)", "is halvesGeneric for F16.")
	}
	dst, src, n := param(c, "dst"), param(c, "src"), param(c, "n")
	factor := c.ZMM()
	if !bf16 {
		c.VBROADCASTSS(c.Load(c.Param("factor"), c.XMM()), factor)
	}
	c.Label("loop")
	c.PREFETCHT0(operand.Mem{Base: src, Disp: ahead})
	v := c.ZMM()
	if bf16 {
		c.VPMOVZXWD(operand.Mem{Base: src}, v)
		c.VPSLLD(operand.Imm(16), v, v)
	} else {
		c.VCVTPH2PS(operand.Mem{Base: src}, v)
		c.VMULPS(factor, v, v)
	}
	c.VMOVUPS(v, operand.Mem{Base: dst})
	c.ADDQ(operand.I32(32), src)
	c.ADDQ(operand.I32(64), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("loop"))
	end(c)
}

// subScales writes a kernel that multiplies each vector of d with per vectors of bytes.
func subScales(c *build.Context, name, doc string, widen func(m operand.Mem, v reg.Register), negate bool) {
	begin(c, name+"AVX512", "(dst, d *float32, bytes *byte, supers, per int)", "multiplies: dst is "+doc+".")
	dst, d, bytes, supers, per := param(c, "dst"), param(c, "d"), param(c, "bytes"), param(c, "supers"), param(c, "per")
	n := c.GP64()
	scale, v := c.ZMM(), c.ZMM()
	var sign reg.VecVirtual
	if negate {
		sign = broadcast(c, 1<<31)
	}
	c.Label("super")
	c.VMOVUPS(operand.Mem{Base: d}, scale)
	if negate {
		c.VPXORD(sign, scale, scale)
	}
	c.MOVQ(per, n)
	c.Label("sub")
	c.PREFETCHT0(operand.Mem{Base: bytes, Disp: ahead})
	widen(operand.Mem{Base: bytes}, v)
	c.VCVTDQ2PS(v, v)
	c.VMULPS(scale, v, v)
	c.VMOVUPS(v, operand.Mem{Base: dst})
	c.ADDQ(operand.I32(16), bytes)
	c.ADDQ(operand.I32(64), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("sub"))
	c.ADDQ(operand.I32(64), d)
	c.DECQ(supers)
	c.JNZ(operand.LabelRef("super"))
	end(c)
}

// repeat writes each vector of d eight times.
func repeat(c *build.Context) {
	begin(c, "repeat8AVX512", "(dst, d *float32, supers int)", "is subScalesGeneric without sub-scales, 8 for each of d.")
	dst, d, n := param(c, "dst"), param(c, "d"), param(c, "supers")
	v := c.ZMM()
	c.Label("super")
	c.VMOVUPS(operand.Mem{Base: d}, v)
	for i := range 8 {
		c.VMOVUPS(v, operand.Mem{Base: dst, Disp: 64 * i})
	}
	c.ADDQ(operand.I32(64), d)
	c.ADDQ(operand.I32(512), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("super"))
	end(c)
}
