package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// blocks writes the encoders of formats whose blocks of 32 need no search: Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 without weights.
// Elements lie in their order. Each function stops at a block with quotients too large for it.
func blocks(t *tier) {
	encodeQ8x0(t)
	for _, bits := range []int{4, 5} {
		encodeSymmetric(t, bits)
		encodeAffine(t, bits)
	}
}

// block is a loop over blocks of 32 elements.
type block struct {
	*tier
	dst, x, n, done reg.Register
	stop            string
}

// encoder begins an encoder.
func (t *tier) encoder(name, format string) *block {
	t.function(name, "(dst *uint8, x *float32, n int) (done int)",
		fmt.Sprintf("encodes n blocks of %s, or as many as come before one that only the generic code can.", format))
	b := &block{t, t.pointer("dst"), t.pointer("x"), t.pointer("n"), t.GP64(), t.label("stop")}
	t.XORQ(b.done, b.done)
	return b
}

// each runs body for every block, of so many elements and bytes when encoded.
func (b *block) each(elements, bytes int, body func()) {
	loop := b.label("loop")
	b.Label(loop)
	body()
	b.advance(b.x, 4*elements)
	b.advance(b.dst, bytes)
	b.INCQ(b.done)
	b.CMPQ(b.done, b.n)
	b.JB(operand.LabelRef(loop))
	b.Label(b.stop)
	b.Store(b.done, b.ReturnIndex(0))
	b.end()
}

// vectors loads the next n elements.
func (b *block) vectors(n int) (v []reg.VecVirtual) {
	for i := 0; i < n; i += b.lanes {
		v = append(v, b.load(at(b.x, 4*i)))
	}
	return v
}

// fold joins vectors and then lanes by op, and returns the result in the lowest lane.
func (t *tier) fold(o op, v []reg.VecVirtual) reg.VecVirtual {
	for len(v) > 1 {
		var half []reg.VecVirtual
		for i := 0; i < len(v); i += 2 {
			half = append(half, t.do(o, v[i], v[i+1]))
		}
		v = half
	}
	r := v[0]
	if t.wide() {
		high := t.YMM()
		t.VEXTRACTF64X4(operand.Imm(1), r, high)
		o(high, r.AsY(), high)
		r = high
	}
	x := t.XMM()
	t.VEXTRACTF128(operand.Imm(1), r.AsY(), x)
	o(x, r.AsX(), x)
	for _, order := range []uint64{0x4e, 0xb1} { // the other half, the neighbour
		other := t.XMM()
		t.VPSHUFD(operand.Imm(order), x, other)
		o(other, x, x)
	}
	return x
}

// inverse is 1/d in the lowest lane, 0 for 0.
func (t *tier) inverse(d reg.VecVirtual) reg.VecVirtual {
	id, zero, m := t.XMM(), t.XMM(), t.XMM()
	t.VMOVSS(t.one(1), id)
	t.VDIVSS(d, id, id)
	t.VPXOR(zero, zero, zero)
	t.VCMPSS(operand.Imm(notEqual), zero, d, m)
	t.VANDPS(m, id, id)
	return id
}

// moderate stops before a block whose largest quotient, magnitude times id, is not by far an int32.
func (b *block) moderate(magnitude, id reg.VecVirtual) {
	q, limit := b.XMM(), b.XMM()
	b.VMULSS(magnitude, id, q)
	b.VMULSS(q, q, q)
	b.VMOVSS(b.one(1<<38), limit)
	b.VUCOMISS(q, limit)
	b.JBE(operand.LabelRef(b.stop)) // not above, or NaN
}

// storeHalf stores the lowest lane as f16.
func (t *tier) storeHalf(v reg.VecVirtual, m operand.Mem) {
	h := t.XMM()
	t.VCVTPS2PH(operand.Imm(0), v, h)
	t.VPEXTRW(operand.Imm(0), h, m)
}

