package arch

// Transform changes a tensor on its way: first where its elements lie, then what they are. The zero value leaves it as it is.
// Tensors whose elements only move, and keep their type, are moved as the bytes that they are.
type Transform struct {
	// Transpose swaps rows and columns of a matrix: GPT-2 stores matrices input x output.
	Transpose bool
	// Order, if not nil, is a row map: row r of so many is row Order(r, rows) of the checkpoint. The elements of a tensor of one
	// dimension are what rows are to a matrix. It does not go with Transpose.
	Order func(r, rows int64) int64
	// Values, if not nil, changes elements, some at a time; each becomes what it becomes wherever it stands.
	Values func(values []float32)
}

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

// plusOne is for norms whose weights are stored less one.
func plusOne(values []float32) {
	for i := range values {
		values[i]++
	}
}
