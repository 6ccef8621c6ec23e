package neon

import "math"

// Functions of vectors take blocks of 16 elements, four registers; what is left at the end is computed in Go. Sums are
// added to 16 lanes in memory.

// operand is a vector of blocks: where the next one lies, and a register for each quarter of one.
type operand struct {
	p reg
	v []int
}

// vector begins an operand of blocks.
func (a *asm) vector(name string) operand { return operand{a.param(name), a.vs(4)} }

// read loads the next block and advances.
func (a *asm) read(o operand) {
	a.do(ldpQPost, o.v[0], o.v[1], int(o.p), 32)
	a.do(ldpQPost, o.v[2], o.v[3], int(o.p), 32)
}

// peek is read without advancing.
func (a *asm) peek(o operand) {
	a.do(ldpQ, o.v[0], o.v[1], int(o.p), 0)
	a.do(ldpQ, o.v[2], o.v[3], int(o.p), 32)
}

// write stores v in the operand's place and advances.
func (a *asm) write(o operand, v []int) {
	a.do(stpQPost, v[0], v[1], int(o.p), 32)
	a.do(stpQPost, v[2], v[3], int(o.p), 32)
}

// each is d = n op m for each register of a block.
func (a *asm) each(i instruction, d, n, m []int) {
	for q := range d {
		a.do(i, d[q], n[q], m[q])
	}
}

// eachElement is d = n op an element of m.
func (a *asm) eachElement(i instruction, d, n []int, m, element int) {
	for q := range d {
		a.do(i, d[q], n[q], m, element)
	}
}

// unary is d = op n.
func (a *asm) unary(i instruction, d, n []int) {
	for q := range d {
		a.do(i, d[q], n[q])
	}
}

// all is a register with the parameter in every lane.
func (a *asm) all(name string) []int {
	v := a.scalar(name)
	a.do(dupLane, v, v, 0)
	return []int{v, v, v, v}
}

// vectorFunction begins one and returns the number of blocks.
func (a *asm) vectorFunction(name, signature string) reg {
	a.function(name+"NEON", signature, "is vectors."+name+" of blocks.")
	return a.param("blocks")
}

func vectors(a *asm) {
	a.elementwise()
	a.norms()
	a.gates()
	a.softmax()
	a.rope()
	a.attention()
}

func (a *asm) elementwise() {
	n := a.vectorFunction("add", "(dst, x *float32, blocks int)")
	dst, x := a.vector("dst"), a.vector("x")
	a.loop("loop", n, func() {
		a.peek(dst)
		a.read(x)
		a.each(fadd, dst.v, dst.v, x.v)
		a.write(dst, dst.v)
	})
	a.ret()

	n = a.vectorFunction("scale", "(x *float32, blocks int, f float32)")
	x = a.vector("x")
	f := a.all("f")
	a.loop("loop", n, func() {
		a.peek(x)
		a.each(fmul, x.v, x.v, f)
		a.write(x, x.v)
	})
	a.ret()

	n = a.vectorFunction("addScaled", "(dst, x *float32, blocks int, f float32)")
	dst, x = a.vector("dst"), a.vector("x")
	f = a.all("f")
	a.loop("loop", n, func() {
		a.peek(dst)
		a.read(x)
		a.each(fmla, dst.v, x.v, f)
		a.write(dst, dst.v)
	})
	a.ret()
}

// lanes runs a loop with the lanes at the parameter of that name in registers.
func (a *asm) lanes(n reg, body func(sums []int)) {
	sums := a.vector("lanes")
	a.peek(sums)
	a.loop("loop", n, func() { body(sums.v) })
	a.write(sums, sums.v)
	a.ret()
}

