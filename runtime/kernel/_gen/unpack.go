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

// A vector of a panel has 16 lanes of 32 bits, 64 bytes: one register, or two.

func unpacking(t *tier) {
	for _, f := range []struct {
		bits  int
		table bool
	}{{1, true}, {2, false}, {3, false}, {3, true}, {4, false}, {4, true}, {5, false}, {6, false}} {
		t.unpack(f.bits, f.table)
	}
	for _, sub := range []int{0, 16, 32} {
		t.widen(sub)
	}
	t.halves(false)
	t.halves(true)
	t.subScales("multiplyScales", "d times sub-scales", t.VPMOVSXBD, false)
	t.subScales("multiplyMinima", "min times minima, negated", t.VPMOVZXBD, true)
	t.repeat()
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

// constant is a register of the value in each 32 bits.
func (t *tier) constant(v uint32) reg.VecVirtual { return t.register(t.bits(v)) }

// shifted is v shifted left by n bits, or right when n is negative, in words.
func (t *tier) shifted(v reg.VecVirtual, n int) reg.VecVirtual {
	d := t.vec()
	switch {
	case n > 0:
		t.VPSLLW(operand.Imm(uint64(n)), v, d)
	case n < 0:
		t.VPSRLW(operand.Imm(uint64(-n)), v, d)
	default:
		return v
	}
	return d
}

func (t *tier) and(a, b vec) reg.VecVirtual { return t.do(t.VANDPS, a, b) }
func (t *tier) or(a, b vec) reg.VecVirtual  { return t.do(t.VORPS, a, b) }

// merge is v | a&mask; v may be nil and is used up.
func (t *tier) merge(v, a reg.VecVirtual, mask vec) reg.VecVirtual {
	if v == nil {
		return t.and(a, mask)
	}
	if t.wide() {
		t.VPTERNLOGD(operand.Imm(0xf8), mask, a, v)
		return v
	}
	return t.or(v, t.and(a, mask))
}

// lookUp is the table of 16 bytes at p in each 128 bits.
func (t *tier) lookUp(p reg.Register) reg.VecVirtual {
	v := t.vec()
	if t.wide() {
		t.VBROADCASTI32X4(at(p, 0), v)
	} else {
		t.VBROADCASTI128(at(p, 0), v)
	}
	return v
}

// lowest returns the lowest bits of the planes of two bits and of one.
func lowest(bits int) (two, one int) {
	if bits >= 4 {
		two, one = 4, 4
	}
	return two, one + bits&2
}

// masks returns those of the bits that the planes of four, two and one bits make of a code.
func (t *tier) masks(bits int) (four, two, one vec) {
	low2, low1 := lowest(bits)
	if bits == 8 {
		return nil, nil, nil
	}
	if bits >= 4 {
		four = t.bits(0x0f0f0f0f)
	}
	if bits&2 != 0 {
		two = t.bits(0x03030303 << low2)
	}
	if bits&1 != 0 {
		one = t.bits(0x01010101 << low1)
	}
	return four, two, one
}

// reader returns what makes the codes of group g, or what values has for them, from planes. They stay in registers where
// there are enough.
func (t *tier) reader(bits int, values reg.VecVirtual, mask4, mask2, mask1 vec, plane func(i int) vec) func(g int) reg.VecVirtual {
	load := func(i int) reg.VecVirtual { return t.copy(plane(i)) }
	if bits == 8 {
		return load
	}
	if t.wide() {
		planes := make([]reg.VecVirtual, bits)
		for i := range planes {
			planes[i] = load(i)
		}
		load = func(i int) reg.VecVirtual { return planes[i] }
	}
	low2, low1 := lowest(bits)
	return func(g int) reg.VecVirtual {
		var v reg.VecVirtual
		at := 0
		if bits >= 4 {
			v = t.merge(v, t.shifted(load(g%4), -g/4*4), mask4)
			at = 4
		}
		if bits&2 != 0 {
			v = t.merge(v, t.shifted(load(at+g%2), low2-g/2*2), mask2)
			at += 2
		}
		if bits&1 != 0 {
			v = t.merge(v, t.shifted(load(at), low1-g), mask1)
		}
		if values != nil {
			v = t.do(t.VPSHUFB, values, v)
		}
		return v
	}
}

func (t *tier) unpack(bits int, table bool) {
	name := fmt.Sprintf("unpack%d", bits)
	if table {
		name += "Table"
	}
	begin(t.Context, name+t.name, "(dst, planes *byte, blocks int, table *[16]uint8)", fmt.Sprintf("is unpackGeneric for %d bits.", bits))
	dst, src, n := param(t.Context, "dst"), param(t.Context, "planes"), param(t.Context, "blocks")
	var values reg.VecVirtual
	if table {
		values = t.lookUp(param(t.Context, "table"))
	}
	mask4, mask2, mask1 := t.masks(bits)
	t.Label("block")
	for i := range bits {
		t.PREFETCHT0(at(src, ahead+64*i))
	}
	for part := range t.parts() {
		code := t.reader(bits, values, mask4, mask2, mask1, func(i int) vec { return at(src, 64*i+part*t.width()) })
		for g := range 8 {
			t.VMOVUPS(code(g), at(dst, 64*g+part*t.width()))
		}
	}
	t.ADDQ(operand.I32(64*bits), src)
	t.ADDQ(operand.I32(512), dst)
	t.DECQ(n)
	t.JNZ(operand.LabelRef("block"))
	t.end()
}

// widen writes the kernel for sub-blocks of that many columns, 0 for formats without sub-scales.
func (t *tier) widen(sub int) {
	name := "widenOffset"
	if sub > 0 {
		name = fmt.Sprintf("widen%d", sub)
	}
	begin(t.Context, name+t.name, "(words *int16, codes *byte, blocks int, offset int, scales *byte)", "is widenGeneric.")
	dst, src, n, o := param(t.Context, "words"), param(t.Context, "codes"), param(t.Context, "blocks"), param(t.Context, "offset")
	offset, mask, x := t.vec(), t.constant(0x00ff00ff), t.XMM()
	t.VMOVD(o.(reg.GPVirtual).As32(), x)
	t.VPBROADCASTW(x, offset)
	var scales reg.Register
	if sub > 0 {
		scales = param(t.Context, "scales")
	}
	t.Label("block")
	for part := 0; part < 64; part += 4 * t.lanes {
		var scale reg.VecVirtual
		for g := range 8 {
			if sub > 0 && g*4%sub == 0 {
				// Each sub-scale in both words of its lane.
				high, low := t.vec(), t.vec()
				t.VPMOVSXBD(at(scales, 16*(g*4/sub)+part/4), low)
				t.VPSLLD(operand.Imm(16), low, high)
				t.VPSRLD(operand.Imm(16), high, low)
				scale = t.or(high, low)
			}
			v, b := t.copy(at(src, 64*g+part)), t.vec()
			a := t.and(v, mask)
			t.VPSRLW(operand.Imm(8), v, b)
			for i, w := range []reg.VecVirtual{a, b} {
				t.VPSUBW(offset, w, w)
				if sub > 0 {
					t.VPMULLW(scale, w, w)
				}
				t.VMOVUPS(w, at(dst, 128*g+64*i+part))
			}
		}
	}
	if sub > 0 {
		t.ADDQ(operand.I32(16*32/sub), scales)
	}
	t.ADDQ(operand.I32(512), src)
	t.ADDQ(operand.I32(1024), dst)
	t.DECQ(n)
	t.JNZ(operand.LabelRef("block"))
	t.end()
}

func (t *tier) halves(bf16 bool) {
	if bf16 {
		begin(t.Context, "halvesBF16"+t.name, "(dst *float32, src *byte, n int)", "is halvesGeneric for BF16.")
	} else {
		begin(t.Context, "halvesF16"+t.name, "(dst *float32, src *byte, n int, factor float32)", "is halvesGeneric for F16.")
	}
	dst, src, n := param(t.Context, "dst"), param(t.Context, "src"), param(t.Context, "n")
	factor := t.vec()
	if !bf16 {
		t.VBROADCASTSS(t.Load(t.Param("factor"), t.XMM()), factor)
	}
	t.Label("loop")
	t.PREFETCHT0(at(src, ahead))
	for part := 0; part < 64; part += 4 * t.lanes {
		v, m := t.vec(), at(src, part/2)
		if bf16 {
			t.VPMOVZXWD(m, v)
			t.VPSLLD(operand.Imm(16), v, v)
		} else {
			t.VCVTPH2PS(m, v)
			t.VMULPS(factor, v, v)
		}
		t.VMOVUPS(v, at(dst, part))
	}
	t.ADDQ(operand.I32(32), src)
	t.ADDQ(operand.I32(64), dst)
	t.DECQ(n)
	t.JNZ(operand.LabelRef("loop"))
	t.end()
}

// subScales writes a kernel that multiplies each vector of d with per vectors of bytes, which extend turns into int32.
func (t *tier) subScales(name, doc string, extend func(...operand.Op), negate bool) {
	begin(t.Context, name+t.name, "(dst, d *float32, bytes *byte, supers, per int)", "multiplies: dst is "+doc+".")
	dst, d, bytes, supers, per := param(t.Context, "dst"), param(t.Context, "d"), param(t.Context, "bytes"), param(t.Context, "supers"), param(t.Context, "per")
	n := t.GP64()
	var sign reg.VecVirtual
	if negate {
		sign = t.constant(1 << 31)
	}
	t.Label("super")
	scale := make([]reg.VecVirtual, t.parts())
	for i := range scale {
		scale[i] = t.copy(at(d, 4*t.lanes*i))
		if negate {
			scale[i] = t.xor(scale[i], sign)
		}
	}
	t.MOVQ(per, n)
	t.Label("sub")
	t.PREFETCHT0(at(bytes, ahead))
	for i, s := range scale {
		v := t.vec()
		extend(at(bytes, t.lanes*i), v)
		t.VCVTDQ2PS(v, v)
		t.VMULPS(s, v, v)
		t.VMOVUPS(v, at(dst, 4*t.lanes*i))
	}
	t.ADDQ(operand.I32(16), bytes)
	t.ADDQ(operand.I32(64), dst)
	t.DECQ(n)
	t.JNZ(operand.LabelRef("sub"))
	t.ADDQ(operand.I32(64), d)
	t.DECQ(supers)
	t.JNZ(operand.LabelRef("super"))
	t.end()
}

// repeat writes each vector of d eight times.
func (t *tier) repeat() {
	begin(t.Context, "repeat8"+t.name, "(dst, d *float32, supers int)", "is subScalesGeneric without sub-scales, 8 for each of d.")
	dst, d, n := param(t.Context, "dst"), param(t.Context, "d"), param(t.Context, "supers")
	t.Label("super")
	for part := 0; part < 64; part += 4 * t.lanes {
		v := t.copy(at(d, part))
		for i := range 8 {
			t.VMOVUPS(v, at(dst, 64*i+part))
		}
	}
	t.ADDQ(operand.I32(64), d)
	t.ADDQ(operand.I32(512), dst)
	t.DECQ(n)
	t.JNZ(operand.LabelRef("super"))
	t.end()
}
