package kernel

// storeF32 keeps float32 as they are.
type storeF32 struct {
	dim, stride  int
	keys, values []float32
}

func newStoreF32(blocks, dim, stride int) store {
	return &storeF32{dim, stride, zeros[float32](blocks * dim * blockKeys), zeros[float32](blocks * blockKeys * stride)}
}

func (s *storeF32) put(_ *Scratch, block, pos int, k, v []float32) {
	keys := s.keys[block*s.dim*blockKeys:][:s.dim*blockKeys]
	for i, x := range k {
		keys[i*blockKeys+pos] = x
	}
	copy(s.values[(block*blockKeys+pos)*s.stride:], v)
}

func (s *storeF32) copy(from store, block, n int) {
	f := from.(*storeF32)
	copyBlocks(s.keys, f.keys, block, n, s.dim*blockKeys)
	copyBlocks(s.values, f.values, block, n, s.stride*blockKeys)
}

func (s *storeF32) block(_ []float32, block int) (keys, values []float32) {
	return s.keys[block*s.dim*blockKeys:][:s.dim*blockKeys], s.values[block*blockKeys*s.stride:][:blockKeys*s.stride]
}
