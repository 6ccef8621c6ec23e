package kernel

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Matrix is a weight matrix as it lies in the file: Rows rows of Cols elements, encoded.
type Matrix struct {
	Type       gguf.Type
	Rows, Cols int
	Data       []byte
	rowBytes   int
	decode     func(dst []float32, src []byte) // of whole blocks
	integers   *panels                         // nil when the type is a float type
}

// CheckMatrix refuses types that cannot be decoded, and rows that are no whole blocks.
func CheckMatrix(t gguf.Type, cols int) error {
	if c, ok := codec.For(t); !ok || c.Decode == nil {
		return fmt.Errorf("%w: carat cannot compute with type %s", gguf.ErrUnsupported, t)
	}
	if cols%t.BlockSize() != 0 {
		return fmt.Errorf("%w: rows of %d elements are not a multiple of the block size of %s, which is %d", gguf.ErrInput, cols, t, t.BlockSize())
	}
	return nil
}

// NewMatrix checks that data holds rows x cols elements of type t and that t can be decoded.
func NewMatrix(t gguf.Type, rows, cols int, data []byte) (*Matrix, error) {
	if err := CheckMatrix(t, cols); err != nil {
		return nil, err
	}
	c, _ := codec.For(t)
	rowBytes := int(t.RowBytes(int64(cols)))
	if len(data) != rows*rowBytes {
		return nil, fmt.Errorf("%w: %d bytes of data, but %d rows of %d %s elements need %d", gguf.ErrInput, len(data), rows, cols, t, rows*rowBytes)
	}
	return &Matrix{Type: t, Rows: rows, Cols: cols, Data: data, rowBytes: rowBytes, decode: c.Decode}, nil
}

// Prepare arranges weights of integers as products take them; it does nothing for weights that are floats, and the second
// time. Matrices that are not prepared can only be multiplied with slowly.
func (m *Matrix) Prepare(p *Pool) {
	f, ok := codec.IntegersOf(m.Type)
	if !ok || m.integers != nil {
		return
	}
	l := layout(f, m.Rows, m.Cols)
	l.data = make([]byte, l.count()*l.size)
	p.RunRange(l.count(), 8, func(first, end int) {
		k := new(packer)
		for i := first; i < end; i++ {
			rows := m.Data[i*panelRows*m.rowBytes : min(m.Rows, (i+1)*panelRows)*m.rowBytes]
			k.pack(&l, l.panel(i), rows, m.Type.BlockSize(), m.Type.BlockBytes())
		}
	})
	m.integers = &l
}

// RowRange is the matrix of the rows first..first+n-1, sharing the data.
func (m *Matrix) RowRange(first, n int) *Matrix {
	part := *m
	part.Rows, part.Data = n, m.Data[first*m.rowBytes:(first+n)*m.rowBytes]
	return &part
}

// Row decodes row i into dst, Cols long.
func (m *Matrix) Row(dst []float32, i int) {
	m.decode(dst[:m.Cols], m.Data[i*m.rowBytes:(i+1)*m.rowBytes])
}
