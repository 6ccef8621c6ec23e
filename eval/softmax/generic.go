package softmax

// The functions below add to lanes; their first element is of lane 0.

func sumGeneric(s *lanes, x []float32, top float64) {
	for i, v := range x {
		s[i%len(s)] += exp(float64(v) - top)
	}
}

func expsGeneric(s *lanes, e []float64, x []float32, top float64) {
	for i, v := range x {
		e[i] = exp(float64(v) - top)
		s[i%len(s)] += e[i]
	}
}

func divergenceGeneric(s *lanes, e []float64, p, q []float32, shift, least float64) {
	for i, v := range e {
		if v > least {
			s[i%len(s)] += float64(v * (float64(p[i]) - float64(q[i]) + shift))
		}
	}
}

func aboveGeneric(x []float32, bound float32) int {
	for i, v := range x {
		if v > bound {
			return i
		}
	}
	return len(x)
}
