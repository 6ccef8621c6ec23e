package round

import "github.com/carat-llm/carat/quantize/hessian"

// width is the number of columns that are rounded before the others hear of their errors.
const width = 32

// state is what rounding keeps of the rows of a call, whatever their format.
type state struct {
	*hessian.Factor
	Options
	rows   int
	w      []float32 // the weights, in the factor's order
	e      []float32 // the errors so far: rounded value less weight
	change []float32 // of the columns of a block, for each row
}

// newState takes the weights src, rows of f.Cols.
func newState(src []float32, f *hessian.Factor, o Options) state {
	n := f.Cols
	rows := len(src) / n
	s := state{Factor: f, Options: o, rows: rows, w: make([]float32, rows*n), e: make([]float32, rows*n), change: make([]float32, rows*width)}
	for i := range rows {
		for k, c := range f.Order {
			s.w[i*n+k] = src[i*n+c]
		}
	}
	return s
}

// feedback calls next for each row and the b columns in order from k on, block by block, when change, rows x b, holds what the errors
// of the columns before the block ask of it.
func (s *state) feedback(next func(row, k, b int)) {
	n := s.Cols
	packed := make([]float32, width*n)
	past := make([]float32, s.rows*n)
	for k := 0; k < n; k += width {
		b := min(width, n-k)
		// change = e[:, :k] * Feedback[k:k+b, :k]'
		clear(s.change)
		if k > 0 {
			for i := range b {
				copy(packed[i*k:][:k], s.Feedback[(k+i)*n:])
			}
			for i := range s.rows {
				copy(past[i*k:][:k], s.e[i*n:])
			}
			s.Product(s.change, past, packed, s.rows, b, k)
		}
		s.each(s.rows, func(row int) { next(row, k, b) })
	}
}

// descend does so when change holds half the gradient of the loss in the block.
func (s *state) descend(next func(row, k, b int)) {
	n := s.Cols
	for k := 0; k < n; k += width {
		b := min(width, n-k)
		// change = e * H[:, k:k+b]
		s.Product(s.change, s.e, s.H[k*n:], s.rows, b, n)
		s.each(s.rows, func(row int) { next(row, k, b) })
	}
}
