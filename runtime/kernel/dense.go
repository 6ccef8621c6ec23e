package kernel

// BlockCols is the number of columns whose products are summed in lanes before the lanes are joined.
const BlockCols = 256

// rowTile is the number of weight rows decoded at a time: 16 rows of BlockCols float32 stay in the
// first-level cache while the activations pass by.
const rowTile = 16

// pad8 rounds n up to whole vectors of eight.
func pad8(n int) int { return (n + 7) &^ 7 }

// denseRows computes chunk number chunk of a product with weights that are decoded to float32.
func (q *Product) denseRows(s *Scratch, chunk int, x []float32, n, stride int) {
	tile := rowTile
	if n < 3 { // decoded rows are used once: few of them, so that they stay in the nearest cache
		tile = 4
	}
	end := min(q.W.Rows, (chunk+1)*rowTile)
	for first := chunk * rowTile; first < end; first += tile {
		q.rows(s, first, min(tile, end-first), x, n, stride)
	}
}

// rows computes the results of some rows, from first on.
func (q *Product) rows(s *Scratch, first, rows int, x []float32, n, stride int) {
	w, kernels := q.W, active()
	whole := (rows + 3) &^ 3 // the kernels take four rows at a time; rows beyond the last are zero
	s.Reset()
	buf := s.Floats(whole * stride)
	if stride == w.Cols {
		w.decode(buf[:rows*stride], w.Data[first*w.rowBytes:(first+rows)*w.rowBytes])
	} else {
		clear(buf)
		for r := range rows {
			w.Row(buf[r*stride:], first+r)
		}
	}
	clear(buf[rows*stride:])

	for j := range n {
		clear(q.Dst[j*w.Rows+first:][:rows])
	}
	full := rows &^ 3
	sums := (*[4]float32)(s.Floats(4)) // a variable that a function of the tier is given would be allocated
	for k := 0; k < stride; k += BlockCols {
		block := min(BlockCols, stride-k)
		j := 0
		for ; j+3 <= n; j += 3 {
			for r := 0; r < full; r += 4 {
				kernels.dot4x3(q.Dst[j*w.Rows+first+r:], w.Rows, buf[r*stride+k:], stride, x[j*stride+k:], stride, block)
			}
		}
		for ; j < n; j++ {
			for r := 0; r < full; r += 4 {
				kernels.dot4((*[4]float32)(q.Dst[j*w.Rows+first+r:]), buf[r*stride+k:], stride, x[j*stride+k:], block)
			}
		}
		if full == rows {
			continue
		}
		for j := range n {
			*sums = [4]float32{}
			out := q.Dst[j*w.Rows+first+full:][:rows-full]
			copy(sums[:], out)
			kernels.dot4(sums, buf[full*stride+k:], stride, x[j*stride+k:], block)
			copy(out, sums[:])
		}
	}
}

// padRows copies n rows of cols elements to rows of stride elements, zeros behind, in the memory of padded.
func padRows(padded, x []float32, n, cols, stride int) []float32 {
	padded = room(padded, n*stride)
	for i := range n {
		row := padded[i*stride : (i+1)*stride]
		clear(row[copy(row, x[i*cols:(i+1)*cols]):])
	}
	return padded
}
