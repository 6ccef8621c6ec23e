package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// floatTypes are the types of weights that are floats.
var floatTypes = []struct {
	name string
	size int
}{{"F32", 4}, {"F16", 2}, {"BF16", 2}}

// floatWidths are the numbers of columns that tiles have at most.
const floatWidthAVX512, floatWidthAVX2 = 6, 3

// mostFetched is the number of columns up to which weights come from memory, and those of the next tile are fetched ahead: rows
// are as long as pages, where the hardware stops to do so.
const mostFetched = 2

func floatsAVX512(c *build.Context) {
	for t := range floatTypes {
		for w := 1; w <= floatWidthAVX512; w++ {
			floats(c, "AVX512", t, w)
		}
	}
	joinLanes512(c)
}

func floatsAVX2(c *build.Context) {
	for t := range floatTypes {
		for w := 1; w <= floatWidthAVX2; w++ {
			floats(c, "AVX2", t, w)
		}
	}
	joinLanes256(c)
}

// floatsTable writes the lists of these kernels.
func floatsTable() string {
	var b strings.Builder
	for _, tier := range []struct {
		name  string
		width int
	}{{"AVX512", floatWidthAVX512}, {"AVX2", floatWidthAVX2}} {
		fmt.Fprintf(&b, "// floats%s are the kernels of weights that are floats, by type and number of columns.\nvar floats%s = [3][%d]func(a *byte){\n", tier.name, tier.name, tier.width+1)
		for i, t := range floatTypes {
			fmt.Fprintf(&b, "\t%d: {", i)
			for w := 1; w <= tier.width; w++ {
				fmt.Fprintf(&b, "%d: floats%s%d%s, ", w, t.name, w, tier.name)
			}
			b.WriteString("},\n")
		}
		b.WriteString("}\n\n")
	}
	return b.String()
}

// floats writes the kernel of one type and width: lanes += 4 rows * the columns. AVX2 has the lower lanes first, then the
// upper ones.
func floats(c *build.Context, tier string, typ, width int) {
	t := floatTypes[typ]
	begin(c, fmt.Sprintf("floats%s%d%s", t.name, width, tier), "(a *byte)", fmt.Sprintf("is floatsGeneric for %s and %d columns; a is a floatArgs.", t.name, width))
	a := param(c, "a")
	load := func(at int) reg.Register {
		r := c.GP64()
		c.MOVQ(operand.Mem{Base: a, Disp: at}, r)
		return r
	}
	vec, parts := func() reg.VecVirtual { return c.ZMM() }, 1
	if tier == "AVX2" {
		vec, parts = func() reg.VecVirtual { return c.YMM() }, 2
	}
	for part := range parts {
		lanes, w, wStride, x, xStride, steps := load(0), load(8), load(16), load(24), load(32), load(40)
		wStride3, xStride3, x5 := c.GP64(), c.GP64(), c.GP64()
		c.LEAQ(operand.Mem{Base: wStride, Index: wStride, Scale: 2}, wStride3)
		if width > 3 {
			c.LEAQ(operand.Mem{Base: xStride, Index: xStride, Scale: 2}, xStride3)
		}
		if width > 5 {
			c.LEAQ(operand.Mem{Base: x, Index: xStride, Scale: 4}, x5)
			c.ADDQ(xStride, x5)
		}
		column := func(i int) operand.Mem {
			m := operand.Mem{Base: x, Disp: 32 * part}
			switch i {
			case 1, 2, 4:
				m.Index, m.Scale = xStride, uint8(i)
			case 3:
				m.Index, m.Scale = xStride3, 1
			case 5:
				m.Base = x5
			}
			return m
		}
		row := func(r int) operand.Mem {
			m := operand.Mem{Base: w, Disp: 8 * t.size * part}
			switch r {
			case 1, 2:
				m.Index, m.Scale = wStride, uint8(r)
			case 3:
				m.Index, m.Scale = wStride3, 1
			}
			return m
		}
		acc := make([]reg.VecVirtual, 4*width)
		for i := range acc {
			acc[i] = vec()
			c.VMOVUPS(operand.Mem{Base: lanes, Disp: 64*i + 32*part}, acc[i])
		}
		ahead := c.GP64() // the rows of the next tile
		if width <= mostFetched {
			c.LEAQ(operand.Mem{Base: w, Index: wStride, Scale: 4}, ahead)
		}
		label := fmt.Sprintf("step%d", part)
		c.Label(label)
		var xs []reg.VecVirtual
		for i := range width {
			v := vec()
			c.VMOVUPS(column(i), v)
			xs = append(xs, v)
		}
		for r := range 4 {
			if width <= mostFetched {
				m := row(r)
				m.Base, m.Disp = ahead, 0
				c.PREFETCHT0(m)
			}
			v := vec()
			switch t.name {
			case "F32":
				c.VMOVUPS(row(r), v)
			case "F16":
				c.VCVTPH2PS(row(r), v)
			case "BF16":
				c.VPMOVZXWD(row(r), v)
				c.VPSLLD(operand.Imm(16), v, v)
			}
			for i := range width {
				c.VFMADD231PS(xs[i], v, acc[4*i+r])
			}
		}
		c.ADDQ(operand.Imm(64), x)
		if width > 5 {
			c.ADDQ(operand.Imm(64), x5)
		}
		c.ADDQ(operand.Imm(uint64(16*t.size)), w)
		if width <= mostFetched {
			c.ADDQ(operand.Imm(uint64(16*t.size)), ahead)
		}
		c.DECQ(steps)
		c.JNZ(operand.LabelRef(label))
		for i := range acc {
			c.VMOVUPS(acc[i], operand.Mem{Base: lanes, Disp: 64*i + 32*part})
		}
	}
	end(c)
}

