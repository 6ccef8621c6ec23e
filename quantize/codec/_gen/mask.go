package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// mask holds a truth value for each lane: an opmask register in AVX-512, a vector of ones and zeros in AVX2.
type mask = reg.Register

// Predicates of comparisons. NaN is ordered with nothing: only notEqual and those that begin with not hold of it.
const (
	equal           = 0x00 // EQ_OQ
	unordered       = 0x03 // UNORD_Q
	less            = 0x11 // LT_OQ
	lessOrEqual     = 0x12 // LE_OQ
	notEqual        = 0x04 // NEQ_UQ
	notLess         = 0x15 // NLT_UQ
	notLessEqual    = 0x16 // NLE_UQ
	notGreater      = 0x1a // NGT_UQ
	greater         = 0x1e // GT_OQ
	notGreaterEqual = 0x19 // NGE_UQ
)

// compare says where a is predicate b.
func (t *tier) compare(a vec, predicate uint64, b vec) mask {
	var m mask
	if t.wide() {
		m = t.K()
	} else {
		m = t.YMM()
	}
	t.VCMPPS(operand.Imm(predicate), b, a, m)
	return m
}

// both says where a and b hold.
func (t *tier) both(a, b mask) mask {
	if t.wide() {
		k := t.K()
		t.KANDW(a, b, k)
		return k
	}
	return t.and(a, b)
}

// either says where a or b hold.
func (t *tier) either(a, b mask) mask {
	if t.wide() {
		k := t.K()
		t.KORW(a, b, k)
		return k
	}
	return t.or(a, b)
}

// choose is a where m holds, else b.
func (t *tier) choose(m mask, a, b vec) reg.VecVirtual {
	if m, ok := b.(operand.Mem); ok {
		b = t.load(m)
	}
	d := t.vec()
	if t.wide() {
		i, err := x86.VBLENDMPS(a, b, m, d)
		if err != nil {
			panic(err)
		}
		i.Inputs = []operand.Op{a, b, m} // not d: avo takes this for an instruction that merges
		t.Instruction(i)
	} else {
		t.VBLENDVPS(m, a, b, d)
	}
	return d
}

// ones is a vector of ones where m holds and zeros elsewhere.
func (t *tier) ones(m mask) reg.Register {
	if t.wide() {
		d := t.vec()
		t.VPMOVM2D(m, d)
		return d
	}
	return m
}

// flags is a bit for each lane, set where v's sign is.
func (t *tier) flags(v reg.Register) reg.Register {
	r := t.GP32()
	if t.wide() {
		k := t.K()
		t.VPMOVD2M(v, k)
		t.KMOVW(k, r)
	} else {
		t.VMOVMSKPS(v, r)
	}
	return r
}

// unless jumps to label when m holds nowhere.
func (t *tier) unless(m mask, label string) {
	if t.wide() {
		t.KORTESTW(m, m)
	} else {
		t.VPTEST(m, m)
	}
	t.JZ(operand.LabelRef(label))
}

// unlessAny jumps to label when v, made of ones and zeros, has no ones.
func (t *tier) unlessAny(v reg.VecVirtual, label string) {
	if t.wide() {
		k := t.K()
		t.VPTESTMD(v, v, k)
		t.KORTESTW(k, k)
	} else {
		t.VPTEST(v, v)
	}
	t.JZ(operand.LabelRef(label))
}
