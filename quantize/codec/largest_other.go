//go:build !(amd64 && gc && !noasm && !purego)

package codec

func largestBits(x []float32) uint32 { return largestGeneric(x) }
