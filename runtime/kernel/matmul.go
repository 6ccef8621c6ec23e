package kernel

import "github.com/carat-llm/carat/gguf"

// Product is one matrix to multiply with and where the result goes.
type Product struct {
	Dst []float32
	W   *Matrix
}

// MatMul sets dst = x * transpose(w): x holds n rows of w.Cols activations, dst n rows of w.Rows
// results, both row-major. A result depends on its own row of x and of w only, to the bit.
func (p *Pool) MatMul(dst []float32, w *Matrix, x []float32, n int) {
	new(Multiplier).MatMuls(p, x, n, Product{dst, w})
}

// MatMuls is MatMul for several matrices, see Multiplier.
func (p *Pool) MatMuls(x []float32, n int, products ...Product) {
	new(Multiplier).MatMuls(p, x, n, products...)
}

// Multiplier multiplies activations by matrices. It keeps the activations that it made ready for that, and other memory,
// from call to call; the zero value is ready, and one goroutine may use it at a time.
type Multiplier struct {
	// Compute says how products with weights of integers are computed; those with weights that are floats are always
	// exact.
	Compute Compute

	acts     activations
	products []Product
	x        []float32 // rows for weights that are floats
	padded   []float32 // those, when they are no whole vectors
	stride   int
	threads  int
}

// Bytes is the memory that the multiplier keeps.
func (m *Multiplier) Bytes() int64 { return int64(m.acts.size() + 4*cap(m.padded)) }

// MatMuls computes several products of the same activations with one fork and join (q, k and v; gate and up). All
// matrices have the same Cols. See Pool.MatMul.
func (m *Multiplier) MatMuls(p *Pool, x []float32, n int, products ...Product) {
	if n == 0 || len(products) == 0 {
		return
	}
	m.products = append(m.products[:0], products...)
	m.threads, m.acts.n = p.Threads(), n
	cols := products[0].W.Cols
	rounded, dense, chunks, f := false, false, 0, forms{true, true}
	for i := range products {
		w := products[i].W
		if m.dense(w) {
			dense = true
		} else {
			rounded = true
		}
		f.restrict(w)
	}
	if rounded {
		m.acts.set(x, n, cols, m.Compute, f)
		p.Do(m.roundings(), (*roundTask)(m))
		for i := range products {
			m.acts.prepare(products[i].W)
		}
	}
	if m.x, m.stride = x, cols; dense {
		if m.stride = floatStride(cols, n); m.stride != cols {
			m.padded = padRows(m.padded, x, n, cols, m.stride)
			m.x = m.padded
		}
	}
	for i := range products {
		chunks += m.chunks(products[i].W)
	}
	p.Do(chunks, (*productTask)(m))
}

// forms are the ways of computing that suit all weights that meet the same activations.
type forms struct {
	singles bool // one by one, if tokens are few: each unpacks in registers. Tiles take codes of 8 bits as they are.
	tiles   bool // in int8 tiles, if tokens are many and there are such: blocks of 32 columns with one sum.
}

// restrict leaves what suits w, too.
func (f *forms) restrict(w *Matrix) {
	if w.integers != nil {
		f.singles = f.singles && w.integers.f.Bits < 8
		f.tiles = f.tiles && w.integers.f.Sub == blockCols
	}
}

// inBF16 says whether a matrix of floats is multiplied in BF16: in fast computation, where there are tiles for it, and
// when the weights have no more bits than 16. (Those of float32 have them for a reason, as routers of experts do.)
func (m *Multiplier) inBF16(w *Matrix) bool {
	k := active()
	return m.Compute == Fast && k.tilesBF16 != nil && m.acts.n > k.mostNarrow && (w.Type == gguf.F16 || w.Type == gguf.BF16) && w.Cols%blockCols == 0
}

// dense says whether a matrix is multiplied with activations as they are, which are not rounded.
func (m *Multiplier) dense(w *Matrix) bool { return w.integers == nil && !m.inBF16(w) }

// roundTask makes activations ready, some rows a chunk.
type roundTask Multiplier

const roundRows = 8 // a chunk

func (m *Multiplier) roundings() int { return (m.acts.n + roundRows - 1) / roundRows }

// Chunk implements Task.
func (t *roundTask) Chunk(s *Scratch, chunk int) {
	for c := chunk * roundRows; c < min(t.acts.n, (chunk+1)*roundRows); c++ {
		s.Reset()
		t.acts.round(s, c)
	}
}

// prepare computes what products with w need beside the rounded rows, once for all matrices of the same kind.
func (a *activations) prepare(w *Matrix) {
	if w.integers == nil {
		return
	}
	f := w.integers.f
	if a.kind == wideBF16 {
		return
	}
	if a.kind != wide {
		a.init(f.Sub, w.integers.offset)
	}
	if f.Minima {
		a.xsum(f.Sub)
	}
}

// productTask computes the products, some rows of a matrix a chunk.
type productTask Multiplier

// The largest numbers of panels of a chunk: of words and bytes, and of int8 tiles.
const (
	panelsMost      = 4
	panelsMostTiles = 8
)