// joinLanes512 joins four vectors at a time: 16 lanes of one to 8 of two, to 4 of four.
func joinLanes512(c *build.Context) {
	begin(c, "joinLanesAVX512", "(dst, lanes *float32, n int)", "is joinLanesGeneric of n times 4 vectors.")
	dst, src, n := param(c, "dst"), param(c, "lanes"), param(c, "n")
	order := c.ZMM()
	gather := c.StaticGlobal("everyFourth")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		c.AddDatum(4*i, operand.U32(uint32(i%4*4)))
	}
	c.VMOVDQU32(gather, order)
	c.Label("loop")
	var v [4]reg.VecVirtual
	for i := range v {
		v[i] = c.ZMM()
		c.VMOVUPS(operand.Mem{Base: src, Disp: 64 * i}, v[i])
	}
	fold := func(a, b reg.VecVirtual, low, high uint64) reg.VecVirtual {
		l, h := c.ZMM(), c.ZMM()
		c.VSHUFF64X2(operand.Imm(low), b, a, l)
		c.VSHUFF64X2(operand.Imm(high), b, a, h)
		c.VADDPS(h, l, l)
		return l
	}
	four := fold(fold(v[0], v[1], 0x44, 0xee), fold(v[2], v[3], 0x44, 0xee), 0x88, 0xdd)
	t := c.ZMM()
	c.VSHUFPS(operand.Imm(0x4e), four, four, t)
	c.VADDPS(t, four, four)
	c.VSHUFPS(operand.Imm(0xb1), four, four, t)
	c.VADDPS(t, four, four)
	c.VPERMPS(four, order, t)
	c.VMOVUPS(t.AsX(), operand.Mem{Base: dst})
	c.ADDQ(operand.I32(256), src)
	c.ADDQ(operand.Imm(16), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("loop"))
	end(c)
}

// joinLanes256 joins vectors one by one.
func joinLanes256(c *build.Context) {
	begin(c, "joinLanesAVX2", "(dst, lanes *float32, n int)", "is joinLanesGeneric of n times 4 vectors.")
	dst, src, n := param(c, "dst"), param(c, "lanes"), param(c, "n")
	c.Label("loop")
	for i := range 4 {
		v, h := c.YMM(), c.XMM()
		c.VMOVUPS(operand.Mem{Base: src, Disp: 64 * i}, v)
		c.VADDPS(operand.Mem{Base: src, Disp: 64*i + 32}, v, v)
		c.VEXTRACTF128(operand.Imm(1), v, h)
		x := v.AsX()
		c.VADDPS(h, x, x)
		c.VPERMILPS(operand.Imm(0x4e), x, h)
		c.VADDPS(h, x, x)
		c.VPERMILPS(operand.Imm(0xb1), x, h)
		c.VADDPS(h, x, x)
		c.VMOVSS(x, operand.Mem{Base: dst, Disp: 4 * i})
	}
	c.ADDQ(operand.I32(256), src)
	c.ADDQ(operand.Imm(16), dst)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("loop"))
	end(c)
}
