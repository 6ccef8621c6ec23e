package kernel

import "unsafe"

// Exact computation of many tokens on processors with tiles (AMX) multiplies bytes: those of the codes by the high and by the low
// parts of activations. An int8 tile must leave the tile unit after every 32 columns to be scaled; that takes longer than
// its products, and still less than products of words in vectors unless there are two sub-blocks to scale.

// exactArgs are the products of a stretch of a panel with groups of 16 tokens, as assembly takes it. What it computes is what
// narrow does, in tiles of 16 columns.
type exactArgs struct {
	acc      *float32 // for each group 16 rows of 16
	codes    *byte
	d, min   *float32
	scales   *byte
	x        *int8    // for each group and block 16 rows of 32 high and 32 low parts
	xs, xsum *float32 // 16 for each block, or each minimum
	init     *int32
	blocks   int // of the stretch
	groups   int
	xStep    int    // bytes from group to group
	xsStep   int    // of xs, xsum and init
	sums     *int32 // of a block, on their way from tiles to vectors
	_        [2]int // for the assembly
	config   tileConfig
}

var _ = [1]struct{}{}[unsafe.Offsetof(exactArgs{}.config)-128] // where assembly expects it

// exactTokens is the number of tokens of a group.
const exactTokens = 16

// exact adds the products of the stretch that t has, from block b on, with all tokens. acc has 16 rows for each group. s.exact
// has the memory for sums.
func (a *activations) exact(s *Scratch, t *tile, w *panels, b int, acc []float32) {
	blocks := w.cols / blockCols
	t.width, t.acc, t.stride = exactTokens, acc, panelRows
	t.xs, t.init = a.xs[b*exactTokens:], a.init(w.f.Sub, w.offset)[b*exactTokens:]
	if w.f.Minima {
		t.xsum = a.xsum(w.f.Sub)[b*exactTokens:]
	}
	e := &s.exact
	e.groups, e.xStep, e.xsStep = a.tiles, exactTokens*a.stride, 4*exactTokens*blocks
	t.x = a.bytes[b*exactTokens*2*blockCols:]
	_, _ = acc[a.tiles*exactTokens*panelRows-1], t.x[(a.tiles-1)*e.xStep+t.blocks*exactTokens*2*blockCols-1]
	last := (a.tiles-1)*blocks*exactTokens + t.blocks*exactTokens - 1
	_, _ = t.xs[last], t.init[last]
	if w.f.Minima {
		_ = t.xsum[last]
	}
	active().exact(t, e)
}
