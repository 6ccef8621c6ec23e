package main

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// attentionBF16 writes what makes BF16 of the operands of attention. Elements, or rows, i and i+16 of 32 make a pair.
func attentionBF16(c *build.Context) {
	t := tiers(c)[1]
	t.pairRow()
	t.pairRows()
	t.weighBF16()
}

// pairRow writes the function that makes pairs of a row's elements, 1024 bytes from each 32 to the next.
func (t *tier) pairRow() {
	begin(t.Context, "pairRowAVX512", "(words *int16, row *float32, blocks int)", "is attentionBF16.pairRow of so many times 32 elements.")
	words, row, n := param(t.Context, "words"), param(t.Context, "row"), param(t.Context, "blocks")
	half, upper := t.constant(0x8000), t.constant(0xffff0000)
	t.loop(n, func() {
		low, high := t.copy(at(row, 0)), t.copy(at(row, 64))
		t.VMOVDQU32(pair(t.Context, low, high, half, upper), at(words, 0))
		t.ADDQ(operand.U32(128), row)
		t.ADDQ(operand.U32(1024), words)
	})
	t.end()
}

// pairRows writes the function that makes pairs of 32 rows, in panels of 16 columns: 16 x 16 pairs, step bytes from one
// panel to the next.
func (t *tier) pairRows() {
	begin(t.Context, "pairRowsAVX512", "(words *int16, step uintptr, rows *float32, stride uintptr, panels int)",
		"is attentionBF16.pairRows of 32 rows and so many times 16 columns; step and stride are in bytes.")
	words, step, rows := param(t.Context, "words"), param(t.Context, "step"), param(t.Context, "rows")
	stride, n := param(t.Context, "stride"), param(t.Context, "panels")
	half, upper := t.constant(0x8000), t.constant(0xffff0000)
	far := t.GP64() // 16 rows
	t.MOVQ(stride, far)
	t.SHLQ(operand.Imm(4), far)
	t.loop(n, func() {
		row := t.GP64()
		t.MOVQ(rows, row)
		for i := range block {
			low, high := t.copy(at(row, 0)), t.copy(operand.Mem{Base: row, Index: far, Scale: 1})
			t.VMOVDQU32(pair(t.Context, low, high, half, upper), at(words, 64*i))
			t.ADDQ(stride, row)
		}
		t.ADDQ(operand.U32(64), rows)
		t.ADDQ(step, words)
	})
	t.end()
}

// fastExp is exp with an error of 1e-4, for what is rounded to BF16 then.
func (t *tier) fastExp() function {
	low, magic := t.register(t.float(-88)), t.register(t.float(0x1.8p23+127))
	log2e, minusLn2 := t.float(0x1.715476p+0), t.float(-0x1.62e43p-1)
	var coefficients []vec
	for _, c := range []float32{0x1.554108p-3, 0x1.02050ep-1, 1, 1} {
		coefficients = append(coefficients, t.float(c))
	}
	return func(x reg.VecVirtual) reg.VecVirtual {
		x = t.max(low, x)
		n := t.copy(magic)
		t.addProduct(n, x, log2e)
		scale := t.vec()
		t.VPSLLD(operand.Imm(23), n, scale)
		n = t.sub(n, magic)
		t.addProduct(x, n, minusLn2)
		p := t.copy(coefficients[0])
		for _, c := range coefficients[1:] {
			t.timesPlus(p, x, c)
		}
		return t.mul(p, scale)
	}
}

// weighBF16 writes weigh for up to 16 rows, whose weights become pairs: those of the first 32 keys, then 1024 bytes further the
// others'.
func (t *tier) weighBF16() {
	begin(t.Context, "weighBF16AVX512", "(words *int16, scores, tops, sums *float32, stride uintptr, rows int)",
		"is attentionBF16.weigh of so many rows; stride is in bytes.")
	words, scores, tops := param(t.Context, "words"), param(t.Context, "scores"), param(t.Context, "tops")
	sums, stride, n := param(t.Context, "sums"), param(t.Context, "stride"), param(t.Context, "rows")
	half, upper, exp := t.constant(0x8000), t.constant(0xffff0000), t.fastExp()
	t.loop(n, func() {
		top := t.vec()
		t.VBROADCASTSS(at(tops, 0), top)
		weights := func(i int) reg.VecVirtual { return exp(t.sub(t.copy(at(scores, 4*i*block)), top)) }
		var sum reg.VecVirtual
		for i := range 2 {
			low, high := weights(2*i), weights(2*i+1)
			both := t.add(low, high)
			if i == 0 {
				sum = both
			} else {
				t.VADDPS(both, sum, sum)
			}
			t.VMOVDQU32(pair(t.Context, low, high, half, upper), at(words, 1024*i))
		}
		t.VADDPS(at(sums, 0), sum, sum)
		t.VMOVUPS(sum, at(sums, 0))
		t.ADDQ(operand.Imm(64), words)
		t.ADDQ(operand.Imm(4), tops)
		t.ADDQ(operand.U32(4*blockKeys), scores)
		t.ADDQ(stride, sums)
	})
	t.end()
}
