package round

// each calls f for 0..n-1; the calls do not depend on each other.
func (o Options) each(n int, f func(i int)) {
	const step = 16 // of which one worker takes all: a row alone is little work
	part := func(i int) {
		for j := i * step; j < min(n, (i+1)*step); j++ {
			f(j)
		}
	}
	parts := (n + step - 1) / step
	if o.Each != nil {
		o.Each(parts, part)
		return
	}
	for i := range parts {
		part(i)
	}
}
