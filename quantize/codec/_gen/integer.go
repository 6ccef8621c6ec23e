package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stepBias is 1.5*2^23: adding it rounds to an integer, half to even.
const stepBias = 12582912

// nearest is the function of this name: rounded to integers, which wrap around from 2^22 on.
func (t *tier) nearest(v vec) reg.VecVirtual {
	b := t.and(t.add(v, t.float(stepBias)), t.constant(0x007fffff))
	return t.do(t.VPSUBD, b, t.constant(0x00400000))
}

// toFloat and toInt convert integers.
func (t *tier) toFloat(v vec) reg.VecVirtual {
	d := t.vec()
	t.VCVTDQ2PS(v, d)
	return d
}

func (t *tier) toInt(v vec) reg.VecVirtual {
	d := t.vec()
	t.VCVTPS2DQ(v, d)
	return d
}

// minInt and maxInt compare integers with signs.
func (t *tier) minInt(a, b vec) reg.VecVirtual { return t.do(t.VPMINSD, a, b) }
func (t *tier) maxInt(a, b vec) reg.VecVirtual { return t.do(t.VPMAXSD, a, b) }

// lowByte is what is left of integers in a byte without sign.
func (t *tier) lowByte(v vec) reg.VecVirtual { return t.and(v, t.constant(0xff)) }

// counter is a register that holds n.
func (t *tier) counter(n int) reg.Register {
	r := t.GP64()
	t.MOVQ(operand.I32(n), r)
	return r
}
