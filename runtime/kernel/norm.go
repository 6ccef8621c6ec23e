package kernel

import "math"

// RMSNorm sets each row of dst (n rows of len(weight)) to x / sqrt(mean(x^2) + eps) * weight. The mean
// is summed in float64. dst may be x.
func (p *Pool) RMSNorm(dst, x, weight []float32, eps float32) {
	cols := len(weight)
	p.rows(len(x)/cols, cols, func(i int) {
		row, out := x[i*cols:][:cols], dst[i*cols:][:cols]
		var sum float64
		for _, v := range row {
			sum += float64(float64(v) * float64(v))
		}
		scale := float32(1 / math.Sqrt(sum/float64(cols)+float64(eps)))
		for j, v := range row {
			out[j] = float32(v*scale) * weight[j]
		}
	})
}

// LayerNorm sets each row of dst to (x - mean) / sqrt(variance + eps) * weight + bias; bias may be nil.
// dst may be x.
func (p *Pool) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	cols := len(weight)
	p.rows(len(x)/cols, cols, func(i int) {
		row, out := x[i*cols:][:cols], dst[i*cols:][:cols]
		var sum, squares float64
		for _, v := range row {
			sum += float64(v)
		}
		mean := sum / float64(cols)
		for _, v := range row {
			d := float64(v) - mean
			squares += float64(d * d)
		}
		scale := 1 / math.Sqrt(squares/float64(cols)+float64(eps))
		for j, v := range row {
			out[j] = float32(float32((float64(v)-mean)*scale) * weight[j])
			if bias != nil {
				out[j] += bias[j]
			}
		}
	})
}

// rows calls f for each row, in parallel when the rows are worth it.
func (p *Pool) rows(n, cols int, f func(i int)) {
	p.RunRange(n, max(1, 8192/cols), func(first, end int) {
		for i := first; i < end; i++ {
			f(i)
		}
	})
}
