package kernel

import (
	"encoding/binary"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// storeF16 keeps half-precision floats, 2 bytes each. What is more than 65504 is infinite.
type storeF16 struct {
	dim, stride  int
	keys, values []byte
	codec        *codec.Codec
}

func newStoreF16(blocks, dim, stride int) store {
	c, _ := codec.For(gguf.F16)
	return &storeF16{dim, stride, zeros[byte](2 * blocks * dim * blockKeys), zeros[byte](2 * blocks * blockKeys * stride), c}
}

func (s *storeF16) put(_ *Scratch, block, pos int, k, v []float32) {
	keys := s.keys[2*block*s.dim*blockKeys:][:2*s.dim*blockKeys]
	for i, x := range k {
		binary.LittleEndian.PutUint16(keys[2*(i*blockKeys+pos):], codec.F32ToF16(x))
	}
	s.codec.Encode(s.values[2*(block*blockKeys+pos)*s.stride:][:2*len(v)], v, len(v), nil)
}

func (s *storeF16) copy(from store, block, n int) {
	f := from.(*storeF16)
	copyBlocks(s.keys, f.keys, block, n, 2*s.dim*blockKeys)
	copyBlocks(s.values, f.values, block, n, 2*s.stride*blockKeys)
}

func (s *storeF16) block(room []float32, block int) (keys, values []float32) {
	keys, values = room[:s.dim*blockKeys], room[s.dim*blockKeys:][:blockKeys*s.stride]
	s.codec.Decode(keys, s.keys[2*block*s.dim*blockKeys:][:2*s.dim*blockKeys])
	s.codec.Decode(values, s.values[2*block*blockKeys*s.stride:][:2*blockKeys*s.stride])
	return keys, values
}