// everywhere spreads the lowest lane.
func (t *tier) everywhere(v reg.VecVirtual) reg.VecVirtual {
	d := t.vec()
	t.VBROADCASTSS(v, d)
	return d
}

// truncate converts to integers.
func (t *tier) truncate(v vec) reg.VecVirtual {
	d := t.vec()
	t.VCVTTPS2DQ(v, d)
	return d
}

// bytes stores the low bytes of integers that fit them, with signs or without.
func (t *tier) bytes(v []reg.VecVirtual, signed bool, m operand.Mem) {
	if t.wide() {
		for i, l := range v {
			to := m
			to.Disp += 16 * i
			t.VPMOVDB(l, to)
		}
		return
	}
	pack := t.VPACKUSWB
	if signed {
		pack = t.VPACKSSWB
	}
	var words []reg.VecVirtual
	for i := 0; i < len(v); i += 2 {
		words = append(words, t.do(t.VPACKSSDW, v[i], v[i+1]))
	}
	b := t.do(t.VPERMD, t.load(t.packedOrder()), t.do(pack, words[0], words[len(words)-1]))
	if len(v) == 2 {
		t.VMOVDQU(b.AsX(), m)
	} else {
		t.VMOVDQU(b, m)
	}
}

func encodeQ8x0(t *tier) {
	b := t.encoder("encodeQ8x0", "Q8_0")
	sign, half := t.constant(1<<31), t.constant(0x3effffff) // just below a half: halves are rounded away from zero, exactly
	b.each(32, 34, func() {
		x := b.vectors(32)
		largest := b.magnitude(x)
		d := t.XMM()
		t.VDIVSS(t.one(127), largest, d)
		id := t.inverse(d)
		b.moderate(largest, id)
		t.storeHalf(d, at(b.dst, 0))
		scale := t.everywhere(id)
		for i, v := range x {
			v = t.mul(scale, v)
			x[i] = t.truncate(t.add(v, t.or(t.and(v, sign), half)))
		}
		t.bytes(x, true, at(b.dst, 2))
	})
}

// magnitude is the largest magnitude.
func (b *block) magnitude(x []reg.VecVirtual) reg.VecVirtual {
	bits := b.constant(1<<31 - 1)
	a := make([]reg.VecVirtual, len(x))
	for i, v := range x {
		a[i] = b.and(v, bits)
	}
	return b.fold(b.VMAXPS, a)
}

// first is the first element of x, as bits, where is holds.
func (b *block) first(x []reg.VecVirtual, is func(v reg.VecVirtual) mask) reg.Register {
	masks := make([]mask, len(x))
	for i, v := range x {
		masks[i] = is(v)
	}
	at := b.allLanes(masks)
	b.ORL(operand.U32(1<<31), at.As32()) // something is found in NaN, too
	b.BSFL(at.As32(), at.As32())
	bits := b.GP32()
	b.MOVL(operand.Mem{Base: b.x, Index: at, Scale: 4}, bits)
	return bits
}

// allLanes joins the bits of masks, at most 32, the first lowest.
func (t *tier) allLanes(masks []mask) reg.GPVirtual {
	all := t.GP64()
	for i := len(masks) - 1; i >= 0; i-- {
		part := t.GP32()
		if t.wide() {
			t.KMOVW(masks[i], part)
		} else {
			t.VMOVMSKPS(masks[i], part)
		}
		if i == len(masks)-1 {
			t.MOVL(part, all.As32())
			continue
		}
		t.SHLL(operand.Imm(uint64(t.lanes)), all.As32())
		t.ORL(part, all.As32())
	}
	return all
}

// hasBit says where bit n of integers is set.
func (t *tier) hasBit(v reg.VecVirtual, n int) mask {
	if t.wide() {
		k := t.K()
		t.VPTESTMD(v, t.constant(1<<n), k)
		return k
	}
	d := t.vec()
	t.VPSLLD(operand.Imm(uint64(31-n)), v, d) // to the sign, which is what counts
	return d
}

