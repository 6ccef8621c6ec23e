package kernel

import "math"

// queryTile is some queries of the heads of one group, which meet the same keys and values: a row for each query and head.
type queryTile struct {
	*attender
	kernels  *tier
	head     int // of keys and values
	from     int // the first query's number
	position int // and its position
	queries  int
	rows     int

	query   []float32 // rows x dim, scaled
	scores  []float32 // rows x blockKeys
	factors []float32 // two a row
	room    []float32 // for a block of keys and values
	total   state
	one     state // of one span
	bf16    tileBF16
}

// state is what rows come to over some keys.
type state struct {
	// A row: the sum of the keys' weights, in lanes, and the weighted sum of the values.
	sums []float32
	// The largest score of each row.
	tops []float32
}

// stateRow is the number of elements of a row's state, sumRow that of its sums.
func (c *Cache) stateRow() int { return c.sumRow() + 1 }
func (c *Cache) sumRow() int   { return laneCount + c.stride }

// state makes one of a buffer of as many elements.
func (w *queryTile) state(x []float32) state {
	size := w.paddedRows() * w.cache.sumRow()
	return state{x[:size], x[size:][:w.rows]}
}

// newQueryTile begins the tile of the queries from number from on.
func newQueryTile(t *attender, s *Scratch, head, from int) queryTile {
	c := t.cache
	w := queryTile{attender: t, kernels: active(), head: head, from: from, position: t.first + from, queries: min(t.n-from, t.queries)}
	w.rows = w.queries * t.group
	padded := w.paddedRows()
	w.query, w.scores = s.Floats(w.rows*c.dim), s.Floats(padded*blockKeys)
	w.factors, w.room = s.Floats(2*w.rows), s.Floats(c.room())
	w.total, w.one = w.state(s.Floats(padded*c.stateRow())), w.state(s.Floats(padded*c.stateRow()))
	for i := range w.queries {
		copy(w.query[i*t.group*c.dim:], w.of(t.q, i, c.dim))
	}
	w.kernels.scale(w.query, t.Scale)
	if w.inBF16 {
		w.startBF16(s)
	}
	return w
}

// of is the part of x, rows of all heads of dim elements, that is query i's of the tile.
func (w *queryTile) of(x []float32, i, dim int) []float32 {
	return x[((w.from+i)*w.Heads+w.head*w.group)*dim:][:w.group*dim]
}

// wholly computes the tile.
func (w *queryTile) wholly() {
	first, last := w.start(w.position)/spanKeys, (w.end(w.position+w.queries-1)-1)/spanKeys
	if first == last {
		w.span(first, w.total)
	} else {
		for span := first; span <= last; span++ {
			w.span(span, w.one)
			w.fold(w.one, span)
		}
	}
	w.finish()
}

// merge computes the tile from its spans' states, which are so many elements apart.
func (w *queryTile) merge(partials []float32, size int) {
	for part := range w.parts {
		w.fold(w.state(partials[part*size:]), w.firstSpan+part)
	}
	w.finish()
}

// fold adds a span to the total of the rows that see it.
func (w *queryTile) fold(one state, span int) {
	width := w.cache.sumRow()
	total, added := w.factors[:w.rows], w.factors[w.rows:]
	for r := range w.rows {
		top := max(w.total.tops[r], one.tops[r])
		total[r], added[r] = w.total.tops[r]-top, one.tops[r]-top
	}
	w.kernels.exp(w.factors)
	for r := range w.rows {
		pos := w.position + r/w.group
		first, last := w.start(pos)/spanKeys, (w.end(pos)-1)/spanKeys
		if span < first || span > last {
			continue
		}
		sums, part := w.total.sums[r*width:][:width], one.sums[r*width:][:width]
		if span == first {
			copy(sums, part)
			w.total.tops[r] = one.tops[r]
			continue
		}
		w.kernels.scale(sums, total[r])
		w.kernels.addScaled(sums, part, added[r])
		w.total.tops[r] = max(w.total.tops[r], one.tops[r])
	}
}

// finish divides the total by the sum of the weights.
func (w *queryTile) finish() {
	width, dim := w.cache.sumRow(), w.cache.valueDim
	for i := range w.queries {
		out := w.of(w.dst, i, dim)
		for g := range w.group {
			r := i*w.group + g
			sums := w.total.sums[r*width:][:width]
			head := out[g*dim:][:dim]
			copy(head, sums[laneCount:])
			total := w.kernels.total(sums[:laneCount])
			factor := 1 / total
			if w.Sinks != nil {
				factor = sunk(total, w.total.tops[r], w.Sinks[w.head*w.group+g])
			}
			w.kernels.scale(head, factor)
		}
	}
}

