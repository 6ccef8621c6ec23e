package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows runs body for each of n rows of matrices, a vector each, at places that move from row to row.
func (t *tier) rows(n int, matrices []reg.Register, body func(at []operand.Mem)) {
	var places []operand.Mem
	for _, m := range matrices {
		places = append(places, at(t.copyOf(m), 0))
	}
	t.loop(t.counter(n), func() {
		body(places)
		for _, m := range places {
			t.advance(m.Base, t.width())
		}
	})
}

// copyOf is a copy of a pointer or number, to be changed.
func (t *tier) copyOf(p reg.Register) reg.Register {
	r := t.GP64()
	t.MOVQ(p, r)
	return r
}

// table is read-only memory with these bits, the same for all that ask for the name.
func (t *tier) table(name string, bits ...uint32) operand.Mem {
	m, ok := t.tables[name]
	if !ok {
		m = t.StaticGlobal(name)
		t.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, b := range bits {
			t.AppendDatum(operand.U32(b))
		}
		t.tables[name] = m
	}
	return m
}

// floats are the bits of f.
func floats(f ...float32) (bits []uint32) {
	for _, v := range f {
		bits = append(bits, math.Float32bits(v))
	}
	return bits
}

// signedMost is the first element of largest magnitude of each lane, in n rows: 0 when all are 0.
func (t *tier) signedMost(x reg.Register, n int) reg.VecVirtual {
	signed, most := t.zero(), t.zero()
	magnitude := t.constant(1<<31 - 1)
	t.rows(n, []reg.Register{x}, func(at []operand.Mem) {
		v := t.load(at[0])
		a := t.and(v, magnitude)
		t.set(signed, t.choose(t.compare(a, greater, most), v, signed))
		t.set(most, t.max(a, most))
	})
	return signed
}
