package convert

import (
	"cmp"
	"slices"
	"sync"

	"github.com/carat-llm/carat/internal/mmap"
)

// scratch is the memory of one call of ReadRows, which the next one takes over.
type scratch struct {
	elements []byte // of the checkpoint, in the result's order
	read     []byte // as they lie in the file
	values   []float32
	order    []moved
}

var spare = sync.Pool{New: func() any { return new(scratch) }}

// grow returns b with length n, allocated anew only when it is too small.
func grow[T any](b *[]T, n int64) []T {
	if int64(cap(*b)) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}

// gather fills dst with the elements of rows first..first+n-1 of the result, as the checkpoint encodes them.
func (t *tensor) gather(s *scratch, dst []byte, first, n int64) error {
	width := int64(t.src.Type.BlockBytes())
	switch {
	case t.spec.Transpose:
		return t.transpose(s, dst, first, n, t.src.Bytes())
	case t.spec.Order == nil:
		return t.src.ReadAt(dst, first*t.Cols()*width)
	case len(t.Shape) == 1:
		return t.pick(s, dst, 0, t.Cols(), t.Cols(), width)
	}
	return t.pick(s, dst, first, n, t.Rows(), t.Cols()*width)
}

// moved is a row of the result, by its place in what is asked for, and the checkpoint's row that it is.
type moved struct{ to, from int64 }

// pick gathers rows of size bytes through the row map. Rows that stand together in the checkpoint are read together, however
// they lie in the result: a map like that of heads needs one read for many rows.
func (t *tensor) pick(s *scratch, dst []byte, first, n, rows, size int64) error {
	order := grow(&s.order, n)
	for i := range order {
		order[i] = moved{int64(i), t.spec.Order(first+int64(i), rows)}
	}
	slices.SortFunc(order, func(a, b moved) int { return cmp.Compare(a.from, b.from) })
	for len(order) > 0 {
		k := 1
		for k < len(order) && order[k].from-order[k-1].from <= 1 {
			k++
		}
		begin := order[0].from
		read := grow(&s.read, (order[k-1].from-begin+1)*size)
		if err := t.src.ReadAt(read, begin*size); err != nil {
			return err
		}
		for _, m := range order[:k] {
			copy(dst[m.to*size:][:size], read[(m.from-begin)*size:])
		}
		order = order[k:]
	}
	return nil
}

// transpose gathers rows of the result, which are columns of the checkpoint. Of a mapped file, all of whose tensor is given,
// only these columns are touched; of another one all rows are read, some at a time.
func (t *tensor) transpose(s *scratch, dst []byte, first, n int64, all []byte) error {
	width := int64(t.src.Type.BlockBytes())
	rows, cols := t.spec.Shape[0], t.spec.Shape[1] // of the checkpoint
	if all != nil {
		return mmap.Guard(func() error {
			transpose(dst, rows*width, all[first*width:], cols*width, rows, n, width)
			return nil
		})
	}
	block := max(1, transposeBytes/(cols*width))
	for row := int64(0); row < rows; row += block {
		k := min(block, rows-row)
		read := grow(&s.read, k*cols*width)
		if err := t.src.ReadAt(read, row*cols*width); err != nil {
			return err
		}
		transpose(dst[row*width:], rows*width, read[first*width:], cols*width, k, n, width)
	}
	return nil
}

// transposeBytes is about what is read at a time of files that cannot be mapped.
const transposeBytes = 1 << 20
