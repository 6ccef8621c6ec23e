package round

import (
	"errors"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
)

// Matrix is a weight matrix to round.
type Matrix struct {
	Type gguf.Type
	Rows int
	// Read fills dst with the weights of n rows, from number first on.
	Read func(dst []float32, first, n int) error
	// Encode, if not nil, encodes a row of blocks of Type with scales of its own choice, in place of the type's encoder.
	Encode func(dst []byte, row, importance []float32)
}

// encoder encodes rows.
func (m Matrix) encoder() func(dst []byte, row, importance []float32) {
	if m.Encode != nil {
		return m.Encode
	}
	c, _ := codec.For(m.Type)
	return func(dst []byte, row, importance []float32) { c.Encode(dst, row, len(row), importance) }
}

// Rounded is a matrix whose levels are chosen.
type Rounded struct {
	Data []byte `json:"-"` // its rows, encoded
	// Shrinkage is that of the off-diagonal moments, of the first tile; 1 says that the encoder alone did as well, or that its
	// format leaves no choice of levels, or that there were too few tokens to judge by.
	Shrinkage float64
	// Plain and Loss are the squared errors of the output on held-out tokens, summed over a sample of rows: of the encoder
	// alone, and of what was chosen.
	Plain, Loss float64
}

// shrinkages are tried for each matrix, and the best on held-out tokens is taken.
var shrinkages = []float64{0.05, 0.1, 0.2, 0.4}

const (
	sample = 96  // rows on which they are tried
	height = 512 // rows that are rounded at a time
)

// input is what rounding the matrices of an input needs.
type input struct {
	Options
	cols     int
	weights  []float32
	matrices []Matrix
	rounded  []Rounded
	samples  [][]float32 // rows of each matrix
}

