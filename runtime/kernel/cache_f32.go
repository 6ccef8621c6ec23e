package kernel

// storeF32 keeps float32 as they are.
type storeF32 struct {
	dim, stride  int
	keys, values []float32
}

func newStoreF32(blocks, dim, stride int) *storeF32 {
	return &storeF32{dim: dim, stride: stride,
		keys: alignedFloats(blocks * dim * blockKeys), values: alignedFloats(blocks * blockKeys * stride)}
}

func (s *storeF32) put(block, pos int, k, v []float32) {
	keys := s.keys[block*s.dim*blockKeys:][:s.dim*blockKeys]
	for i, x := range k {
		keys[i*blockKeys+pos] = x
	}
	copy(s.values[(block*blockKeys+pos)*s.stride:], v)
}

func (s *storeF32) block(_ []float32, block int) (keys, values []float32) {
	return s.keys[block*s.dim*blockKeys:][:s.dim*blockKeys], s.values[block*blockKeys*s.stride:][:blockKeys*s.stride]
}

func (s *storeF32) bytes() int64 { return 4 * int64(len(s.keys)+len(s.values)) }

// alignedFloats returns n zeros that begin at a cache line.
func alignedFloats(n int) []float32 {
	var s Scratch
	return s.Floats(n)
}
