package kernel

import "github.com/carat-llm/carat/gguf"

// Product sets dst = x * transpose(w), all float32: x is n rows of cols elements, w rows rows of cols, dst n rows of rows,
// all row-major. It is MatMul without a Matrix, with the same bits on every processor.
func (p *Pool) Product(dst, x, w []float32, n, rows, cols int) {
	m, err := NewMatrix(gguf.F32, rows, cols, bytesOf(w)[:4*rows*cols])
	if err != nil {
		panic(err) // the sizes are those of w
	}
	p.MatMul(dst[:n*rows], m, x[:n*cols], n)
}
