package kernel

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Matrix is a weight matrix: Rows rows of Cols elements, encoded as in the file.
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
	m := &Matrix{Type: t, Rows: rows, Cols: cols, Data: data, rowBytes: rowBytes, decode: c.Decode}
	m.arrange()
	return m, nil
}

// arrange sets how the panels of weights of integers lie, without filling them.
func (m *Matrix) arrange() {
	if f, ok := codec.IntegersOf(m.Type); ok {
		l := layout(f, m.Rows, m.Cols)
		m.integers = &l
	}
}

// panels is the number of panels of 16 rows.
func (m *Matrix) panels() int { return (m.Rows + panelRows - 1) / panelRows }

// panel returns the bytes of panel i of weights of integers, arranged now when Prepare has not.
func (m *Matrix) panel(s *Scratch, i int) []byte {
	l := m.integers
	if l.data != nil {
		return l.panel(i)
	}
	panel := s.Bytes(l.size)
	s.packer.pack(l, panel, m.Data[i*panelRows*m.rowBytes:min(m.Rows, (i+1)*panelRows)*m.rowBytes], m.Type)
	return panel
}

// RowRange is the matrix of the rows first..first+n-1, sharing the data.
func (m *Matrix) RowRange(first, n int) *Matrix {
	part := *m
	part.Rows, part.Data = n, m.Data[first*m.rowBytes:(first+n)*m.rowBytes]
	part.arrange()
	return &part
}

// Row decodes row i into dst, Cols long.
func (m *Matrix) Row(dst []float32, i int) {
	m.decode(dst[:m.Cols], m.Data[i*m.rowBytes:(i+1)*m.rowBytes])
}
