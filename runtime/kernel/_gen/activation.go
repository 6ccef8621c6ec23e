package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// function of lanes. What makes one loads its constants, which therefore is done before a loop.
type function func(x reg.VecVirtual) reg.VecVirtual

// exp is exp32. It uses x up.
func (t *tier) exp() function {
	low, high, magic := t.register(t.float(-88)), t.register(t.float(88.5)), t.register(t.float(0x1.8p23+127))
	log2e, minusLn2High, minusLn2Low := t.float(0x1.715476p+0), t.float(-0x1.63p-1), t.float(0x1.bd0106p-13)
	var coefficients []vec
	for _, c := range []float32{0x1.6a4d60p-10, 0x1.12398ep-7, 0x1.5558b0p-5, 0x1.555492p-3, 0x1.fffffcp-2, 1, 1} {
		coefficients = append(coefficients, t.float(c))
	}
	return func(x reg.VecVirtual) reg.VecVirtual {
		x = t.max(low, t.min(high, x))
		n := t.copy(magic)
		t.addProduct(n, x, log2e)
		scale := t.vec()
		t.VPSLLD(operand.Imm(23), n, scale)
		n = t.sub(n, magic)
		t.addProduct(x, n, minusLn2High)
		t.addProduct(x, n, minusLn2Low)
		p := t.copy(coefficients[0])
		for _, c := range coefficients[1:] {
			t.timesPlus(p, x, c)
		}
		return t.mul(p, scale)
	}
}

// logistic is x / (1 + exp(y)).
func (t *tier) logistic() func(x, y reg.VecVirtual) reg.VecVirtual {
	exp, one := t.exp(), t.float(1)
	return func(x, y reg.VecVirtual) reg.VecVirtual { return t.div(x, t.add(exp(y), one)) }
}

func (t *tier) silu() function {
	logistic, sign := t.logistic(), t.bits(1<<31)
	return func(x reg.VecVirtual) reg.VecVirtual { return logistic(x, t.xor(x, sign)) }
}

func (t *tier) gelu() function {
	logistic, linear, cubic := t.logistic(), t.float(-0x1.988454p+0), t.float(-0x1.2444f2p-4)
	return func(x reg.VecVirtual) reg.VecVirtual {
		y := t.copy(linear)
		t.addProduct(y, t.mul(x, x), cubic)
		return logistic(x, t.mul(y, x))
	}
}

func activations(t *tier) {
	gated := func(name string, activation func() function) {
		t.function(name, "(gate, up []float32)")
		n, p := t.slices("gate", "up")
		gate, up, f := p[0], p[1], activation()
		t.each(n, p, func(s part) {
			y := f(s.load(gate))
			s.store(t.mul(y, s.load(up)), gate)
		})
		t.end()
	}
	gated("swiglu", t.silu)
	gated("geglu", t.gelu)

	t.function("gelu", "(x []float32)")
	n, p := t.slices("x")
	x, f := p[0], t.gelu()
	t.each(n, p, func(s part) { s.store(f(s.load(x)), x) })
	t.end()
}
