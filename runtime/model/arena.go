package model

// arena is the memory of intermediate results: taken one after the other and given back in the opposite order, to a mark.
// Its memory is kept, so that after the first tokens nothing is allocated.
type arena struct {
	blocks [][]float32
	at     mark
}

// mark is a place in an arena.
type mark struct{ block, used int }

// floats returns n numbers of undefined content, valid until the arena is released to an earlier mark.
func (a *arena) floats(n int) []float32 {
	const whole = 16 // a cache line
	size := (n + whole - 1) / whole * whole
	for a.at.block < len(a.blocks) && size > len(a.blocks[a.at.block])-a.at.used {
		a.at = mark{a.at.block + 1, 0}
	}
	if a.at.block == len(a.blocks) {
		a.blocks = append(a.blocks, make([]float32, size))
	}
	x := a.blocks[a.at.block][a.at.used:][:n:n]
	a.at.used += size
	return x
}

// mark is the place up to which memory is taken.
func (a *arena) mark() mark { return a.at }

// release gives back what was taken since the mark.
func (a *arena) release(m mark) { a.at = m }

// reset gives everything back. Several blocks become one that is as large as all of them, which then holds whatever they held.
func (a *arena) reset() {
	if a.at = (mark{}); len(a.blocks) > 1 {
		a.blocks = [][]float32{make([]float32, a.size())}
	}
}

func (a *arena) size() (n int) {
	for _, b := range a.blocks {
		n += len(b)
	}
	return n
}

// Bytes is the memory of the arena.
func (a *arena) Bytes() int64 { return 4 * int64(a.size()) }
