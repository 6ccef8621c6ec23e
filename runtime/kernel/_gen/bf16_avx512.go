package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bf16AVX512 writes what makes BF16 of codes and of activations. Halves are rounded up in magnitude, not to even.
func bf16AVX512(c *build.Context) {
	toBF16(c, 16)
	toBF16(c, 32)
	roundBF16(c)
}

// pair is the BF16 of low and of high in one lane.
func pair(c *build.Context, low, high, half, upper reg.VecVirtual) reg.VecVirtual {
	c.VPADDD(half, low, low)
	c.VPADDD(half, high, high)
	c.VPSRLD(operand.Imm(16), low, low)
	c.VPTERNLOGD(operand.Imm(0xf8), upper, high, low) // low | high&upper
	return low
}

func toBF16(c *build.Context, sub int) {
	begin(c, fmt.Sprintf("toBF16Sub%dAVX512", sub), "(words *int16, codes *byte, d, min *float32, blocks int, offset float32)",
		fmt.Sprintf("makes BF16 of d * (code-offset) + min, d and min for each %d columns; min may be nil.", sub))
	dst, src, d, min, n := param(c, "words"), param(c, "codes"), param(c, "d"), param(c, "min"), param(c, "blocks")
	offset := c.ZMM()
	c.VBROADCASTSS(c.Load(c.Param("offset"), c.XMM()), offset)
	mask, half, upper := broadcast(c, 0xff), broadcast(c, 0x8000), broadcast(c, 0xffff0000)
	subs := 32 / sub
	c.Label("block")
	var scale, zero [2]reg.VecVirtual
	for i := range subs {
		scale[i], zero[i] = c.ZMM(), c.ZMM()
		c.VMOVUPS(operand.Mem{Base: d, Disp: 64 * i}, scale[i])
		c.VPXORD(zero[i], zero[i], zero[i])
	}
	c.TESTQ(min, min)
	c.JZ(operand.LabelRef("none"))
	for i := range subs {
		c.VMOVUPS(operand.Mem{Base: min, Disp: 64 * i}, zero[i])
	}
	c.ADDQ(operand.I32(64*subs), min)
	c.Label("none")
	for i := range subs {
		c.VFNMADD231PS(offset, scale[i], zero[i])
	}
	for g := range 8 {
		s := g * 4 / sub
		v := c.ZMM()
		c.VMOVDQU32(operand.Mem{Base: src, Disp: 64 * g}, v)
		var f [4]reg.VecVirtual
		for i := range f {
			f[i] = c.ZMM()
			switch i {
			case 0:
				c.VPANDD(mask, v, f[i])
			case 3:
				c.VPSRLD(operand.Imm(24), v, f[i])
			default:
				c.VPSRLD(operand.Imm(uint64(8*i)), v, f[i])
				c.VPANDD(mask, f[i], f[i])
			}
			c.VCVTDQ2PS(f[i], f[i])
			c.VFMADD213PS(zero[s], scale[s], f[i]) // code*scale + zero
		}
		c.VMOVDQU32(pair(c, f[0], f[2], half, upper), operand.Mem{Base: dst, Disp: 128 * g})
		c.VMOVDQU32(pair(c, f[1], f[3], half, upper), operand.Mem{Base: dst, Disp: 128*g + 64})
	}
	c.ADDQ(operand.I32(512), src)
	c.ADDQ(operand.I32(1024), dst)
	c.ADDQ(operand.I32(64*subs), d)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}

func roundBF16(c *build.Context) {
	order := c.StaticGlobal("bf16Order")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 4 {
		// The upper words of four elements, in the order 0 2 1 3 of pairs, from two halves of 8 elements.
		at := uint64(8 * (i % 2))
		c.AddDatum(8*i, operand.U64(at|(at+1)<<8|(at+4)<<16|(at+5)<<24|(at+2)<<32|(at+3)<<40|(at+6)<<48|(at+7)<<56))
	}
	begin(c, "roundBF16AVX512", "(words *int16, row *float32, blocks int)", "makes BF16 of a row of activations, in the order of pairs, 1024 bytes from block to block.")
	dst, row, n := param(c, "words"), param(c, "row"), param(c, "blocks")
	half := broadcast(c, 0x8000)
	c.Label("block")
	for i := range 2 {
		v, words := c.ZMM(), c.YMM()
		c.VMOVUPS(operand.Mem{Base: row, Disp: 64 * i}, v)
		c.VPADDD(half, v, v)
		c.VPSRLD(operand.Imm(16), v, v)
		c.VPMOVDW(v, words)
		c.VPSHUFB(order, words, words)
		c.VMOVDQU(words, operand.Mem{Base: dst, Disp: 32 * i})
	}
	c.ADDQ(operand.I32(128), row)
	c.ADDQ(operand.I32(1024), dst) // there are 16 tokens side by side
	c.DECQ(n)
	c.JNZ(operand.LabelRef("block"))
	end(c)
}
