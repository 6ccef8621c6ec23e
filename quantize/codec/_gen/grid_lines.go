package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gridLines writes the search of gridNearest for a series of scales. While these fall, a group has the same lattice point,
// and so the same list, for several tries. The error of a point q at the scale s, Σw(sq-x)², is
//
//	s(sA+B) + Σwx²   with   A = Σwq²   and   B = -2Σwxq
//
// and once A and B are known for a list, it takes one instruction to have sA+B of its points. The least one counts where no
// other is as near as rounding can err, here and in the definition; else the errors are computed as they are defined.
//
// How far rounding can err: with m = s*top+|x|, top the highest level's value, and u = 2^-24, the defined error of a point
// is wrong by at most 13uΣwm², and s(sA+B) by 22uΣwm². Twice both is less than the margin, 2^-17 Σwm².
func gridLines(t *tier, dims int) {
	t.function(fmt.Sprintf("gridLines%d", dims), "(found, codes *uint16, scales, x, roots *float32, wanted *uint16, tries int, lookup, lists *uint32, points *uint16, scratch *float32)",
		"is gridNearest for tries with falling scales. scratch has room for 192 vectors.")
	s := &linesSearch{nearestSearch: nearestSearch{tier: t, dims: dims}}
	s.write()
}

type linesSearch struct {
	nearestSearch
	a, b   []vec // what levels add to A and B
	margin reg.VecVirtual

	code, scale, index         reg.GPVirtual // where the try's are; what is found is index bytes from code
	end                        operand.Mem   // of scales
	current                    reg.GPVirtual // the code
	place, parts, found, point reg.GPVirtual // the list, its points, and what is stored
	try, done                  string        // labels: the next code, the end of the group
}

// write writes loops over sub-blocks and groups; what they need lies in memory.
func (s *linesSearch) write() {
	t := s.tier
	local := func(name string) operand.Mem {
		m := t.AllocLocal(8)
		if name != "" {
			t.MOVQ(t.pointer(name), m)
		}
		return m
	}
	x, roots, wanted, lanesEnd := local("x"), local(""), local("wanted"), local("")
	codesOfLane, codesOfGroup, scalesOfLane := local("codes"), local(""), local("scales")
	bits := local("")
	s.end = local("")
	s.code, s.scale, s.index = t.GP64(), t.GP64(), t.pointer("found").(reg.GPVirtual)
	p := t.GP64()
	t.SUBQ(codesOfLane, s.index)
	t.MOVQ(t.pointer("roots"), p)
	t.SUBQ(x, p)
	t.MOVQ(p, roots)
	t.MOVQ(t.pointer("tries"), p)
	t.SHLQ(operand.Imm(uint64(log2(4*t.lanes))), p)
	t.ADDQ(scalesOfLane, p)
	t.MOVQ(p, s.end)
	t.MOVQ(wanted, p)
	t.advance(p, 2*t.lanes)
	t.MOVQ(p, lanesEnd)
	s.constants()
	s.allocate()
	for range s.x {
		s.a, s.b = append(s.a, s.room()), append(s.b, s.room())
	}
	s.margin = t.vec()
	s.current, s.place, s.parts, s.found, s.point = t.GP64(), t.GP64(), t.GP64(), t.GP64(), t.GP64()

	lane, group := t.label("lane"), t.label("group")
	s.try, s.done = t.label("try"), t.label("done")
	t.Label(lane)
	t.MOVQ(wanted, p)
	t.MOVWQZX(at(p, 0), s.found)
	t.MOVQ(s.found, bits)
	t.MOVQ(codesOfLane, p)
	t.MOVQ(p, codesOfGroup)
	t.Label(group)
	t.TESTB(operand.Imm(1), bits)
	t.JEQ(operand.LabelRef(s.done))
	t.MOVQ(x, p)
	t.MOVQ(roots, s.place)
	s.prepare(p, s.place)
	t.MOVQ(codesOfGroup, s.code)
	t.MOVQ(scalesOfLane, s.scale)
	s.lines(p, s.place)
	t.Label(s.try)
	s.find()
	t.Label(s.done)
	t.ADDQ(operand.I32(int32(4*s.dims)), x)
	t.ADDQ(operand.I32(int32(gridRows*2*t.lanes)), codesOfGroup)
	t.SHRL(operand.Imm(1), bits)
	t.CMPB(bits, operand.Imm(1))
	t.JNE(operand.LabelRef(group))
	t.ADDQ(operand.Imm(2), codesOfLane)
	t.ADDQ(operand.Imm(4), scalesOfLane)
	t.ADDQ(operand.Imm(4), s.end)
	t.MOVQ(wanted, p)
	t.advance(p, 2)
	t.MOVQ(p, wanted)
	t.CMPQ(p, lanesEnd)
	t.JB(operand.LabelRef(lane))
	t.end()
	for _, write := range s.later {
		write()
	}
}

