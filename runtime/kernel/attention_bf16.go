package kernel

import "unsafe"

// Fast attention of many rows on processors with tiles (AMX) takes queries, keys, weights and values as BF16. What it computes
// for a query depends on what else is computed with it no more than in exact attention, but where values are not finite.

// attentionBF16 are the operations of a tier for it, all nil where there are no tiles. A pair is two BF16, of the elements or rows
// i and i+16 of 32.
type attentionBF16 struct {
	// pairRow makes pairs of a row of whole 32 elements, 512 words from each 32 to the next.
	pairRow func(words []int16, row []float32)
	// pairRows makes pairs of n rows of cols elements: panels of 16 columns, 16 pairs of 32 rows, 16 columns and 2 elements.
	pairRows func(words []int16, rows []float32, n, cols int)
	// weighBF16 is vectors.weigh of up to 16 rows, with weights as pairRow makes them and an error of 1e-4.
	weighBF16 func(words []int16, scores, tops, sums []float32, stride int)
	// productBF16 computes p.
	productBF16 func(p *productBF16)
}

// productBF16 is a product of rows of pairs with panels of pairs as assembly takes it. Strides are in bytes.
type productBF16 struct {
	dst          *float32
	stride       int    // of dst
	a            *int16 // 16 rows side by side: see pairRow
	aStep        int    // from 16 rows to the next
	b            *int16 // see pairRows
	bStep        int    // from panel to panel
	steps        int    // of 32 elements
	fresh        int    // 1: dst is as if it were 0
	rows, panels int    // pairs of 16 rows, and of panels
	_            [6]int // for the assembly
	config       tileConfig
}

var _ = [1]struct{}{}[unsafe.Offsetof(productBF16{}.config)-128] // where assembly expects it

// bf16Rows is the number of rows that are multiplied at a time.
const bf16Rows = 32

// tileBF16 is what a tile needs to compute with BF16. Rows are whole 32.
type tileBF16 struct {
	query, keys, weights, values []int16
	product                      *productBF16
}

// startBF16 makes BF16 of the queries.
func (w *queryTile) startBF16(s *Scratch) {
	b, dim, rows := &w.bf16, w.cache.dim, w.paddedRows()
	b.query, b.keys = s.Int16s(rows*dim), s.Int16s(dim*blockKeys)
	b.weights, b.values = s.Int16s(rows*blockKeys), s.Int16s(blockKeys*dim)
	for r := range w.rows {
		w.kernels.pairRow(b.query[r/16*16*dim+r%16*bf16Rows:], w.query[r*dim:(r+1)*dim])
	}
	b.product = &s.product
	b.product.config = tileConfig{palette: 1}
	for i := range 8 {
		b.product.config.rows[i], b.product.config.columnBytes[i] = 16, 64
	}
}

// paddedRows is the number of rows that buffers have: whole 32 in BF16.
func (w *queryTile) paddedRows() int {
	if w.inBF16 {
		return (w.rows + bf16Rows - 1) / bf16Rows * bf16Rows
	}
	return w.rows
}

// scoresBF16 computes the scores of the rows from r to end, and of those that share their 32.
func (w *queryTile) scoresBF16(keys []float32, r, end int) {
	b, dim := &w.bf16, w.cache.dim
	w.kernels.pairRows(b.keys, keys, dim, blockKeys)
	first := r / bf16Rows * bf16Rows
	b.multiply(w.kernels, w.scores[first*blockKeys:], blockKeys, b.query[first*dim:], dim, b.keys, blockKeys, end-first, true)
}

// addBF16 makes weights of the scores of the rows from r to end, and adds the values of the first n keys to their sums.
func (w *queryTile) addBF16(to state, values []float32, r, end, n int) {
	b, dim, width := &w.bf16, w.cache.dim, w.cache.sumRow()
	first, stop := r/bf16Rows*bf16Rows, (end+bf16Rows-1)/bf16Rows*bf16Rows
	clear(b.weights[first*blockKeys : (first+bf16Rows)*blockKeys]) // rows that do not see the keys
	clear(b.weights[(stop-bf16Rows)*blockKeys : stop*blockKeys])
	for r < end {
		next := min(end, r/16*16+16)
		w.kernels.weighBF16(b.weights[r/16*16*blockKeys+r%16*bf16Rows:], w.scores[r*blockKeys:], to.tops[r:next], to.sums[r*width:], width)
		r = next
	}
	if n < blockKeys { // what is behind them may be anything
		copy(w.room, values[:n*dim])
		clear(w.room[n*dim : blockKeys*dim])
		values = w.room
	}
	w.kernels.pairRows(b.values, values, blockKeys, dim)
	b.multiply(w.kernels, to.sums[first*width+laneCount:], width, b.weights[first*blockKeys:], blockKeys, b.values, dim, end-first, false)
}

// multiply adds the product of rows of n elements with n rows of cols to dst.
func (b *tileBF16) multiply(k *tier, dst []float32, stride int, x []int16, n int, y []int16, cols, rows int, fresh bool) {
	p := b.product
	p.rows, p.panels, p.steps = (rows+bf16Rows-1)/bf16Rows, cols/32, n/32
	_, _, _ = dst[(p.rows*bf16Rows-1)*stride+cols-1], x[p.rows*bf16Rows*n-1], y[n*cols-1]
	p.dst, p.stride, p.a, p.aStep, p.b, p.bStep = &dst[0], 4*stride, &x[0], 2*16*n, &y[0], 2*16*n
	p.fresh = 0
	if fresh {
		p.fresh = 1
	}
	k.productBF16(p)
}

// useBF16 says whether the tier has what it takes, and the rows are so many that it is faster.
func (t *attender) useBF16() bool {
	return t.Compute == Fast && active().productBF16 != nil && t.cache.dim%32 == 0 && t.cache.valueDim == t.cache.dim && t.n*t.group >= bf16Rows
}