func (a *asm) norms() {
	n := a.vectorFunction("squares", "(x, lanes *float32, blocks int)")
	x := a.vector("x")
	a.lanes(n, func(sums []int) {
		a.read(x)
		a.each(fmla, sums, x.v, x.v)
	})

	n = a.vectorFunction("addSquares", "(dst, x, lanes *float32, blocks int)")
	dst, x := a.vector("dst"), a.vector("x")
	a.lanes(n, func(sums []int) {
		a.peek(dst)
		a.read(x)
		a.each(fadd, x.v, dst.v, x.v)
		a.write(dst, x.v)
		a.each(fmla, sums, x.v, x.v)
	})

	n = a.vectorFunction("weighted", "(dst, x, weight *float32, blocks int, f float32)")
	dst, x, weight := operand{p: a.param("dst")}, a.vector("x"), a.vector("weight")
	f := a.all("f")
	a.loop("loop", n, func() {
		a.read(x)
		a.read(weight)
		a.each(fmul, x.v, x.v, f)
		a.each(fmul, x.v, x.v, weight.v)
		a.write(dst, x.v)
	})
	a.ret()

	n = a.vectorFunction("total", "(x, lanes *float32, blocks int)")
	x = a.vector("x")
	a.lanes(n, func(sums []int) {
		a.read(x)
		a.each(fadd, sums, sums, x.v)
	})

	n = a.vectorFunction("deviations", "(x, lanes *float32, blocks int, mean float32)")
	x = a.vector("x")
	mean := a.all("mean")
	a.lanes(n, func(sums []int) {
		a.read(x)
		a.each(fsub, x.v, x.v, mean)
		a.each(fmla, sums, x.v, x.v)
	})

	n = a.vectorFunction("centred", "(dst, x, weight *float32, blocks int, mean, f float32)")
	dst, x, weight = operand{p: a.param("dst")}, a.vector("x"), a.vector("weight")
	mean, f = a.all("mean"), a.all("f")
	a.loop("loop", n, func() {
		a.read(x)
		a.read(weight)
		a.each(fsub, x.v, x.v, mean)
		a.each(fmul, x.v, x.v, f)
		a.each(fmul, x.v, x.v, weight.v)
		a.write(dst, x.v)
	})
	a.ret()
}

// exponential has what exp32 needs in registers.
type exponential struct {
	*asm
	low, high, magic, one []int // each in all lanes
	constants             []int // four in each
	t, p, q               []int
}

// The places of constants in what exponential loads.
const (
	log2e = iota
	ln2High
	minusLn2Low
	exp6
	exp5
	exp4
	exp3
	exp2
	geluLinear
	geluCubic
	constants = 12
)

var expConstants = [constants]float32{log2e: 0x1.715476p+0, ln2High: 0x1.63p-1, minusLn2Low: 0x1.bd0106p-13,
	exp6: 0x1.6a4d60p-10, exp5: 0x1.12398ep-7, exp4: 0x1.5558b0p-5, exp3: 0x1.555492p-3, exp2: 0x1.fffffcp-2,
	geluLinear: -0x1.988454p+0, geluCubic: -0x1.2444f2p-4}

func (a *asm) exponential() *exponential {
	all := func(f float32) []int {
		v := a.v()
		a.constant(v, math.Float32bits(f))
		return []int{v, v, v, v}
	}
	e := &exponential{asm: a, low: all(-88), high: all(88.5), magic: all(0x1.8p23 + 127), one: all(1),
		constants: a.vs(constants / 4), t: a.vs(4), p: a.vs(4), q: a.vs(4)}
	p := a.r()
	a.line("MOVD $expConstants<>(SB), %s", p)
	for i, v := range e.constants {
		a.do(ldrQ, v, int(p), 16*i)
	}
	return e
}

// of is exp32 of the registers of x, which are used up; the result is in others.
func (e *exponential) of(x []int) []int {
	element := func(i instruction, d, n []int, c int) { e.eachElement(i, d, n, e.constants[c/4], c%4) }
	constant := func(d []int, c int) {
		for _, v := range d {
			e.do(dupLane, v, e.constants[c/4], c%4)
		}
	}
	e.each(fmin, x, x, e.high)
	e.each(fmax, x, x, e.low)
	e.each(orr, e.t, e.magic, e.magic)
	element(fmlaElement, e.t, x, log2e)
	e.each(fsub, e.p, e.t, e.magic)
	element(fmlsElement, x, e.p, ln2High)
	element(fmlaElement, x, e.p, minusLn2Low)
	p, q := e.p, e.q
	constant(p, exp5)
	element(fmlaElement, p, x, exp6)
	for _, c := range []int{exp4, exp3, exp2} {
		constant(q, c)
		e.each(fmla, q, p, x)
		p, q = q, p
	}
	for range 2 {
		e.each(orr, q, e.one, e.one)
		e.each(fmla, q, p, x)
		p, q = q, p
	}
	for _, v := range e.t {
		e.do(shl, v, v, 23)
	}
	e.each(fmul, p, p, e.t)
	return p
}

// logistic sets x to x / (1 + exp(y)). It uses y up.
func (e *exponential) logistic(x, y []int) {
	p := e.of(y)
	e.each(fadd, p, p, e.one)
	e.each(fdiv, x, x, p)
}

// silu and gelu set x to what they are of it.
func (e *exponential) silu(x, y []int) {
	e.unary(fneg, y, x)
	e.logistic(x, y)
}

