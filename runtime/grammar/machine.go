package grammar

import (
	"encoding/binary"
	"slices"
)

// machine reads bytes by a grammar. It numbers stacks and sets of stacks, and keeps where each byte leads.
type machine struct {
	g      *Grammar
	frames []frame // stacks, by number; 0 is the empty one: the text may end
	number map[frame]int32
	sets   []set
	names  map[string]int32 // sets by their stacks

	seen map[int32]bool
	work []int32
}

// frame is a stack: what comes next on top of the stack that is returned to.
type frame struct{ pc, below int32 }

// set is a set of stacks, each with a byte to match on top or empty, and the sets that bytes lead to: 0 where it is not known, else
// their number plus 1. The set without stacks is number 0: no text goes on.
type set struct {
	stacks []int32
	next   [256]int32
}

// Memory of a machine is bounded: what is kept beyond this is found anew.
const (
	maxFrames = 1 << 18
	maxSets   = 1 << 12 // of a KB each
)

func newMachine(g *Grammar) (m *machine, begin int32) {
	m = &machine{g: g}
	m.clear()
	var first []int32
	for _, pc := range g.rules[g.root].alternatives {
		first = append(first, m.stack(pc, 0))
	}
	return m, m.setOf(first)
}

func (m *machine) clear() {
	m.frames, m.number = []frame{{}}, map[frame]int32{}
	m.sets, m.names = []set{{}}, map[string]int32{"": 0}
}

// full reports whether it is time to renew.
func (m *machine) full() bool { return len(m.frames) > maxFrames || len(m.sets) > maxSets }

// renew forgets all sets but some, and gives these new numbers.
func (m *machine) renew(keep []int32) {
	old, sets := m.frames, m.sets
	m.clear()
	for i, at := range keep {
		var again []int32
		for _, s := range sets[at].stacks {
			var pcs []int32
			for ; s != 0; s = old[s].below {
				pcs = append(pcs, old[s].pc)
			}
			var stack int32
			for _, pc := range slices.Backward(pcs) {
				stack = m.stack(pc, stack)
			}
			again = append(again, stack)
		}
		keep[i] = m.setOf(again)
	}
}

// stack is the number of a stack.
func (m *machine) stack(pc, below int32) int32 {
	f := frame{pc, below}
	n, ok := m.number[f]
	if !ok {
		n = int32(len(m.frames))
		m.frames = append(m.frames, f)
		m.number[f] = n
	}
	return n
}

// setOf is the number of the set of what stacks come to before a byte: calls are made, ends returned from.
func (m *machine) setOf(stacks []int32) int32 {
	m.seen = map[int32]bool{}
	m.work = append(m.work[:0], stacks...)
	var out []int32
	for len(m.work) > 0 {
		s := m.work[len(m.work)-1]
		m.work = m.work[:len(m.work)-1]
		if m.seen[s] {
			continue
		}
		m.seen[s] = true
		if len(m.seen) > maxStacks {
			return -1
		}
		f := m.frames[s]
		if s == 0 {
			out = append(out, s)
			continue
		}
		switch in := m.g.code[f.pc]; in.op {
		case opByte:
			out = append(out, s)
		case opEnd:
			m.work = append(m.work, f.below)
		case opCall:
			back := f.below
			if m.g.code[f.pc+1].op != opEnd { // else there is nothing to come back to
				back = m.stack(f.pc+1, f.below)
			}
			for _, pc := range m.g.rules[in.arg].alternatives {
				m.work = append(m.work, m.stack(pc, back))
			}
		}
	}
	slices.Sort(out)
	name := make([]byte, 0, 4*len(out))
	for _, s := range out {
		name = binary.LittleEndian.AppendUint32(name, uint32(s))
	}
	n, ok := m.names[string(name)]
	if !ok {
		n = int32(len(m.sets))
		m.sets = append(m.sets, set{stacks: out})
		m.names[string(name)] = n
	}
	return n
}

// step is the set that a byte leads to: 0 if the text may not go on so, negative if there are too many ways to read it.
func (m *machine) step(from int32, b byte) int32 {
	if n := m.sets[from].next[b]; n > 0 {
		return n - 1
	}
	var next []int32
	for _, s := range m.sets[from].stacks {
		if f := m.frames[s]; s != 0 && m.g.code[f.pc].set.has(b) {
			next = append(next, m.stack(f.pc+1, f.below))
		}
	}
	n := m.setOf(next)
	if n >= 0 {
		m.sets[from].next[b] = n + 1
	}
	return n
}

// mayEnd reports whether the text may end at a set.
func (m *machine) mayEnd(at int32) bool {
	s := m.sets[at].stacks
	return len(s) > 0 && s[0] == 0
}
