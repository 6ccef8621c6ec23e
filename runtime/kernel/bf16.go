package kernel

import "unsafe"

// Fast computation of many tokens on processors with tiles (AMX) takes weights and activations as BF16: they have the 8
// bits that fast computation promises, scales are part of the weights, and all of a row's products are summed without leaving the
// tiles.

// bf16Args is the product of 16 or 32 rows with up to 32 tokens as assembly takes it. Strides are in bytes.
type bf16Args struct {
	acc       *float32 // results of the first 16 tokens, rows of stride
	stride    int
	acc2      *float32 // of the next 16 tokens
	x, x2     *int16   // activations of these tokens, see activations.bf16At
	words     *int16   // of the first panel: for each pair of columns 16 rows x 2
	wordsStep int      // to the second panel
	steps     int      // of 32 columns
	config    tileConfig
	groups    int // of 32 tokens that are all there, or 1
	accStep   int // from group to group
	xStep     int
}

// tileConfig is the memory operand of LDTILECFG.
type tileConfig struct {
	palette, startRow uint8
	_                 [14]uint8
	columnBytes       [16]uint16
	rows              [16]uint8
}

// bf16At is where the activations of token c and block b are: 16 tokens side by side, so that what a tile loads is 1 kB of
// memory, and what the next one does the next.
func (a *activations) bf16At(c, b int) int { return c/16*16*a.cols + b*16*blockCols + c%16*blockCols }

// mostBF16Panels is the largest number of panels of a chunk of tilesBF16: so many that activations that fill the second cache are
// used often.
const mostBF16Panels = 8

// tilesBF16 computes count panels from number first on with all tokens. Results lie side by side until all columns are done:
// in Dst they would share a few places of the cache.
func (q *Product) panelsBF16(s *Scratch, a *activations, first, count int) {
	w, blocks := q.W.integers, q.W.Cols/blockCols
	step := min(stretch[wideBF16]/blockCols, blocks)
	words := s.Int16s(count * 512 * step)
	var panels [mostBF16Panels][]byte
	g, t := &s.stages[0], &s.bf16
	var f floatPanel
	if w != nil {
		for i := range count {
			panels[i] = q.W.panel(s, first+i)
		}
		g.take(s, w, nil, wideBF16, step)
	} else {
		f = floatPanel{row: s.Floats(step * blockCols), words: s.Int16s(512 * step)}
	}
	const pair = 2 * panelRows
	size := a.n * pair // results of two panels
	acc := s.Floats((count + 1) / 2 * size)
	clear(acc)
	*t = bf16Args{stride: 4 * pair, wordsStep: 2 * 512 * step, groups: 1, accStep: 32 * 4 * pair, xStep: 2 * 32 * a.cols}
	for b := 0; b < blocks; b += step {
		t.steps = min(step, blocks-b)
		for i := range count {
			panel := words[512*step*i:][:512*step]
			if w == nil {
				f.fill(panel, q.W, (first+i)*panelRows, b, t.steps)
				continue
			}
			g.panel, g.words = panels[i], panel
			g.fill(w, wideBF16, b, t.steps)
		}
		for i := 0; i < count; i += 2 {
			t.words = &words[512*step*i]
			for c := 0; c < a.n; c += 32 * t.groups {
				t.tokens(a.n - c)
				t.acc, t.x = &acc[i/2*size+c*pair], &a.words[a.bf16At(c, b)]
				if c+16 < a.n {
					t.acc2, t.x2 = &acc[i/2*size+(c+16)*pair], &a.words[a.bf16At(c+16, b)]
				}
				active().tilesBF16(t, min(2, count-i), min(2, (a.n-c+15)/16))
			}
		}
	}
	for i := 0; i < count; i += 2 {
		row := (first + i) * panelRows
		for c := range a.n {
			copy(q.Dst[c*q.W.Rows+row:(c+1)*q.W.Rows], acc[i/2*size+c*pair:][:min(2, count-i)*panelRows])
		}
	}
}

// floatPanel has the memory for making BF16 of weights that are floats.
type floatPanel struct {
	row   []float32
	words []int16 // row by row
}

// fill makes a panel of the rows from first on, of n blocks from b on.
func (f *floatPanel) fill(panel []int16, w *Matrix, first, b, n int) {
	k, size := active(), w.Type.BlockBytes()
	for r := range panelRows {
		row := f.row[:n*blockCols]
		if first+r < w.Rows {
			at := (first+r)*w.rowBytes + b*blockCols*size
			w.decode(row, w.Data[at:at+n*blockCols*size])
		} else {
			clear(row)
		}
		k.roundBF16(f.words[r*blockCols:], row)
	}
	k.transpose(panel, f.words, n)
}

// tokens configures the tiles for groups of 32 of n tokens, or for the rest when there are less.
func (t *bf16Args) tokens(n int) {
	t.groups = max(1, n/32)
	n = min(n, 32)
	first, second := uint8(min(n, 16)), uint8(max(n-16, 0))
	t.config = tileConfig{palette: 1}
	for i, rows := range []uint8{first, first, second, second, first, second, 16, 16} {
		if rows > 0 {
			t.config.rows[i], t.config.columnBytes[i] = rows, 64
		}
	}
}

var _ = [1]struct{}{}[unsafe.Offsetof(bf16Args{}.config)-64] // where assembly expects it
