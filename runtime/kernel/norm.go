package kernel

import "math"

// RMSNorm sets each row of dst (n rows of len(weight)) to x / sqrt(mean(x^2) + eps) * weight. The mean
// is summed in float64. dst may be x.
func (p *Pool) RMSNorm(dst, x, weight []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, weight: weight, eps: eps, op: func(r *ranges, first, end int) {
		cols := len(r.weight)
		for i := first; i < end; i++ {
			rmsNorm(r.dst[i*cols:][:cols], r.x[i*cols:][:cols], r.weight, r.eps)
		}
	}})
}

func rmsNorm(out, row, weight []float32, eps float32) {
	var sum float64
	for _, v := range row {
		sum += float64(float64(v) * float64(v))
	}
	scale := float32(1 / math.Sqrt(sum/float64(len(row))+float64(eps)))
	for j, v := range row {
		out[j] = float32(v*scale) * weight[j]
	}
}

// LayerNorm sets each row of dst to (x - mean) / sqrt(variance + eps) * weight + bias; bias may be nil.
// dst may be x.
func (p *Pool) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, weight: weight, bias: bias, eps: eps, op: func(r *ranges, first, end int) {
		cols := len(r.weight)
		for i := first; i < end; i++ {
			layerNorm(r.dst[i*cols:][:cols], r.x[i*cols:][:cols], r.weight, r.bias, r.eps)
		}
	}})
}

func layerNorm(out, row, weight, bias []float32, eps float32) {
	var sum, squares float64
	for _, v := range row {
		sum += float64(v)
	}
	mean := sum / float64(len(row))
	for _, v := range row {
		d := float64(v) - mean
		squares += float64(d * d)
	}
	scale := 1 / math.Sqrt(squares/float64(len(row))+float64(eps))
	for j, v := range row {
		out[j] = float32(float32((float64(v)-mean)*scale) * weight[j])
		if bias != nil {
			out[j] += bias[j]
		}
	}
}

// rows computes r over rows of len(weight), in parallel when they are worth it.
func (p *Pool) rows(r ranges) {
	cols := len(r.weight)
	r.n, r.size = len(r.x)/cols, max(1, 8192/cols)
	p.ranges(r)
}
