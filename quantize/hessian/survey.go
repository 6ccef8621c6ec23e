package hessian

import (
	"context"
	"errors"
)

// Coverage says how much a text tells about what a matrix is multiplied with.
type Coverage struct {
	Matrix
	Experts int // of the matrix's tensor; 1 when it is not stacked
	Cols    int
	Tokens  int64 // that reached the matrix
	// Left is the share of the squared error that error feedback is expected to leave, Factor.Gain of the first tile; 1 when
	// there are too few tokens (Moments.Enough).
	Left   float64
	Enough bool
}

// Walker goes through the layers of a model, and its output behind them (runtime/model.Walk).
type Walker interface {
	Looker
	Layer() int
	Layers() int
	Next() error
}

// Typical is the share by which off-diagonal moments shrink where no held-out tokens choose one: for surveys and estimates.
const Typical = 0.1

// enough is the number of tokens for each column, from which on moments say something about how columns go together.
const enough = 0.25

// Enough says whether there are so many tokens that more than the diagonal can be relied upon: a quarter of the columns.
func (m *Moments) Enough() bool { return float64(m.Rows) >= enough*float64(m.Cols) }

// Survey walks over n chunks and returns the coverage of each matrix that wanted asks for, in the order of their products; see Collect. Matrices
// that no token reached are not among them. Done, if not nil, is called after each layer.
func Survey(ctx context.Context, w Walker, n int, product Products, wanted func(Matrix) bool, bytes int64, done func(layer int)) ([]Coverage, error) {
	var all []Coverage
	experts := map[string]int{}
	l := counting{w, experts}
	for {
		err := Collect(ctx, l, n, product, wanted, bytes, func(in *Input) error {
			covered, err := in.coverage()
			if err != nil {
				return err
			}
			for _, m := range in.Matrices {
				covered.Matrix, covered.Experts = m, experts[m.Tensor]
				all = append(all, covered)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if done != nil {
			done(w.Layer())
		}
		if w.Layer() == w.Layers() {
			return all, nil
		}
		if err := w.Next(); err != nil {
			return nil, err
		}
	}
}

// coverage is that of the matrices of in, whose moments are used up.
func (in *Input) coverage() (Coverage, error) {
	m := in.Tiles[0].Train
	c := Coverage{Cols: in.Cols, Enough: m.Enough(), Left: 1}
	m.Sum(in.Tiles[0].Held)
	c.Tokens = m.Rows
	if !c.Enough {
		return c, nil
	}
	f, err := m.Factor(Typical, 1)
	if errors.Is(err, ErrSingular) {
		c.Enough = false
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.Left = f.Gain
	return c, nil
}

// counting notes how many experts the tensors have.
type counting struct {
	Looker
	experts map[string]int
}

func (c counting) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	return c.Looker.Look(i, func(tensor string, expert, experts int, x []float32, cols int) {
		c.experts[tensor] = experts
		f(tensor, expert, experts, x, cols)
	})
}
