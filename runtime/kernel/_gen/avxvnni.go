package main

import (
	"encoding/binary"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The instructions of AVX-VNNI, of which Go's assembler knows only the forms of AVX-512: opcodes in map 0F38, prefix 66.
const (
	bytesVNNI = 0x50 // VPDPBUSD
	wordsVNNI = 0x52 // VPDPWSSD
)

// dotProduct adds to the lanes of sum the products of those of a, unsigned if bytes, and b.
func dotProduct(c *build.Context, opcode uint8, a, b, sum reg.VecPhysical) {
	number := func(r reg.VecPhysical) uint8 { return uint8(r.(reg.Physical).PhysicalIndex()) }
	s, v, m := number(sum), number(a), number(b)
	const vex, map0F38, wide66 = 0xc4, 2, 1<<2 | 1
	code := [4]uint8{vex, (s>>3^1)<<7 | 1<<6 | (m>>3^1)<<5 | map0F38, (v^15)<<3 | wide66, opcode}
	put := func(directive string, v operand.Op) {
		c.Instruction(&ir.Instruction{Opcode: directive, Operands: []operand.Op{v}})
	}
	put("LONG", operand.U32(binary.LittleEndian.Uint32(code[:])))
	put("BYTE", operand.U8(3<<6|s&7<<3|m&7))
}