// span computes what the rows come to over the keys of a span.
func (w *queryTile) span(span int, to state) {
	clear(to.sums)
	for r := range to.tops {
		to.tops[r] = float32(math.Inf(-1))
	}
	const blocks = spanKeys / blockKeys
	first := max(span*blocks, w.start(w.position)/blockKeys)
	last := min(span*blocks+blocks-1, (w.end(w.position+w.queries-1)-1)/blockKeys)
	for b := first; b <= last; b++ {
		w.block(b, to, b == first)
	}
}

// block adds the keys and values of a block to the rows that see some of them. Before the first block, sums are 0.
func (w *queryTile) block(b int, to state, first bool) {
	c, begin := w.cache, b*blockKeys
	from, end := 0, w.queries // the queries that see some of it
	for from < end && w.end(w.position+from) <= begin {
		from++
	}
	for from < end && w.start(w.position+end-1) >= begin+blockKeys {
		end--
	}
	if from == end {
		return
	}
	keys, values := c.store.block(w.room, w.head*c.blocks+b)
	r, rows, width := from*w.group, (end-from)*w.group, c.sumRow()
	scores, tops, factors, sums := w.scores[r*blockKeys:], to.tops[r:][:rows], w.factors[:rows], to.sums[r*width:]

	seen := min(blockKeys, w.end(w.position+end-1)-begin) // keys
	if w.inBF16 {
		w.scoresBF16(keys, r, r+rows)
	} else {
		w.kernels.product(scores, blockKeys, w.query[r*c.dim:], c.dim, keys, blockKeys, rows, pad16(seen), c.dim, true)
	}
	if w.Softcap != 0 || w.Bias != nil {
		w.adjust(from, end, begin, pad16(seen))
	}
	whole := true
	for i := from; i < end; i++ {
		if lo, hi := w.seen(i, begin); hi-lo < blockKeys {
			whole = false
			for g := range w.group {
				hide(w.scores[(i*w.group+g)*blockKeys:][:blockKeys], lo, hi)
			}
		}
	}
	w.kernels.peaks(scores, tops, factors)
	if !first {
		w.kernels.exp(factors)
		for i, f := range factors {
			if f != 1 {
				w.kernels.scale(sums[i*width:][:width], f)
			}
		}
	}
	if w.inBF16 {
		w.addBF16(to, values, r, r+rows, seen)
		return
	}
	w.kernels.weigh(scores, tops, sums, width)
	if whole {
		w.addValues(to, from, end, values, 0, blockKeys)
	} else {
		w.addSome(to, from, end, values, begin)
	}
}

// seen is the range of a block's keys that query i sees.
func (w *queryTile) seen(i, begin int) (lo, hi int) {
	pos := w.position + i
	return max(0, w.start(pos)-begin), min(blockKeys, w.end(pos)-begin)
}

// hide makes the weights of all scores but those from lo to hi zero.
func hide(scores []float32, lo, hi int) {
	copy(scores[:lo], hidden[:])
	copy(scores[hi:], hidden[:])
}

var hidden = func() (scores [blockKeys]float32) {
	for i := range scores {
		scores[i] = float32(math.Inf(-1))
	}
	return scores
}()

// addValues adds the weighted values of the keys lo to hi of a block to the sums of some queries.
func (w *queryTile) addValues(to state, from, end int, values []float32, lo, hi int) {
	if lo >= hi {
		return
	}
	stride, width, r := w.cache.stride, w.cache.sumRow(), from*w.group
	w.kernels.product(to.sums[r*width+laneCount:], width, w.scores[r*blockKeys+lo:], blockKeys,
		values[lo*stride:], stride, (end-from)*w.group, stride, hi-lo, false)
}

// addSome is addValues where queries see different keys of a block: what some queries have in common is added at once,
// what comes before and behind it for each alone. A weight of 0 would not do, since values may be infinite.
func (w *queryTile) addSome(to state, from, end int, values []float32, begin int) {
	together := max(1, 4/w.group)
	for ; from < end; from += together {
		stop := min(end, from+together)
		lo, _ := w.seen(stop-1, begin)
		_, hi := w.seen(from, begin)
		hi = max(lo, hi)
		for i := from; i < stop; i++ {
			first, last := w.seen(i, begin)
			w.addValues(to, i, i+1, values, first, min(last, lo))
		}
		w.addValues(to, from, stop, values, lo, hi)
		for i := from; i < stop; i++ {
			_, last := w.seen(i, begin)
			w.addValues(to, i, i+1, values, hi, last)
		}
	}
}
