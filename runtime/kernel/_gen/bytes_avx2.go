package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bytesForm is a form of kernels for fast computation. VPMADDUBSW multiplies unsigned codes by signed activations and
// adds pairs of products in 16 bits, where the sums of several groups of four columns fit if codes are small: add groups.
// When codes are so large that a pair does not fit, add is 0: they are made signed (all those have an offset of 128), and
// their magnitude multiplies activations that have their sign. AVX-VNNI adds in 32 bits.
type bytesForm struct {
	form
	add  int
	vnni bool
}

// bytesFormsOf lists the forms of a tier.
func bytesFormsOf(tier string) (all []bytesForm) {
	adds := [][]int{{8, 4, 1, 0}, {8, 4}, {4, 2, 1}, {4}}
	for i, f := range bytesForms {
		if tier == "AVXVNNI" {
			all = append(all, bytesForm{f, 1, true})
			continue
		}
		for _, add := range adds[i] {
			all = append(all, bytesForm{f, add, false})
		}
	}
	return all
}

func (f bytesForm) function() string {
	if f.vnni {
		return fmt.Sprintf("bytesDot%sAVXVNNI", f.name)
	}
	return fmt.Sprintf("bytes%sAdd%dAVX2", f.name, f.add)
}

// tablesBytes lists the kernels by form, of AVX2 also by how many groups they add.
func tablesBytes() string {
	var b strings.Builder
	fmt.Fprintf(&b, "// bytesAVX2 are the kernels by form, and by the number of groups that they add in 16 bits.\nvar bytesAVX2 = [%d][9]func(a *byte){\n", len(bytesForms))
	for i, form := range bytesForms {
		fmt.Fprintf(&b, "\t%d: {", i)
		for _, f := range bytesFormsOf("AVX2") {
			if f.form == form {
				fmt.Fprintf(&b, "%d: %s, ", f.add, f.function())
			}
		}
		b.WriteString("},\n")
	}
	fmt.Fprintf(&b, "}\n\n// bytesAVXVNNI are the kernels by form.\nvar bytesAVXVNNI = [%d]func(a *byte){", len(bytesForms))
	for _, f := range bytesFormsOf("AVXVNNI") {
		b.WriteString(f.function() + ", ")
	}
	b.WriteString("}\n\n")
	return b.String()
}

func bytesAVX2(c *build.Context) { bytesOf(c, "AVX2") }

func bytesAVXVNNI(c *build.Context) { bytesOf(c, "AVXVNNI") }

func bytesOf(c *build.Context, tier string) {
	for _, f := range bytesFormsOf(tier) {
		f.write(c)
	}
}

