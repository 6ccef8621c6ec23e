package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tier writes functions for one tier of package cpu, in vectors of so many float32. What a function computes is written
// once, with the methods below; where the instructions of the tiers differ, the methods choose.
type tier struct {
	*build.Context
	name   string // the end of functions' names
	lanes  int
	labels int
	tables map[string]operand.Mem // constant data by its name
}

// block is the number of elements that functions take at a time, on every tier: sums have as many lanes.
const block = 16

func tiers(c *build.Context) []*tier {
	tables := map[string]operand.Mem{}
	var all []*tier
	for _, t := range []tier{{name: "AVX2", lanes: 8}, {name: "AVX512", lanes: 16}} {
		t.Context, t.tables = c, tables
		all = append(all, &t)
	}
	return all
}

// vec is a register of lanes; where it is only read it may be memory of as many.
type vec = operand.Op

// function begins the function name of this tier.
func (t *tier) function(name, signature string) {
	t.Function(name + t.name)
	t.Attributes(attr.NOSPLIT)
	t.SignatureExpr("func" + signature)
	t.Doc(fmt.Sprintf("%s%s is vectors.%s.", name, t.name, name))
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

// parts is the number of vectors that make a block.
func (t *tier) parts() int { return block / t.lanes }

func (t *tier) vec() reg.VecVirtual {
	if t.wide() {
		return t.ZMM()
	}
	return t.YMM()
}

// slices loads the addresses of the slices that are the function's parameters of these names, and how many elements they
// all have.
func (t *tier) slices(names ...string) (n reg.Register, pointers []reg.Register) {
	n = t.Load(t.Param(names[0]).Len(), t.GP64())
	for i, name := range names {
		if i > 0 {
			other := t.Load(t.Param(name).Len(), t.GP64())
			t.CMPQ(other, n)
			t.CMOVQLT(other, n)
		}
		pointers = append(pointers, t.Load(t.Param(name).Base(), t.GP64()))
	}
	return n, pointers
}

// scalar is the float32 parameter name in all lanes.
func (t *tier) scalar(name string) reg.VecVirtual {
	d := t.vec()
	t.VBROADCASTSS(address(t.Param(name)), d)
	return d
}

// give makes the first lane of x the function's result. (Store would take an instruction of SSE, which is slow here.)
func (t *tier) give(x reg.Register) { t.VMOVSS(x, address(t.ReturnIndex(0))) }

// address is where a parameter or result lies.
func address(c gotypes.Component) operand.Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// at is the vector at byte disp behind p.
func at(p reg.Register, disp int) operand.Mem { return operand.Mem{Base: p, Disp: disp} }

// op is a three-operand instruction in the order of Go's assembler, a method of build.Context.
type op func(...operand.Op)

// do is the result of op on a and b, b being what may lie in memory.
func (t *tier) do(o op, a, b vec) reg.VecVirtual {
	d := t.vec()
	o(b, a, d)
	return d
}

func (t *tier) add(a, b vec) reg.VecVirtual { return t.do(t.VADDPS, a, b) }
func (t *tier) sub(a, b vec) reg.VecVirtual { return t.do(t.VSUBPS, a, b) }
func (t *tier) mul(a, b vec) reg.VecVirtual { return t.do(t.VMULPS, a, b) }
func (t *tier) div(a, b vec) reg.VecVirtual { return t.do(t.VDIVPS, a, b) }
func (t *tier) xor(a, b vec) reg.VecVirtual { return t.do(t.VXORPS, a, b) }

// min is a where a < b, else b; max is a where a > b, else b. So b is what is left of NaN.
func (t *tier) min(a, b vec) reg.VecVirtual { return t.do(t.VMINPS, a, b) }
func (t *tier) max(a, b vec) reg.VecVirtual { return t.do(t.VMAXPS, a, b) }

// addProduct sets c to a*b + c, rounded once. b may lie in memory.
func (t *tier) addProduct(c reg.Register, a, b vec) { t.VFMADD231PS(b, a, c) }

// timesPlus sets a to a*b + c, rounded once. c may lie in memory.
func (t *tier) timesPlus(a reg.Register, b, c vec) { t.VFMADD213PS(c, b, a) }

// copy is a register with what v holds.
func (t *tier) copy(v vec) reg.VecVirtual {
	d := t.vec()
	t.VMOVUPS(v, d)
	return d
}

// register is v, loaded if it is memory.
func (t *tier) register(v vec) reg.VecVirtual {
	if r, ok := v.(reg.VecVirtual); ok {
		return r
	}
	return t.copy(v)
}

func (t *tier) zero() reg.VecVirtual {
	d := t.vec()
	if t.wide() {
		t.VPXORD(d, d, d)
	} else {
		t.VPXOR(d, d, d)
	}
	return d
}

// float is the constant f in all lanes: a register with AVX-512, which has many, else memory.
func (t *tier) float(f float32) vec { return t.bits(math.Float32bits(f)) }

// bits is the constant with these bits in all lanes, as float is.
func (t *tier) bits(b uint32) vec {
	m := t.table(fmt.Sprintf("bits_%08x", b), slices.Repeat([]uint64{uint64(b)<<32 | uint64(b)}, 4))
	if !t.wide() {
		return m
	}
	d := t.vec()
	t.VBROADCASTSS(m, d)
	return d
}

// table is constant data, which all functions of a file share.
func (t *tier) table(name string, data []uint64) operand.Mem {
	m, ok := t.tables[name]
	if !ok {
		m = t.StaticGlobal(name)
		t.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, v := range data {
			t.AppendDatum(operand.U64(v))
		}
		t.tables[name] = m
	}
	return m
}

// label makes a name that is new in the file.
func (t *tier) label(name string) string {
	t.labels++
	return fmt.Sprintf("%s%d%s", name, t.labels, t.name)
}