// Input rounds the matrices that are multiplied with in. For each a shrinkage is chosen on held-out tokens, or the plain encoder; then
// the moments of all tokens are factored, once for each shrinkage, and all rows are rounded. In's moments are used up.
func Input(in *hessian.Input, matrices []Matrix, o Options) ([]Rounded, error) {
	r := &input{Options: o, cols: in.Cols, weights: in.Weights(), matrices: matrices, rounded: make([]Rounded, len(matrices))}
	for i, m := range matrices {
		if err := r.encode(i, m); err != nil {
			return nil, err
		}
	}
	for t, tile := range in.Tiles {
		chosen := r.choose(tile)
		for i, s := range chosen {
			if t == 0 {
				r.rounded[i].Shrinkage = s
			}
		}
		tile.Train.Sum(tile.Held)
		for _, s := range shrinkages {
			for _, g := range groups(r.types()) {
				var f *hessian.Factor
				for i, m := range matrices {
					if chosen[i] != s || group(m.Type) != g {
						continue
					}
					if f == nil {
						var err error
						if f, err = tile.Train.Factor(s, g); err != nil {
							return nil, err // it was one with fewer tokens
						}
					}
					if err := r.round(i, m, tile, f); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return r.rounded, nil
}

// types are those of the matrices.
func (r *input) types() (types []gguf.Type) {
	for _, m := range r.matrices {
		types = append(types, m.Type)
	}
	return types
}

// encode fills the data of matrix i with what the encoder makes of it, and takes a sample of its rows.
func (r *input) encode(i int, m Matrix) error {
	encode := m.encoder()
	rowBytes := int(m.Type.RowBytes(int64(r.cols)))
	data := make([]byte, m.Rows*rowBytes)
	x := make([]float32, height*r.cols)
	n := min(m.Rows, sample)
	var rows []float32
	for first := 0; first < m.Rows; first += height {
		count := min(height, m.Rows-first)
		x := x[:count*r.cols]
		if err := m.Read(x, first, count); err != nil {
			return err
		}
		r.each(count, func(row int) {
			encode(data[(first+row)*rowBytes:][:rowBytes], x[row*r.cols:][:r.cols], r.weights)
		})
		for len(rows) < n*r.cols && sampled(len(rows)/r.cols, n, m.Rows) < first+count {
			rows = append(rows, x[(sampled(len(rows)/r.cols, n, m.Rows)-first)*r.cols:][:r.cols]...)
		}
	}
	r.rounded[i].Data, r.samples = data, append(r.samples, rows)
	return nil
}

// sampled is the row of rows that is the i-th of n in the sample.
func sampled(i, n, rows int) int { return i * rows / n }

// choose finds for each matrix the shrinkage that is best in the columns of a tile; 1 is the plain encoder.
func (r *input) choose(tile hessian.Tile) []float64 {
	judge := judgeOf(tile)
	chosen, least := make([]float64, len(r.matrices)), make([]float64, len(r.matrices))
	x, encoded := make([][]float32, len(r.matrices)), make([][]byte, len(r.matrices))
	for i, m := range r.matrices {
		x[i] = columns(r.samples[i], r.cols, tile.First, tile.Train.Cols)
		rowBytes := int(m.Type.RowBytes(int64(r.cols)))
		n := len(r.samples[i]) / r.cols
		for j := range n {
			row := r.rounded[i].Data[sampled(j, n, m.Rows)*rowBytes:][:rowBytes]
			encoded[i] = append(encoded[i], tileOf(row, m.Type, tile)...)
		}
		chosen[i], least[i] = 1, loss(judge, m.Type, x[i], encoded[i])
		r.rounded[i].Plain += least[i]
	}
	trial := r.Options // which need not be the best, as what is compared has the same
	trial.Sweeps, trial.Rescale = min(1, r.Sweeps), false
	tries := shrinkages
	if !tile.Train.Enough() {
		tries = nil
	}
	for _, s := range tries {
		for _, g := range groups(r.types()) {
			if g == 0 {
				continue
			}
			f, err := tile.Train.Factor(s, g)
			if errors.Is(err, hessian.ErrSingular) {
				continue
			}
			for i, m := range r.matrices {
				if group(m.Type) != g {
					continue
				}
				tried := slices.Clone(encoded[i])
				rows(tried, x[i], m.Type, f, trial)
				if l := loss(judge, m.Type, x[i], tried); l < least[i] {
					chosen[i], least[i] = s, l
				}
			}
		}
	}
	for i, l := range least {
		r.rounded[i].Loss += l
	}
	return chosen
}

// judgeOf returns the moments by which choices in a tile are judged.
func judgeOf(tile hessian.Tile) *hessian.Moments {
	if tile.Held.Rows == 0 {
		return tile.Train
	}
	return tile.Held
}

// loss is the squared error of the output that encoded rows make in place of x.
func loss(m *hessian.Moments, t gguf.Type, x []float32, encoded []byte) float64 {
	c, _ := codec.For(t)
	e := make([]float32, len(x))
	c.Decode(e, encoded)
	for i, v := range x {
		e[i] -= v
	}
	return m.Loss(e)
}

// round rounds all rows of matrix i in the columns of a tile.
func (r *input) round(i int, m Matrix, tile hessian.Tile, f *hessian.Factor) error {
	o := r.Options
	o.Rescale = o.Rescale && m.Encode == nil // its scales are not those of blocks
	data, rowBytes := r.rounded[i].Data, int(m.Type.RowBytes(int64(r.cols)))
	x := make([]float32, min(height, m.Rows)*r.cols)
	for first := 0; first < m.Rows; first += height {
		n := min(height, m.Rows-first)
		if err := m.Read(x[:n*r.cols], first, n); err != nil {
			return err
		}
		var encoded []byte
		for row := range n {
			encoded = append(encoded, tileOf(data[(first+row)*rowBytes:][:rowBytes], m.Type, tile)...)
		}
		rows(encoded, columns(x[:n*r.cols], r.cols, tile.First, tile.Train.Cols), m.Type, f, o)
		for row := range n {
			part := tileOf(data[(first+row)*rowBytes:][:rowBytes], m.Type, tile)
			copy(part, encoded[row*len(part):])
		}
	}
	return nil
}

// columns copies n columns, from first on, of rows of cols elements.
func columns(x []float32, cols, first, n int) []float32 {
	if n == cols {
		return x
	}
	var p []float32
	for row := range slices.Chunk(x, cols) {
		p = append(p, row[first:first+n]...)
	}
	return p
}

// tileOf is the part of an encoded row in the columns of a tile.
func tileOf(row []byte, t gguf.Type, tile hessian.Tile) []byte {
	first, end := int64(tile.First), int64(tile.First+tile.Train.Cols)
	return row[t.RowBytes(first):t.RowBytes(end)]
}