// panelsAChunk is the number of panels of a chunk: with many tokens so many that the activations, which come from a
// farther cache, are used often; with few so many that there are some chunks for each worker.
func (m *Multiplier) panelsAChunk(w *Matrix) int {
	if m.acts.kind == wideBF16 {
		return max(2, min(mostBF16Panels, w.panels()/(2*m.threads)&^1))
	}
	switch {
	case m.acts.kind == wideTiles:
		return panelsMostTiles
	case m.acts.n > active().widths[wide]:
		return panelsMost
	}
	return max(1, min(panelsMost, w.integers.count()/(4*m.threads)))
}

// chunks is the number of chunks of work with w.
func (m *Multiplier) chunks(w *Matrix) int {
	if m.dense(w) {
		per := m.rowsAChunk(w)
		return (w.Rows + per - 1) / per
	}
	per := m.panelsAChunk(w)
	return (w.panels() + per - 1) / per
}

// Chunk implements Task.
func (t *productTask) Chunk(s *Scratch, chunk int) {
	m := (*Multiplier)(t)
	for i := range m.products {
		q := &m.products[i]
		own := m.chunks(q.W)
		if chunk >= own {
			chunk -= own
			continue
		}
		if m.dense(q.W) {
			per := m.rowsAChunk(q.W)
			q.denseRows(s, chunk*per, min(per, q.W.Rows-chunk*per), m.x, m.acts.n, m.stride)
			return
		}
		per := m.panelsAChunk(q.W)
		first := chunk * per
		q.panels(s, &m.acts, first, min(per, q.W.panels()-first))
		return
	}
}

// stretch is the number of columns whose codes are unpacked at a time, a multiple of 256: so that they, and the
// activations of a tile, stay in the nearest cache.
var stretch = [...]int{narrow: 1024, wide: 512, bytes8: 1024, wideBF16: 512, wideTiles: 1024}

// panels computes the results of count panels from number first on.
func (q *Product) panels(s *Scratch, a *activations, first, count int) {
	if a.kind == wideBF16 {
		q.panelsBF16(s, a, first, count)
		return
	}
	w, rows := q.W.integers, min(count*panelRows, q.W.Rows-first*panelRows)
	if a.tiles == a.n && w.data != nil && q.singles(s, a, first, count) {
		return
	}
	blocks := w.cols / blockCols
	step := min(stretch[a.kind]/blockCols, blocks)
	staged := s.stages[:count]
	for i := range staged {
		staged[i].take(s, w, q.W.panel(s, first+i), a.kind, step)
	}
	// Results stay together, panel by panel, until all columns are done: in Dst they would share a few places of the cache.
	size := a.padded() * panelRows // of a panel's
	acc := s.Floats(count * size)
	clear(acc)
	if a.kind == wideTiles {
		s.exact.sums = &s.Int32s(4 * exactTokens * panelRows)[0]
	}
	for b := 0; b < blocks; b += step {
		n := min(step, blocks-b)
		for i := range staged {
			staged[i].fill(w, a.kind, b, n)
		}
		if a.kind == wideTiles {
			for i := range staged {
				a.exact(s, &staged[i].tile, w, b, acc[i*size:][:size])
			}
			continue
		}
		for j := range a.tiles {
			c, end := a.tile(j)
			for i := range staged {
				t := &staged[i].tile
				t.acc, t.stride = acc[i*size+c*panelRows:], panelRows
				a.multiply(t, w, b, c, end-c)
			}
		}
	}
	for c := range a.n {
		out := q.Dst[c*q.W.Rows+first*panelRows:][:rows]
		for i := range count {
			copy(out[i*panelRows:], acc[i*size+c*panelRows:][:panelRows])
		}
	}
}

// singles computes the results for few tokens, one after the other, if there is a kernel for that: a panel comes from memory
// for the first, and from a near cache for the others.
func (q *Product) singles(s *Scratch, a *activations, first, count int) bool {
	for i := first; i < first+count; i++ {
		for c := range a.n {
			out := q.Dst[c*q.W.Rows:][i*panelRows : q.W.Rows]
			acc := out
			if len(acc) < panelRows {
				acc = s.Floats(panelRows)
			}
			if !a.single(&s.single, q.W.integers, q.W.integers.panel(i), acc, c) {
				return false
			}
			copy(out, acc[:panelRows])
		}
	}
	return true
}

// multiply adds the products of the tile's weights, from block b on, with the columns c..c+width-1.
func (a *activations) multiply(t *tile, w *panels, b, c, width int) {
	k := active()
	blocks, per := w.cols/blockCols, blockCols/w.f.Sub
	t.width = width
	t.xs = a.xs[c*blocks+b*width:]
	if w.f.Minima {
		t.xsum = a.xsum(w.f.Sub)[(c*blocks+b*width)*per:]
	}
	if a.kind != wide {
		t.init = a.init(w.f.Sub, w.offset)[(c*blocks+b*width)*per:]
	}
	t.xStride = a.stride
	at := c*a.stride + b*blockCols
	switch {
	case a.inWords(k):
		t.x16 = a.words[at:]
	case a.kind == narrow:
		t.x = a.bytes[at+b*blockCols:]
	default:
		t.x = a.bytes[at:]
	}
	switch a.kind {
	case narrow:
		k.narrow(t)
	case wide:
		k.wide(t)
	case bytes8:
		k.bytes(t)
	}
}