func (e *exponential) gelu(x, y []int) {
	e.each(fmul, e.t, x, x)
	for _, v := range y {
		e.do(dupLane, v, e.constants[geluLinear/4], geluLinear%4)
	}
	e.eachElement(fmlaElement, y, e.t, e.constants[geluCubic/4], geluCubic%4)
	e.each(fmul, y, y, x)
	e.logistic(x, y)
}

func (a *asm) gates() {
	for _, gate := range []struct {
		name string
		of   func(e *exponential, x, y []int)
	}{{"swiglu", (*exponential).silu}, {"geglu", (*exponential).gelu}} {
		n := a.vectorFunction(gate.name, "(gate, up *float32, blocks int)")
		x, up := a.vector("gate"), a.vector("up")
		e := a.exponential()
		a.loop("loop", n, func() {
			a.peek(x)
			gate.of(e, x.v, up.v)
			a.read(up)
			a.each(fmul, x.v, x.v, up.v)
			a.write(x, x.v)
		})
		a.ret()
	}
	n := a.vectorFunction("gelu", "(x *float32, blocks int)")
	x, y := a.vector("x"), a.vs(4)
	e := a.exponential()
	a.loop("loop", n, func() {
		a.peek(x)
		e.gelu(x.v, y)
		a.write(x, x.v)
	})
	a.ret()

	n = a.vectorFunction("exp", "(x *float32, blocks int)")
	x = a.vector("x")
	e = a.exponential()
	a.loop("loop", n, func() {
		a.peek(x)
		a.write(x, e.of(x.v))
	})
	a.ret()
}

func (a *asm) softmax() {
	n := a.vectorFunction("peak", "(x, top *float32, blocks int)")
	x := a.vector("x")
	top, p := a.vs(4), a.param("top")
	for _, v := range top {
		a.do(ld1r, v, int(p))
	}
	a.loop("loop", n, func() {
		a.read(x)
		a.each(fmaxnm, top, top, x.v)
	})
	a.largest(top)
	a.do(strS, top[0], int(p), 0)
	a.ret()

	n = a.vectorFunction("expSum", "(x, lanes *float32, blocks int, top float32)")
	x = a.vector("x")
	highest := a.all("top")
	e := a.exponential()
	a.lanes(n, func(sums []int) {
		a.peek(x)
		a.each(fsub, x.v, x.v, highest)
		y := e.of(x.v)
		a.write(x, y)
		a.each(fadd, sums, sums, y)
	})
}

// largest makes the first lane of the first register the largest of all.
func (a *asm) largest(v []int) {
	a.do(fmaxnm, v[0], v[0], v[1])
	a.do(fmaxnm, v[2], v[2], v[3])
	a.do(fmaxnm, v[0], v[0], v[2])
	a.do(fmaxnmv, v[0], v[0])
}

func (a *asm) rope() {
	// turn turns pairs of x and y by the angles of cosines c and sines s. It uses s up, and t is free.
	turn := func(x, y, c, s, t []int) {
		a.each(fmul, t, y, s)
		a.unary(fneg, t, t)
		a.each(fmul, s, x, s)
		a.each(fmla, t, x, c)
		a.each(fmla, s, y, c)
		a.each(orr, x, t, t)
		a.each(orr, y, s, s)
	}
	n := a.vectorFunction("turnHalves", "(a, b, cos, sin *float32, blocks int)")
	x, y, c, s, t := a.vector("a"), a.vector("b"), a.vector("cos"), a.vector("sin"), a.vs(4)
	a.loop("loop", n, func() {
		for _, o := range []operand{x, y} {
			a.peek(o)
		}
		a.read(c)
		a.read(s)
		turn(x.v, y.v, c.v, s.v, t)
		a.write(x, x.v)
		a.write(y, y.v)
	})
	a.ret()

	n = a.vectorFunction("turnPairs", "(x, cos, sin *float32, blocks int)")
	p, c, s, t := a.param("x"), a.vector("cos"), a.vector("sin"), a.vs(4)
	var first, second []int
	for range 4 { // LD2 takes registers one behind the other
		first, second = append(first, a.v()), append(second, a.v())
	}
	from := a.r()
	a.loop("loop", n, func() {
		a.move(p, from)
		for i := range first {
			a.do(ld2Post, first[i], second[i], int(from))
		}
		a.read(c)
		a.read(s)
		turn(first, second, c.v, s.v, t)
		for i := range first {
			a.do(st2Post, first[i], second[i], int(p))
		}
	})
	a.ret()
}