// encodeSymmetric writes Q4_0 or Q5_0: the element of largest magnitude becomes the lowest level.
func encodeSymmetric(t *tier, bits int) {
	b := t.encoder(fmt.Sprintf("encodeQ%dx0", bits), fmt.Sprintf("Q%d_0", bits))
	half := float32(int(1) << (bits - 1))
	offset, last := t.float(half+0.5), t.constant(uint32(2*half-1))
	size := map[int]int{4: 18, 5: 22}[bits]
	b.each(32, size, func() {
		x := b.vectors(32)
		largest := b.magnitude(x)
		wanted, magnitude := t.everywhere(largest), t.constant(1<<31-1)
		signed := b.first(x, func(v reg.VecVirtual) mask { return t.compare(t.and(v, magnitude), equal, wanted) })
		d := t.XMM()
		t.VMOVD(signed, d)
		t.VADDSS(t.one(0), d, d) // of all zeros the first may be -0
		t.VDIVSS(t.one(-half), d, d)
		id := t.inverse(d)
		b.moderate(largest, id)
		t.storeHalf(d, at(b.dst, 0))
		scale := t.everywhere(id)
		for i, v := range x {
			x[i] = t.minInt(t.truncate(t.add(t.mul(scale, v), offset)), last)
		}
		b.pack(x, bits, 2)
	})
}

// encodeAffine writes Q4_1 or Q5_1: the least element becomes level 0 and the greatest the last.
func encodeAffine(t *tier, bits int) {
	b := t.encoder(fmt.Sprintf("encodeQ%dx1", bits), fmt.Sprintf("Q%d_1", bits))
	last := int(1)<<bits - 1
	size := map[int]int{4: 20, 5: 24}[bits]
	top, half := t.constant(uint32(last)), t.float(0.5)
	b.each(32, size, func() {
		x := b.vectors(32)
		least, most := b.fold(b.VMINPS, x), b.fold(b.VMAXPS, x)
		// The sign of a zero is stored: that of the first.
		wanted := t.everywhere(least)
		t.VMOVD(b.first(x, func(v reg.VecVirtual) mask { return t.compare(v, equal, wanted) }), least)
		d := t.XMM()
		t.VSUBSS(least, most, most)
		t.VADDSS(t.one(0), most, most) // zeros differ by 0, not by -0
		t.VDIVSS(t.one(float32(last)), most, d)
		id := t.inverse(d)
		b.moderate(most, id)
		t.storeHalf(d, at(b.dst, 0))
		t.storeHalf(least, at(b.dst, 2))
		scale, lo := t.everywhere(id), t.everywhere(least)
		for i, v := range x {
			x[i] = t.minInt(t.truncate(t.add(t.mul(scale, t.sub(v, lo)), half)), top)
		}
		b.pack(x, bits, 4)
	})
}

// pack stores 32 levels of so many bits at dst+disp: fifth bits come first, then elements j and j+16 share a byte.
func (b *block) pack(levels []reg.VecVirtual, bits, disp int) {
	if bits == 5 {
		fifth := make([]mask, len(levels))
		for i, l := range levels {
			fifth[i] = b.hasBit(l, 4)
		}
		b.MOVL(b.allLanes(fifth).As32(), at(b.dst, disp))
		disp += 4
	}
	half := len(levels) / 2
	bytes := make([]reg.VecVirtual, half)
	for i := range bytes {
		low := levels[i]
		if bits == 5 {
			low = b.and(low, b.constant(15))
		}
		high := b.vec()
		b.VPSLLD(operand.Imm(4), levels[half+i], high)
		if bits == 5 {
			high = b.and(high, b.constant(0xf0))
		}
		bytes[i] = b.or(low, high)
	}
	b.bytes(bytes, false, at(b.dst, disp))
}
