package convert

import (
	"cmp"
	"slices"
	"sync"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/internal/mmap"
)

// scratch is the memory of one call of ReadRows, which the next one takes over.
type scratch struct {
	elements []byte // of the checkpoint, in the result's order
	read     []byte // as they lie in the file
	columns  []byte // of matrices that are transposed, in the checkpoint's order
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
	cols := t.Cols()
	switch {
	case t.spec.Transpose:
		return t.transposed(s, dst, first, n, t.src.Bytes())
	case t.spec.Order == nil:
		return t.src.ReadAt(dst, first*t.src.Type.RowBytes(cols))
	}
	run := t.run()
	return t.pick(s, dst, first*cols/run, n*cols/run, t.src.Type.RowBytes(run))
}

// run is the number of elements that move together through the row map.
func (t *tensor) run() int64 {
	switch {
	case t.spec.Run > 0:
		return t.spec.Run
	case len(t.Shape) == 1:
		return 1
	}
	return t.Cols()
}

// moved is a run of the result, by its place in what is asked for, and the checkpoint's run that it is.
type moved struct{ to, from int64 }

func (m moved) zeros() bool { return m.from == arch.Zeros }

// order fills in the row map of runs first..first+n-1 of the result.
func (t *tensor) order(s *scratch, first, n, runs int64) []moved {
	order := grow(&s.order, n)
	for i := range order {
		order[i] = moved{int64(i), t.spec.Order(first+int64(i), runs)}
	}
	return order
}

// pick gathers runs of size bytes through the row map. Runs that stand together in the checkpoint are read together, however
// they lie in the result: a map like that of heads needs one read for many rows. Those that stay one after the other are
// read to where they go.
func (t *tensor) pick(s *scratch, dst []byte, first, n, size int64) error {
	order := t.order(s, first, n, t.Elements()/t.run())
	following := func(order []moved) int64 {
		k := int64(1)
		for k < int64(len(order)) && order[k].from == order[k-1].from+1 {
			k++
		}
		return k
	}
	if k := following(order); (k*size >= directBytes || k == n) && !slices.ContainsFunc(order, moved.zeros) {
		for len(order) > 0 {
			k := following(order)
			if err := t.src.ReadAt(dst[order[0].to*size:][:k*size], order[0].from*size); err != nil {
				return err
			}
			order = order[k:]
		}
		return nil
	}
	slices.SortFunc(order, func(a, b moved) int { return cmp.Compare(a.from, b.from) })
	for len(order) > 0 && order[0].zeros() {
		clear(dst[order[0].to*size:][:size])
		order = order[1:]
	}
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

// directBytes is about what is worth a read of its own.
const directBytes = 1 << 14

// transposed gathers rows of the result, which are columns of the checkpoint's matrices, one matrix after the other.
func (t *tensor) transposed(s *scratch, dst []byte, first, n int64, all []byte) error {
	m := t.matrices()
	at := func(row int64) int64 { // the column of all of the checkpoint's matrices side by side that a row is
		if t.spec.Order != nil {
			return t.spec.Order(row, t.Rows())
		}
		return row
	}
	for n > 0 {
		// As many rows as are of one matrix, and are as good as its columns one after the other.
		k, begin := int64(1), at(first)
		matrix := begin / m.cols
		low, high, inOrder := begin, begin, true
		for ; k < n; k++ {
			c := at(first + k)
			if c/m.cols != matrix || max(high, c)-min(low, c) >= 4*(k+1) {
				break
			}
			inOrder = inOrder && c == begin+k
			low, high = min(low, c), max(high, c)
		}
		out := dst[:k*m.bytes()]
		if !inOrder {
			out = grow(&s.columns, (high-low+1)*m.bytes())
		}
		if err := t.columns(s, out, matrix, low%m.cols, high-low+1, all); err != nil {
			return err
		}
		if !inOrder {
			for i := range k {
				copy(dst[i*m.bytes():][:m.bytes()], out[(at(first+i)-low)*m.bytes():])
			}
		}
		dst, first, n = dst[k*m.bytes():], first+k, n-k
	}
	return nil
}

// matrices says how the checkpoint's tensor is cut in matrices that are transposed: each has rows x cols, of which the
// first taken rows make the result's columns.
type matrices struct{ rows, cols, taken, width int64 }

func (m matrices) bytes() int64 { return m.taken * m.width }

func (t *tensor) matrices() matrices {
	m := matrices{cols: t.spec.Shape[len(t.spec.Shape)-1], taken: t.Cols(), width: int64(t.src.Type.BlockBytes())}
	count := int64(1)
	for _, d := range t.Shape[2:] {
		count *= d
	}
	m.rows = t.src.Elements() / m.cols / count
	return m
}

// columns makes rows of n columns of a matrix. Of a mapped file, all of whose tensor is given, only these columns are
// touched; of another one all rows are read, some at a time.
func (t *tensor) columns(s *scratch, dst []byte, matrix, first, n int64, all []byte) error {
	m := t.matrices()
	begin := matrix * m.rows * m.cols * m.width
	if all != nil {
		return mmap.Guard(func() error {
			transpose(dst, m.bytes(), all[begin+first*m.width:], m.cols*m.width, m.taken, n, m.width)
			return nil
		})
	}
	block := max(1, transposeBytes/(m.cols*m.width))
	for row := int64(0); row < m.taken; row += block {
		k := min(block, m.taken-row)
		read := grow(&s.read, k*m.cols*m.width)
		if err := t.src.ReadAt(read, begin+row*m.cols*m.width); err != nil {
			return err
		}
		transpose(dst[row*m.width:], m.bytes(), read[first*m.width:], m.cols*m.width, k, n, m.width)
	}
	return nil
}

// transposeBytes is about what is read at a time of files that cannot be mapped.
const transposeBytes = 1 << 20

// place is the number of the checkpoint's element that the result's is, counted from the first.
func (t *tensor) place(element int64) int64 {
	switch {
	case t.spec.Transpose:
		m := t.matrices()
		row, col := element/t.Cols(), element%t.Cols()
		if t.spec.Order != nil {
			row = t.spec.Order(row, t.Rows())
		}
		return (row/m.cols*m.rows+col)*m.cols + row%m.cols
	case t.spec.Order != nil:
		run := t.run()
		return t.spec.Order(element/run, t.Elements()/run)*run + element%run
	}
	return element
}
