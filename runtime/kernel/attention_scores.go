package kernel

import "github.com/carat-llm/carat/internal/elementary"

// What some families change about scores, in plain Go on the tier's exponential: the same bits on every tier.

// adjust limits the scores of the queries from..end-1 with the first cols keys of a block, then adds the bias.
func (w *queryTile) adjust(from, end, begin, cols int) {
	for i := from; i < end; i++ {
		lo, hi := w.seen(i, begin)
		for g := range w.group {
			scores := w.scores[(i*w.group+g)*blockKeys:][:blockKeys]
			if w.Softcap != 0 {
				w.limit(scores[:cols])
			}
			if w.Bias != nil {
				row := w.Bias.Rows[w.head*w.group+g]
				w.kernels.add(scores[lo:hi], row[begin+lo-w.position-i+w.Bias.Zero:][:hi-lo])
			}
		}
	}
}

// limit sets each score x to c*tanh(x/c), c being the softcap, as c - 2c/(exp(2x/c) + 1).
func (w *queryTile) limit(scores []float32) {
	c := w.Softcap
	w.kernels.scale(scores, 2/c)
	w.kernels.exp(scores)
	for i, e := range scores {
		scores[i] = c - float32(2*c)/(e+1)
	}
}

// sunk is what weighted values are multiplied with where weights, of sum total beside the largest score top, leave their share
// to the score sink.
func sunk(total, top, sink float32) float32 {
	m := max(top, sink)
	f := exp32(top - m)
	return f / (float32(total*f) + exp32(sink-m))
}

// ALiBi returns the bias of heads whose slopes are 2^(-most*i/n), i = 1, 2, ..., n being the number of heads when that is a power
// of two; others take every second of the next power's (Press et al. 2022). It reaches over so many positions of causal attention.
func ALiBi(heads, positions int, most float64) *Bias {
	n := 1
	for 2*n <= heads {
		n *= 2
	}
	b := &Bias{Zero: positions - 1}
	for h := range heads {
		power := -most * float64(h+1) / float64(n)
		if h >= n {
			power = -most * float64(2*(h-n)+1) / float64(2*n)
		}
		slope := float32(elementary.Pow(2, power))
		row := make([]float32, positions)
		for i := range row {
			row[i] = float32(slope * float32(i-b.Zero))
		}
		b.Rows = append(b.Rows, row)
	}
	return b
}

// Bytes is the memory of the bias.
func (b *Bias) Bytes() (n int64) {
	for _, row := range b.Rows {
		n += 4 * int64(len(row))
	}
	return n
}