// write writes a kernel for any number of columns: the codes of eight rows and a block stay in eight registers while the
// columns pass by.
func (f bytesForm) write(c *build.Context) {
	begin(c, f.function(), "(a *byte)", "is bytesGeneric; a is a tileArgs.")
	args := param(c, "a")
	load := func(disp int) reg.Register {
		r := c.GP64()
		c.MOVQ(operand.Mem{Base: args, Disp: disp}, r)
		return r
	}
	// behind is r and n bytes.
	behind := func(r, n reg.Register) reg.Register {
		s := c.GP64()
		c.LEAQ(operand.Mem{Base: r, Index: n, Scale: 1}, s)
		return s
	}
	codes, d, min, x, blocks := load(16), load(24), load(32), load(48), load(88)
	// row is the bytes of a row of values, one for each column; pointers to such rows are to their ends.
	row := load(96)
	c.SHLQ(operand.Imm(2), row)
	xs := behind(load(64), row)
	var xsum, init []reg.Register // of each minimum, each sub-block
	for i := range f.minima {
		if i == 0 {
			xsum = append(xsum, behind(load(72), row))
		} else {
			xsum = append(xsum, behind(xsum[i-1], row))
		}
	}
	signed, offset := f.add == 0, f.minima == 0 && f.add > 0 // formats with minima have no offset
	for i := range f.subs {
		switch {
		case !offset:
		case i == 0:
			init = append(init, behind(load(80), row))
		default:
			init = append(init, behind(init[i-1], row))
		}
	}
	q, acc, sum, part, t, ones, sign := y[0:8], y[8], ySum, yPart, yTerm, yOnes, y[13]
	c.VPCMPEQW(ones, ones, ones)
	c.VPSRLW(operand.Imm(15), ones, ones)
	var levels operand.Mem
	if signed {
		levels = c.AllocLocal(256)
		c.VPCMPEQB(sign, sign, sign)
		c.VPSLLW(operand.Imm(7), sign, sign)
		c.VPACKSSWB(sign, sign, sign) // -128 in each
	}
	c.Label("block")
	column, at, results := c.GP64(), c.GP64(), c.GP64()
	for half := range 2 {
		for g, v := range q {
			c.VMOVDQU(operand.Mem{Base: codes, Disp: 64*g + 32*half}, v)
			if signed {
				c.VPXOR(sign, v, v)
				c.VMOVDQU(v, levels.Offset(32*g))
				c.VPABSB(v, v)
			}
		}
		c.MOVQ(x, at)
		c.MOVQ(operand.Mem{Base: args}, results)
		c.MOVQ(row, column)
		c.NEGQ(column)
		label := fmt.Sprintf("column%d", half)
		c.Label(label)
		value := func(row reg.Register) operand.Mem { return operand.Mem{Base: row, Index: column, Scale: 1} }
		c.VMOVUPS(operand.Mem{Base: results, Disp: 32 * half}, acc)
		for h := range f.subs {
			begin := func(v reg.VecPhysical) {
				if offset {
					c.VPBROADCASTD(value(init[h]), v)
				} else {
					c.VPXOR(v, v, v)
				}
			}
			groups := q[h*8/f.subs : (h+1)*8/f.subs]
			x := func(g int) operand.Mem { return operand.Mem{Base: at, Disp: 4 * (h*len(groups) + g)} }
			if f.vnni {
				begin(sum)
				c.VPXOR(part, part, part)
				for g, codes := range groups {
					c.VPBROADCASTD(x(g), t)
					dotProduct(c, bytesVNNI, codes, t, []reg.VecPhysical{sum, part}[g%2])
				}
				c.VPADDD(part, sum, sum)
			} else {
				f.sumPairs(c, groups, x, levels.Offset(32*h*len(groups)))
				if offset {
					begin(t)
					c.VPADDD(t, sum, sum)
				}
			}
			c.VCVTDQ2PS(sum, sum)
			c.VBROADCASTSS(value(xs), t)
			c.VMULPS(operand.Mem{Base: d, Disp: 64*h + 32*half}, t, t)
			c.VFMADD231PS(sum, t, acc)
		}
		for i := range f.minima {
			c.VBROADCASTSS(value(xsum[i]), t)
			c.VFMADD231PS(operand.Mem{Base: min, Disp: 64*i + 32*half}, t, acc)
		}
		c.VMOVUPS(acc, operand.Mem{Base: results, Disp: 32 * half})
		c.ADDQ(operand.Mem{Base: args, Disp: 56}, at)
		c.ADDQ(operand.Mem{Base: args, Disp: 8}, results)
		c.ADDQ(operand.Imm(4), column)
		c.JNZ(operand.LabelRef(label))
	}
	c.ADDQ(operand.I32(512), codes)
	c.ADDQ(operand.I32(64*f.subs), d)
	if f.minima > 0 {
		c.ADDQ(operand.I32(64*f.minima), min)
	}
	c.ADDQ(operand.I32(32), x)
	c.ADDQ(row, xs)
	for _, rows := range [][]reg.Register{xsum, init} {
		for _, r := range rows {
			for range len(rows) {
				c.ADDQ(row, r)
			}
		}
	}
	c.DECQ(blocks)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}

// Registers of kernels for bytes.
var ySum, yPart, yTerm, yOnes = y[9], y[10], y[11], y[12]

// sumPairs sets ySum to the products of some groups of codes with the activations at x. If codes are signed, levels has them
// and codes their magnitudes.
func (f bytesForm) sumPairs(c *build.Context, codes []reg.VecPhysical, x func(g int) operand.Mem, levels operand.Mem) {
	for g, q := range codes {
		// What is added in 16 bits becomes ySum, or yPart, which is added to it.
		total := yPart
		if g < max(f.add, 1) {
			total = ySum
		}
		products := total
		if f.add > 1 && g%f.add > 0 {
			products = yTerm
		}
		c.VPBROADCASTD(x(g), products)
		if f.add == 0 {
			c.VPSIGNB(levels.Offset(32*g), products, products)
		}
		c.VPMADDUBSW(products, q, products)
		if products != total {
			c.VPADDW(products, total, total)
		}
		if f.add < 2 || g%f.add == f.add-1 {
			c.VPMADDWD(yOnes, total, total)
			if total == yPart {
				c.VPADDD(yPart, ySum, ySum)
			}
		}
	}
}
