package kernel

import "math"

// RMSNorm sets each row of dst (n rows of len(weight)) to x / sqrt(mean(x^2) + eps) * weight. dst may be x.
func (p *Pool) RMSNorm(dst, x, weight []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, weight: weight, eps: eps, op: func(r *ranges, first, end int) {
		cols := len(r.weight)
		RMSNorm(r.dst[first*cols:end*cols], r.x[first*cols:end*cols], r.weight, r.eps)
	}})
}

// RMSNorm is Pool.RMSNorm by the caller alone.
func RMSNorm(dst, x, weight []float32, eps float32) {
	k, cols := active(), len(weight)
	for at := 0; at < len(x); at += cols {
		x := x[at:][:cols]
		k.rmsNorm(dst[at:][:cols], x, weight, k.squares(x), eps)
	}
}

// AddRMSNorm adds y to x, then is RMSNorm. dst is neither.
func (p *Pool) AddRMSNorm(dst, x, y, weight []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, y: y, weight: weight, eps: eps, op: func(r *ranges, first, end int) {
		k, cols := active(), len(r.weight)
		for at := first * cols; at < end*cols; at += cols {
			x := r.x[at:][:cols]
			k.rmsNorm(r.dst[at:][:cols], x, r.weight, k.addSquares(x, r.y[at:][:cols]), r.eps)
		}
	}})
}

// LayerNorm sets each row of dst to (x - mean) / sqrt(variance + eps) * weight + bias; bias may be nil. dst may be x.
func (p *Pool) LayerNorm(dst, x, weight, bias []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, weight: weight, bias: bias, eps: eps, op: func(r *ranges, first, end int) {
		cols := len(r.weight)
		LayerNorm(r.dst[first*cols:end*cols], r.x[first*cols:end*cols], r.weight, r.bias, r.eps)
	}})
}

// LayerNorm is Pool.LayerNorm by the caller alone.
func LayerNorm(dst, x, weight, bias []float32, eps float32) {
	k, cols := active(), len(weight)
	for at := 0; at < len(x); at += cols {
		k.layerNorm(dst[at:][:cols], x[at:][:cols], weight, bias, eps)
	}
}

// AddLayerNorm adds y to x, then is LayerNorm. dst is neither.
func (p *Pool) AddLayerNorm(dst, x, y, weight, bias []float32, eps float32) {
	p.rows(ranges{dst: dst, x: x, y: y, weight: weight, bias: bias, eps: eps, op: func(r *ranges, first, end int) {
		k, cols := active(), len(r.weight)
		for at := first * cols; at < end*cols; at += cols {
			x := r.x[at:][:cols]
			k.add(x, r.y[at:][:cols])
			k.layerNorm(r.dst[at:][:cols], x, r.weight, r.bias, r.eps)
		}
	}})
}

// rows computes r over rows of len(weight), in parallel when they are worth it.
func (p *Pool) rows(r ranges) {
	cols := len(r.weight)
	r.n, r.size = len(r.x)/cols, max(1, 8192/cols)
	p.ranges(r)
}

// rmsNorm normalises a row given the sum of its squares.
func (v *vectors) rmsNorm(dst, x, weight []float32, squares, eps float32) {
	v.weighted(dst, x, weight, inverseRoot(squares/float32(len(x))+eps))
}

func (v *vectors) layerNorm(dst, x, weight, bias []float32, eps float32) {
	n := float32(len(x))
	mean := v.total(x) / n
	f := inverseRoot(v.deviations(x, mean)/n + eps)
	v.centred(dst, x, weight, mean, f)
	if bias != nil {
		v.add(dst, bias)
	}
}

// inverseRoot is 1 / sqrt(x), each rounded.
func inverseRoot(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) }

func squaresGeneric(x []float32) float32 {
	var sums lanes
	for i, v := range x {
		sums[i%len(sums)] = fma32(v, v, sums[i%len(sums)])
	}
	return sums.join()
}

func addSquaresGeneric(dst, x []float32) float32 {
	addGeneric(dst, x)
	return squaresGeneric(dst)
}

func weightedGeneric(dst, x, weight []float32, f float32) {
	for i, v := range x {
		dst[i] = float32(v*f) * weight[i]
	}
}

func totalGeneric(x []float32) float32 {
	var sums lanes
	for i, v := range x {
		sums[i%len(sums)] += v
	}
	return sums.join()
}

func deviationsGeneric(x []float32, mean float32) float32 {
	var sums lanes
	for i, v := range x {
		sums[i%len(sums)] = fma32(v-mean, v-mean, sums[i%len(sums)])
	}
	return sums.join()
}

func centredGeneric(dst, x, weight []float32, mean, f float32) {
	for i, v := range x {
		dst[i] = float32((v-mean)*f) * weight[i]
	}
}
