package hessian

import (
	"context"
	"fmt"
	"slices"
)

// Looker shows the products of one layer of a model over chunks of a text (runtime/model.Walk).
type Looker interface {
	// Look evaluates the layer over chunk i and calls f before each product with a weight tensor: x holds rows of cols
	// activations, valid during the call only. A stacked tensor is named for each expert that computes something; others are
	// expert 0 of 1.
	Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error
}

// Matrix names a weight matrix: a tensor, or an expert of a stacked one.
type Matrix struct {
	Tensor string
	Expert int
}

// Input is what one or several matrices are multiplied with.
type Input struct {
	Matrices []Matrix
	Cols     int
	// Tiles are ranges of columns whose moments are known, one behind the other. An input of up to maxTile columns has one;
	// what columns of different tiles have to do with each other is not gathered.
	Tiles []Tile
}

// Tile is a range of columns, from First on.
type Tile struct {
	First int
	// Train has the moments of most chunks, Held those of every tenth, by which choices are judged.
	Train, Held *Moments
}

// maxTile bounds the memory of moments, which grows with the square of the columns: 4096 columns need 67 MB each time they
// are gathered, and 134 MB when they are factored. It is a multiple of every block size.
const maxTile = 4096

// tilesOf are the ends of the tiles of so many columns.
func tilesOf(cols int) (ends []int) {
	tiles := (cols + maxTile - 1) / maxTile
	const whole = 256 // columns of the largest block
	for i := 1; i < tiles; i++ {
		ends = append(ends, i*cols/tiles/whole*whole)
	}
	return append(ends, cols)
}

// newInput returns the input of m with no activations yet.
func newInput(m Matrix, cols int, product Products) *Input {
	in := &Input{Matrices: []Matrix{m}, Cols: cols}
	first := 0
	for _, end := range tilesOf(cols) {
		in.Tiles = append(in.Tiles, Tile{first, New(end-first, product), New(end-first, product)})
		first = end
	}
	return in
}

// bytesOf is the memory of the moments of an input.
func bytesOf(cols int) (n int64) {
	first := 0
	for _, end := range tilesOf(cols) {
		n += 2 * 8 * int64(triangle(end-first))
		first = end
	}
	return n
}

// add adds rows of activations to the moments of all tiles.
func (in *Input) add(x []float32, held bool) error {
	for _, t := range in.Tiles {
		to := t.Train
		if held {
			to = t.Held
		}
		if err := to.add(x, in.Cols, t.First); err != nil {
			return err
		}
	}
	return nil
}

// Weights are the sums of squares of all tokens: the importance of each column.
func (in *Input) Weights() []float32 {
	var w []float32
	for _, t := range in.Tiles {
		for i := range t.Train.Cols {
			w = append(w, float32(t.Train.At(i, i)+t.Held.At(i, i)))
		}
	}
	return w
}

// heldEvery is the number of chunks of which one is held out; fewer chunks hold out their last.
const heldEvery = 10

// held says whether chunk i of n is held out.
func held(i, n int) bool { return n > 1 && (i%heldEvery == heldEvery-1 || n < heldEvery && i == n-1) }

// Collect gathers the moments of the inputs of a layer over n chunks, for the matrices that wanted asks for. Matrices that meet the same
// activations share an Input. No more than about bytes of memory are used at a time: when the moments need more, each is called for those
// that fit, and the layer is evaluated again for others.
func Collect(ctx context.Context, l Looker, n int, product Products, wanted func(Matrix) bool, bytes int64, each func(*Input) error) error {
	done := map[Matrix]bool{}
	for {
		c := &collector{product: product, wanted: func(m Matrix) bool { return !done[m] && wanted(m) }, budget: bytes, of: map[Matrix]*Input{}}
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			c.held, c.last = held(i, n), nil
			if err := l.Look(i, c.add); err != nil {
				return err
			}
			if c.err != nil {
				return fmt.Errorf("chunk %d: %w", i+1, c.err)
			}
		}
		inputs, more := c.inputs, c.more
		c = nil // so that nothing keeps an input that is used up
		for i, in := range inputs {
			inputs[i] = nil
			for _, m := range in.Matrices {
				done[m] = true
			}
			if err := each(in); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// collector adds up one evaluation of the layer. The first error stays.
type collector struct {
	product Products
	wanted  func(Matrix) bool
	budget  int64 // what is left of it
	of      map[Matrix]*Input
	inputs  []*Input
	held    bool
	more    bool // some matrices did not fit
	err     error

	last *Input    // to which the activations before were added, nil if to none
	seen []float32 // those activations
}

func (c *collector) add(tensor string, expert, _ int, x []float32, cols int) {
	m := Matrix{tensor, expert}
	if c.err != nil || !c.wanted(m) {
		return
	}
	in, shared := c.of[m], c.last != nil && slices.Equal(c.seen, x)
	if in == nil && shared {
		in = c.last
		in.Matrices, c.of[m] = append(in.Matrices, m), in
	}
	if shared && in == c.last {
		return
	}
	if in == nil {
		if c.budget < bytesOf(cols) && len(c.inputs) > 0 {
			c.more, c.last = true, nil
			return
		}
		in = newInput(m, cols, c.product)
		c.budget -= bytesOf(cols)
		c.of[m], c.inputs = in, append(c.inputs, in)
	}
	if err := in.add(x, c.held); err != nil {
		c.err = fmt.Errorf("tensor %s: %w", tensor, err)
	}
	c.last, c.seen = in, append(c.seen[:0], x...)
}
