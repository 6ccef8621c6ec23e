package kernel

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// storeQ8 keeps Q8_0: bytes and a half-precision scale for each 32 elements of a head. Values lie as in files; of keys, the
// scales of 64 keys lie together, and so do their bytes.
type storeQ8 struct {
	dim, stride   int
	scales        []byte // blocks x q8Blocks(dim) x 64 halves
	keys          []int8 // blocks x dim x 64
	values        []byte
	codec, halves *codec.Codec
}

const (
	q8Size  = 32
	q8Bytes = 34
)

// q8Blocks is the number of scales of a key.
func q8Blocks(dim int) int { return (dim + q8Size - 1) / q8Size }

func newStoreQ8(blocks, dim, stride int) store {
	c, _ := codec.For(gguf.Q8_0)
	halves, _ := codec.For(gguf.F16)
	return &storeQ8{dim, stride, zeros[byte](2 * blocks * q8Blocks(dim) * blockKeys), zeros[int8](blocks * dim * blockKeys),
		zeros[byte](blocks * blockKeys * stride / q8Size * q8Bytes), c, halves}
}

func (s *storeQ8) put(scratch *Scratch, block, pos int, k, v []float32) {
	row, scaled := s.stride/q8Size*q8Bytes, q8Blocks(s.dim)
	s.encode(scratch, s.values[(block*blockKeys+pos)*row:][:row], v)
	encoded := scratch.Bytes(scaled * q8Bytes)
	s.encode(scratch, encoded, k)
	scales, keys := s.scales[2*block*scaled*blockKeys:], s.keys[block*s.dim*blockKeys:]
	for i := range scaled {
		copy(scales[2*(i*blockKeys+pos):], encoded[i*q8Bytes:][:2])
	}
	for i := range k {
		keys[i*blockKeys+pos] = int8(encoded[i/q8Size*q8Bytes+2+i%q8Size])
	}
}

// encode encodes x, padded with zeros.
func (s *storeQ8) encode(scratch *Scratch, dst []byte, x []float32) {
	if whole := q8Blocks(len(x)) * q8Size; len(x) < whole {
		padded := scratch.Floats(whole)
		clear(padded[copy(padded, x):])
		x = padded
	}
	s.codec.Encode(dst, x, len(x), nil)
}

func (s *storeQ8) copy(from store, block, n int) {
	f := from.(*storeQ8)
	copyBlocks(s.scales, f.scales, block, n, 2*q8Blocks(s.dim)*blockKeys)
	copyBlocks(s.keys, f.keys, block, n, s.dim*blockKeys)
	copyBlocks(s.values, f.values, block, n, s.stride/q8Size*q8Bytes*blockKeys)
}

func (s *storeQ8) block(room []float32, block int) (keys, values []float32) {
	keys, values = room[:s.dim*blockKeys], room[s.dim*blockKeys:][:blockKeys*s.stride]
	k, kernels := s.keys[block*s.dim*blockKeys:], active()
	halves := s.scales[2*block*q8Blocks(s.dim)*blockKeys:]
	scales := values[:blockKeys] // which are written last
	for first := 0; first < s.dim; first += q8Size {
		end := min(s.dim, first+q8Size)
		s.halves.Decode(scales, halves[2*first/q8Size*blockKeys:][:2*blockKeys])
		kernels.scaleBytes(keys[first*blockKeys:end*blockKeys], k[first*blockKeys:end*blockKeys], scales)
	}
	row := s.stride / q8Size * q8Bytes
	s.codec.Decode(values, s.values[block*blockKeys*row:][:blockKeys*row])
	return keys, values
}

// scaleBytesGeneric is the specification of vectors.scaleBytes.
func scaleBytesGeneric(dst []float32, bytes []int8, scales []float32) {
	for i, b := range bytes {
		dst[i] = float32(b) * scales[i%blockKeys]
	}
}
