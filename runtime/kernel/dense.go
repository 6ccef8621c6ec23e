package kernel

import (
	"unsafe"

	"github.com/carat-llm/carat/gguf"
)

// pad16 rounds n up to whole lanes.
func pad16(n int) int { return (n + 15) &^ 15 }

// floatStride is the length of n rows of cols activations for products with weights that are floats: whole lanes, and so
// that rows of several tokens do not share a few places of the cache, as they do when they are 4096 bytes apart.
func floatStride(cols, n int) int {
	stride := pad16(cols)
	if n > 1 && stride%1024 == 0 {
		stride += len(lanes{})
	}
	return stride
}

// Many tokens are multiplied in blocks, so that activations are read from far caches seldom, and what a tile takes from the
// nearest: of so many tokens and columns of the matrix.
const (
	floatTokens  = 96
	floatStretch = 1024
)

// rowsAChunk is the number of rows of weights that are floats in a chunk of work.
func (m *Multiplier) rowsAChunk(w *Matrix) int {
	const least, most = 16, 64
	if m.acts.n < most/2 {
		return least
	}
	return max(least, min(most, w.Rows/(2*m.threads)&^(least-1)))
}

// denseRows computes rows first..first+rows-1 of a product with weights that are floats; rows of x are stride long.
func (q *Product) denseRows(s *Scratch, first, rows int, x []float32, n, stride int) {
	w, k := q.W, active()
	t := &s.floats
	*t = floatTile{w: w.Data[first*w.rowBytes : (first+rows)*w.rowBytes], t: w.Type, wStride: w.rowBytes, xStride: stride}
	cols, stretch := pad16(w.Cols), pad16(w.Cols)
	whole := (rows + floatRows - 1) / floatRows * floatRows
	if n > k.floatWidth || cols != w.Cols || rows != whole || w.Type.BlockSize() != 1 {
		// Decoded once for all tokens; columns and rows that are missing are zeros.
		decoded := s.Floats(whole * stride)
		for r := range rows {
			w.Row(decoded[r*stride:], first+r)
			clear(decoded[r*stride+w.Cols : (r+1)*stride])
		}
		clear(decoded[rows*stride:])
		t.w, t.t, t.wStride = bytesOf(decoded), gguf.F32, 4*stride
		stretch = min(stretch, floatStretch)
	}
	weights := t.w
	blocks := (n + floatTokens - 1) / floatTokens
	const size = floatRows * len(lanes{})
	sums := s.Floats(whole / floatRows * ((n + blocks - 1) / blocks) * size)
	results := s.Floats(floatRows * ((n + blocks - 1) / blocks))
	for block := range blocks {
		from, to := block*n/blocks, (block+1)*n/blocks
		sums := sums[:whole/floatRows*(to-from)*size]
		clear(sums)
		for col := 0; col < cols; col += stretch {
			t.steps = min(stretch, cols-col) / len(lanes{})
			t.tokens(k, sums, weights, x[from*stride:], to-from, whole, col)
		}
		for r := 0; r < rows; r += floatRows {
			out := results[:floatRows*(to-from)]
			k.joinLanes(out, sums[r/floatRows*(to-from)*size:])
			for c := range to - from {
				copy(q.Dst[(from+c)*w.Rows+first+r:][:min(floatRows, rows-r)], out[c*floatRows:])
			}
		}
	}
}

// tokens adds the products of all rows with n tokens, for the columns from col on. Sums has for 4 rows after the other the
// lanes of each token.
func (t *floatTile) tokens(k *tier, sums []float32, weights []byte, x []float32, n, rows, col int) {
	const size = floatRows * len(lanes{})
	tiles := (n + k.floatWidth - 1) / k.floatWidth
	for i := range tiles {
		c, end := i*n/tiles, (i+1)*n/tiles
		t.x, t.width = x[c*t.xStride+col:], end-c
		for r := 0; r < rows; r += floatRows {
			t.w = weights[r*t.wStride+4*col:] // col is 0 unless they are float32
			t.lanes = sums[(r/floatRows*n+c)*size:][:t.width*size]
			k.floats(t)
		}
	}
}

// bytesOf is the memory of x.
func bytesOf(x []float32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x)) }

// padRows copies n rows of cols elements to rows of stride elements, zeros behind, in the memory of padded.
func padRows(padded, x []float32, n, cols, stride int) []float32 {
	padded = room(padded, n*stride)
	for i := range n {
		row := padded[i*stride : (i+1)*stride]
		clear(row[copy(row, x[i*cols:(i+1)*cols]):])
	}
	return padded
}
