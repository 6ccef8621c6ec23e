package kernel

// elementwise is the number of elements that one chunk of work holds.
const elementwise = 4096

// Add sets dst[i] += x[i].
func (p *Pool) Add(dst, x []float32) {
	p.ranges(ranges{n: len(dst), size: 4 * elementwise, dst: dst, x: x, op: func(r *ranges, first, end int) {
		active().add(r.dst[first:end], r.x[first:end])
	}})
}

// AddBias adds bias to each row of x, rows of len(bias).
func (p *Pool) AddBias(x, bias []float32) {
	p.rows(ranges{x: x, weight: bias, op: func(r *ranges, first, end int) {
		AddBias(r.x[first*len(r.weight):end*len(r.weight)], r.weight)
	}})
}

// AddBias is Pool.AddBias by the caller alone.
func AddBias(x, bias []float32) {
	for k := active(); len(x) > 0; x = x[len(bias):] {
		k.add(x[:len(bias)], bias)
	}
}

// Scale is kernel.Scale in parallel.
func (p *Pool) Scale(x []float32, f float32) {
	p.ranges(ranges{n: len(x), size: 4 * elementwise, dst: x, eps: f, op: func(r *ranges, first, end int) {
		active().scale(r.dst[first:end], r.eps)
	}})
}

// Scale multiplies each element by f.
func Scale(x []float32, f float32) { active().scale(x, f) }

// AddScaled sets dst[i] += f * x[i], rounded once.
func AddScaled(dst, x []float32, f float32) { active().addScaled(dst, x, f) }

func addGeneric(dst, x []float32) {
	for i, v := range x[:len(dst)] {
		dst[i] += v
	}
}

func scaleGeneric(x []float32, f float32) {
	for i := range x {
		x[i] *= f
	}
}

func addScaledGeneric(dst, x []float32, f float32) {
	for i, v := range x {
		dst[i] = fma32(v, f, dst[i])
	}
}