// top is the highest level's value.
func (s *linesSearch) top() float32 { return map[int]float32{8: 5, 4: 15}[s.dims] }

// lines makes what the levels of a group add to A and B, and the margin. To B everything is added that makes sA+B not
// negative, so that it compares as integers do.
func (s *linesSearch) lines(x, roots reg.Register) {
	t := s.tier
	magnitude, top := t.constant(1<<31-1), t.float(2*s.top())
	values := t.inRegister(s.values)
	squares, twice := t.mul(values, values), t.add(values, values)
	for i, v := range s.x {
		w := t.inRegister(s.w[i])
		wx := t.mul(w, v)
		t.VMOVUPS(t.mul(w, squares), s.a[i])
		t.VMOVUPS(t.sub(t.mul(t.and(wx, magnitude), top), t.mul(wx, twice)), s.b[i])
	}
	// 2^-17 Σw(top²s + 2top|x| + x²/s), s being the first scale, the largest, where it multiplies, and else the last.
	of := func(f float32) operand.Mem { return t.eight(math.Float32bits(f)) }
	inverse, first, m, a, w := t.YMM(), t.YMM(), t.YMM(), t.YMM(), t.YMM()
	t.MOVQ(s.end, s.found)
	t.VBROADCASTSS(operand.Mem{Base: s.found, Disp: -4 * t.lanes}, inverse)
	t.VRCPPS(inverse, inverse) // the margin has room for its error
	t.VBROADCASTSS(at(s.scale, 0), first)
	t.VMULPS(of(s.top()*s.top()), first, first)
	elements, weights := operand.Mem{Base: x}, operand.Mem{Base: x, Index: roots, Scale: 1}
	if s.dims == 8 {
		t.VMOVUPS(elements, a)
		t.VMOVUPS(weights, w)
	} else { // they count twice
		t.VBROADCASTF128(elements, a)
		t.VBROADCASTF128(weights, w)
	}
	t.VANDPS(t.eight(1<<31-1), a, a)
	t.VANDPS(t.eight(1<<31-1), w, w)
	t.VMULPS(inverse, a, m)
	t.VADDPS(of(2*s.top()), m, m)
	t.VMULPS(a, m, m)
	t.VADDPS(first, m, m)
	t.VMULPS(w, m, m)
	t.VMULPS(of(0x1p-100), inverse, inverse) // more than what subnormal numbers lose
	t.VADDPS(inverse, m, m)
	t.VMULPS(of(0x1p-17), m, m)
	other := t.YMM()
	t.VPERM2F128(operand.Imm(1), m, m, other)
	t.VADDPS(other, m, m)
	for _, order := range []uint64{0x4e, 0xb1} {
		t.VPERMILPS(operand.Imm(order), m, other)
		t.VADDPS(other, m, m)
	}
	t.VBROADCASTSS(m.AsX(), s.margin)
}

// eight is constant for vectors of 8.
func (t *tier) eight(b uint32) operand.Mem {
	return t.table(fmt.Sprintf("eight_%08x", b), b, b, b, b, b, b, b, b)
}

// inRegister is v, loaded when it is in memory.
func (t *tier) inRegister(v vec) reg.VecVirtual {
	if m, ok := v.(operand.Mem); ok {
		return t.load(m)
	}
	return v.(reg.VecVirtual)
}
