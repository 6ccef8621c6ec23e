package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tier writes functions for one tier of package cpu, in vectors of so many float32. What a function computes is written
// once, with the methods below; where the instructions of the tiers differ, the methods choose.
//
// Products and sums are never fused: the bytes are those of float32(a*b) + c.
type tier struct {
	*build.Context
	name      string // the end of functions' names
	lanes     int
	labels    int
	constants map[uint32]operand.Mem // one of each
	vectors   map[uint32]operand.Mem // as many as lanes
	tables    map[string]operand.Mem
}

func tiers(c *build.Context) []*tier {
	constants, vectors, tables := map[uint32]operand.Mem{}, map[uint32]operand.Mem{}, map[string]operand.Mem{}
	return []*tier{
		{Context: c, name: "AVX2", lanes: 8, constants: constants, vectors: vectors, tables: tables},
		{Context: c, name: "AVX512", lanes: 16, constants: constants, vectors: vectors, tables: tables},
	}
}

// vec is a register of lanes, or where it is only read, memory of as many.
type vec = operand.Op

// function begins the function name of this tier.
func (t *tier) function(name, signature, doc string) {
	t.Function(name + t.name)
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr("func" + signature)
	t.Doc(strings.Split(name+t.name+" "+doc, "\n")...)
	t.Pragma("noescape")
}

// end returns from the function.
func (t *tier) end() {
	t.VZEROUPPER()
	t.RET()
}

func (t *tier) wide() bool { return t.lanes == 16 }

// width is the size of a vector in bytes.
func (t *tier) width() int { return 4 * t.lanes }

func (t *tier) vec() reg.VecVirtual {
	if t.wide() {
		return t.ZMM()
	}
	return t.YMM()
}

// pointer loads the pointer or int parameter name.
func (t *tier) pointer(name string) reg.Register { return t.Load(t.Param(name), t.GP64()) }

// at is the vector at byte disp behind p.
func at(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }

// advance moves p by so many bytes.
func (t *tier) advance(p reg.Register, bytes int) { t.ADDQ(operand.I32(bytes), p) }

// op is a three-operand instruction in the order of Go's assembler, a method of build.Context.
type op func(...operand.Op)

// do is the result of op on a and b.
func (t *tier) do(o op, a, b vec) reg.VecVirtual {
	if m, ok := a.(operand.Mem); ok { // only b may lie in memory
		a = t.load(m)
	}
	d := t.vec()
	o(b, a, d)
	return d
}

func (t *tier) add(a, b vec) reg.VecVirtual { return t.do(t.VADDPS, a, b) }
func (t *tier) sub(a, b vec) reg.VecVirtual { return t.do(t.VSUBPS, a, b) }
func (t *tier) mul(a, b vec) reg.VecVirtual { return t.do(t.VMULPS, a, b) }
func (t *tier) div(a, b vec) reg.VecVirtual { return t.do(t.VDIVPS, a, b) }

// min is a where a < b, else b; max is a where a > b, else b. That is which of two zeros, and what of NaN.
func (t *tier) min(a, b vec) reg.VecVirtual { return t.do(t.VMINPS, a, b) }
func (t *tier) max(a, b vec) reg.VecVirtual { return t.do(t.VMAXPS, a, b) }

func (t *tier) and(a, b vec) reg.VecVirtual { return t.do(t.VANDPS, a, b) }
func (t *tier) or(a, b vec) reg.VecVirtual  { return t.do(t.VORPS, a, b) }
func (t *tier) xor(a, b vec) reg.VecVirtual { return t.do(t.VXORPS, a, b) }

// sum adds v to s.
func (t *tier) sum(s reg.Register, v vec) { t.VADDPS(v, s, s) }

// load reads memory; store writes it.
func (t *tier) load(m operand.Mem) reg.VecVirtual {
	d := t.vec()
	t.VMOVUPS(m, d)
	return d
}
func (t *tier) store(v reg.Register, m operand.Mem) { t.VMOVUPS(v, m) }

// set copies v to d.
func (t *tier) set(d reg.Register, v vec) { t.VMOVAPS(v, d) }

func (t *tier) zero() reg.VecVirtual {
	d := t.vec()
	if t.wide() {
		t.VPXORD(d, d, d)
	} else {
		t.VPXOR(d, d, d)
	}
	return d
}

// spread puts the float32 or uint32 in memory into all lanes.
func (t *tier) spread(m operand.Mem) reg.VecVirtual {
	d := t.vec()
	t.VBROADCASTSS(m, d)
	return d
}

// scalar is the float32 or uint32 parameter name in all lanes.
func (t *tier) scalar(name string) reg.VecVirtual {
	param, err := t.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return t.spread(param.Addr)
}

// bits is the constant with these bits in all lanes.
func (t *tier) bits(b uint32) reg.VecVirtual { return t.spread(t.one(math.Float32frombits(b))) }

// one is the constant in memory.
func (t *tier) one(f float32) operand.Mem {
	b := math.Float32bits(f)
	m, ok := t.constants[b]
	if !ok {
		m = t.ConstData(fmt.Sprintf("bits_%08x", b), operand.U32(b))
		t.constants[b] = m
	}
	return m
}

// loop repeats body, n at least 1 times, counting n down.
func (t *tier) loop(n reg.Register, body func()) {
	label := t.label("loop")
	t.Label(label)
	body()
	t.DECQ(n)
	t.JNE(operand.LabelRef(label))
}

// label makes a name that is new in the file.
func (t *tier) label(name string) string {
	t.labels++
	return fmt.Sprintf("%s%d", name, t.labels)
}

// constant is a vector with these bits in all lanes: a register of those of AVX-512, which are many, and memory in AVX2.
func (t *tier) constant(b uint32) vec {
	if t.wide() {
		return t.bits(b)
	}
	m, ok := t.vectors[b]
	if !ok {
		m = t.StaticGlobal(fmt.Sprintf("lanes_%08x", b))
		t.DataAttributes(attr.RODATA | attr.NOPTR)
		for range t.lanes {
			t.AppendDatum(operand.U32(b))
		}
		t.vectors[b] = m
	}
	return m
}

// float is constant of f.
func (t *tier) float(f float32) vec { return t.constant(math.Float32bits(f)) }
