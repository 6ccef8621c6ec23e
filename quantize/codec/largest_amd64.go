//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/internal/cpu"

func largestBits(x []float32) uint32 {
	n := len(x) / 64
	if n == 0 {
		return largestGeneric(x)
	}
	var most uint32
	switch tier := cpu.Current(); {
	case tier >= cpu.AVX512:
		most = largestAVX512(&x[0], n)
	case tier >= cpu.AVX2:
		most = largestAVX2(&x[0], n)
	default:
		return largestGeneric(x)
	}
	return max(most, largestGeneric(x[64*n:]))
}
