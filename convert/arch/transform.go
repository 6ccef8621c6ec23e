package arch

import "math"

// Transform changes a tensor on its way: first where its elements lie, then what they are. The zero value leaves it as it is.
// Tensors whose elements only move, and keep their type, are moved as the bytes that they are.
//
// A family that needs a move or a change that is not here writes a function of its own.
type Transform struct {
	// Transpose swaps the last two dimensions. Of a tensor that is cut in matrices of more rows than the result has columns
	// the first rows of each are taken.
	Transpose bool
	// Order, if not nil, is a row map: row r of so many of the result is row Order(r, rows) of the checkpoint, after it was
	// transposed. The elements of a tensor of one dimension are what rows are to a matrix.
	// A row may be Zeros.
	Order func(r, rows int64) int64
	// Run above 0 is the number of elements that Order moves together, in place of a row: a head's share of the columns.
	Run int64
	// Values, if not nil, changes elements, some at a time; each becomes what it becomes wherever it stands.
	Values func(values []float32)
	// Undo, if not nil, gives elements back what they were before Values. Without it a tensor that Values changes cannot be
	// exported.
	Undo func(values []float32)
	// ByRow, if not nil, changes the elements of a row of the result, behind Values.
	ByRow func(row int64, values []float32)
}

// Zeros is what a row map gives for rows that the checkpoint does not have. It does not go with Transpose.
const Zeros = -1

// Changes reports whether elements become others.
func (t Transform) Changes() bool { return t.Values != nil || t.ByRow != nil }

// Moves reports whether elements lie elsewhere than in the checkpoint.
func (t Transform) Moves() bool { return t.Transpose || t.Order != nil }

// halvesToPairs is the row map of queries and keys: within a head ggml rotates neighbouring rows here, transformers those of
// its two halves.
func halvesToPairs(heads int64) func(r, rows int64) int64 {
	return func(r, rows int64) int64 {
		d := rows / heads
		within := r % d
		return r - within + within%2*(d/2) + within/2
	}
}

// rowsOf takes from every group of rows so many, beginning with row first: the parts of tensors that are fused, once or in
// each head or expert.
func rowsOf(group, first, rows int64) Transform {
	return Transform{Order: func(r, _ int64) int64 { return r/rows*group + first + r%rows }}
}

// swapped is the row map that exchanges the outer two of dimensions a x b x inner: group (i, j) of the result is (j, i).
func swapped(a, b, inner int64) func(r, rows int64) int64 {
	return func(r, _ int64) int64 {
		group, within := r/inner, r%inner
		return (group%a*b+group/a)*inner + within
	}
}

// lessOne is for norms whose weights are stored less one.
var lessOne = Transform{Values: plusOne, Undo: minusOne}

func plusOne(values []float32) {
	for i := range values {
		values[i]++
	}
}

func minusOne(values []float32) {
	for i := range values {
		values[i]--
	}
}

// minusExp is what state spaces decay with, stored as its logarithm.
func minusExp(values []float32) {
	for i, v := range values {
		values[i] = -float32(math.Exp(float64(v)))
	}
}

// times multiplies all elements.
func times(factor float32) func(values []float32) {
	return func(values []float32) {
		for i := range values {
			values[i] *= factor
		}
	}
}
