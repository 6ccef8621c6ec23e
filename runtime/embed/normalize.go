package embed

import "math"

// normalize gives x the length 1, summed up in float64. As in PyTorch, lengths below 1e-12 count as that: zeros stay zeros.
func normalize(x []float32) {
	sum := 0.0
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	length := max(math.Sqrt(sum), 1e-12)
	for i, v := range x {
		x[i] = float32(float64(v) / length)
	}
}
