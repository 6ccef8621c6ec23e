package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// blockKeys is the number of keys of a block of attention.
const blockKeys = 64

// panels are the sizes of dst that addProduct keeps in registers: rows, and columns.
var panels = map[string][][2]int{
	"AVX2":   {{4, 16}, {2, 32}, {2, 16}, {1, 64}, {1, 32}, {1, 16}},
	"AVX512": {{4, 64}, {4, 32}, {4, 16}, {2, 64}, {2, 32}, {2, 16}, {1, 64}, {1, 32}, {1, 16}},
}

func attention(t *tier) {
	for _, p := range panels[t.name] {
		t.product(p[0], p[1])
	}
	t.peaks()
	t.weigh()
	t.scaleBytes()
}

// product writes the function that adds to rows x cols of dst: for each row i and column j, the products of a[i][l] and
// b[l][j], l from 0 on, one after the other. With fresh the sums begin at 0 and not at dst. Strides are in bytes.
func (t *tier) product(rows, cols int) {
	name := fmt.Sprintf("product%dx%d", rows, cols)
	t.Function(name + t.name)
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr("func(dst *float32, dstStride uintptr, a *float32, aStride uintptr, b *float32, bStride uintptr, n int, fresh bool)")
	t.Doc(fmt.Sprintf("%s%s is vectors.product of %d rows and %d columns.", name, t.name, rows, cols))
	t.Pragma("noescape")
	load := func(name string) reg.Register { return t.Load(t.Param(name), t.GP64()) }
	dst, dstStride, a, aStride := load("dst"), load("dstStride"), load("a"), load("aStride")
	b, bStride, n := load("b"), load("bStride"), load("n")

	width := cols / t.lanes
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		for range width {
			sums[i] = append(sums[i], t.zero())
		}
	}
	row := t.GP64()
	eachRow := func(body func(i, j int, m operand.Mem)) {
		t.MOVQ(dst, row)
		for i := range rows {
			for j := range width {
				body(i, j, at(row, j*t.width()))
			}
			if i < rows-1 {
				t.ADDQ(dstStride, row)
			}
		}
	}
	fresh := t.Load(t.Param("fresh"), t.GP8())
	begin, loop := t.label("begin"), t.label("loop")
	t.TESTB(fresh, fresh)
	t.JNE(operand.LabelRef(begin))
	eachRow(func(i, j int, m operand.Mem) { t.VMOVUPS(m, sums[i][j]) })
	t.Label(begin)
	a3 := a
	if rows > 2 {
		a3 = t.GP64()
		t.LEAQ(operand.Mem{Base: a, Index: aStride, Scale: 2}, a3)
		t.ADDQ(aStride, a3)
	}
	elements := []operand.Mem{{Base: a}, {Base: a, Index: aStride, Scale: 1}, {Base: a, Index: aStride, Scale: 2}, {Base: a3}}

	t.Label(loop)
	var v []reg.VecVirtual
	for j := range width {
		if rows == 1 { // b is used once, from where it lies
			break
		}
		v = append(v, t.vec())
		t.VMOVUPS(at(b, j*t.width()), v[j])
	}
	for i := range rows {
		element := t.vec()
		t.VBROADCASTSS(elements[i], element)
		for j := range width {
			if rows == 1 {
				t.addProduct(sums[i][j], element, at(b, j*t.width()))
			} else {
				t.addProduct(sums[i][j], element, v[j])
			}
		}
	}
	t.ADDQ(bStride, b)
	t.ADDQ(operand.Imm(4), a)
	if rows > 2 {
		t.ADDQ(operand.Imm(4), a3)
	}
	t.DECQ(n)
	t.JNE(operand.LabelRef(loop))
	eachRow(func(i, j int, m operand.Mem) { t.VMOVUPS(sums[i][j], m) })
	t.end()
}

// peaks writes vectors.peaks.
func (t *tier) peaks() {
	t.function("peaks", "(scores, tops, factors []float32)")
	n, p := t.slices("tops", "factors")
	tops, factors := p[0], p[1]
	scores := t.Load(t.Param("scores").Base(), t.GP64())
	end := t.ifAny(n)
	t.loop(n, func() {
		var vs []reg.VecVirtual
		for i := range blockKeys / t.lanes {
			vs = append(vs, t.copy(at(scores, i*t.width())))
		}
		for n := len(vs); n > 1; n /= 2 {
			for i := range n / 2 {
				t.VMAXPS(vs[i+n/2], vs[i], vs[i])
			}
		}
		top, old := t.largest(vs[:1]).AsX(), t.XMM()
		t.VMOVSS(at(tops, 0), old)
		t.VMAXSS(old, top, top)
		t.VMOVSS(top, at(tops, 0))
		t.VSUBSS(top, old, old)
		t.VMOVSS(old, at(factors, 0))
		t.ADDQ(operand.Imm(4), tops)
		t.ADDQ(operand.Imm(4), factors)
		t.ADDQ(operand.U32(4*blockKeys), scores)
	})
	t.Label(end)
	t.end()
}

// weigh writes vectors.weigh.
func (t *tier) weigh() {
	t.function("weigh", "(scores, tops, sums []float32, stride int)")
	n, p := t.slices("tops")
	tops, scores, sums := p[0], t.Load(t.Param("scores").Base(), t.GP64()), t.Load(t.Param("sums").Base(), t.GP64())
	stride := t.Load(t.Param("stride"), t.GP64())
	t.SHLQ(operand.Imm(2), stride)
	end, exp := t.ifAny(n), t.exp()
	t.loop(n, func() {
		top := t.vec()
		t.VBROADCASTSS(at(tops, 0), top)
		for part := range t.parts() {
			weights := func(i int) reg.VecVirtual {
				m := at(scores, 4*(i*block+part*t.lanes))
				e := exp(t.sub(t.copy(m), top))
				t.VMOVUPS(e, m)
				return e
			}
			sum := t.add(weights(0), weights(1))
			other := t.add(weights(2), weights(3))
			m := at(sums, part*t.width())
			t.VADDPS(other, sum, sum)
			t.VADDPS(m, sum, sum)
			t.VMOVUPS(sum, m)
		}
		t.ADDQ(operand.Imm(4), tops)
		t.ADDQ(operand.U32(4*blockKeys), scores)
		t.ADDQ(stride, sums)
	})
	t.Label(end)
	t.end()
}

// scaleBytes writes vectors.scaleBytes.
func (t *tier) scaleBytes() {
	t.function("scaleBytes", "(dst []float32, bytes []int8, scales []float32)")
	n, p := t.slices("dst", "bytes")
	dst, bytes, scales := p[0], p[1], t.Load(t.Param("scales").Base(), t.GP64())
	t.SHRQ(operand.Imm(6), n)
	end := t.ifAny(n)
	var factors []reg.VecVirtual
	for i := range blockKeys / t.lanes {
		factors = append(factors, t.copy(at(scales, i*t.width())))
	}
	t.loop(n, func() {
		for i, f := range factors {
			v := t.vec()
			t.VPMOVSXBD(at(bytes, i*t.lanes), v)
			t.VCVTDQ2PS(v, v)
			t.VMULPS(f, v, v)
			t.VMOVUPS(v, at(dst, i*t.width()))
		}
		t.ADDQ(operand.U32(4*blockKeys), dst)
		t.ADDQ(operand.Imm(blockKeys), bytes)
	})
	t.Label(end)
	t.end()
}
