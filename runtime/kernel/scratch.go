package kernel

import "unsafe"

// vectorBytes is what scratch is aligned to: a cache line, which is the widest vector too.
const vectorBytes = 64

// Scratch is memory that one worker reuses from chunk to chunk. A chunk takes as many buffers as it needs; they are
// aligned to 64 bytes, of undefined content, and valid until the chunk ends or calls Reset.
type Scratch struct {
	block []byte // begins at a multiple of vectorBytes
	used  int

	floats  floatTile
	bf16    bf16Args
	exact   exactArgs
	product productBF16
	single  singleTile
	packer  packer                 // of Matrix.panel
	stages  [panelsMostTiles]stage // of Product.panels; here, since what kernels are called with would be allocated elsewhere
}

// Reset takes all buffers back. A pool does so before each chunk; a chunk that works in steps does so between them.
func (s *Scratch) Reset() { s.used = 0 }

// Floats returns n float32.
func (s *Scratch) Floats(n int) []float32 { return take[float32](s, n) }

// Int32s returns n int32.
func (s *Scratch) Int32s(n int) []int32 { return take[int32](s, n) }

// Int16s returns n int16.
func (s *Scratch) Int16s(n int) []int16 { return take[int16](s, n) }

// Int8s returns n int8.
func (s *Scratch) Int8s(n int) []int8 { return take[int8](s, n) }

// Bytes returns n bytes.
func (s *Scratch) Bytes(n int) []byte { return take[byte](s, n) }

// take returns the next n elements of the block.
func take[T float32 | int32 | int16 | int8 | byte](s *Scratch, n int) []T {
	if n == 0 {
		return nil
	}
	var t T
	whole := (n*int(unsafe.Sizeof(t)) + vectorBytes - 1) &^ (vectorBytes - 1)
	if whole > len(s.block)-s.used {
		s.grow(whole)
	}
	first := (*T)(unsafe.Pointer(&s.block[s.used]))
	s.used += whole
	return unsafe.Slice(first, n)
}

// grow begins another block. What was taken from the old one stays valid, and since the new one is twice as large,
// one block soon holds all that a chunk needs.
func (s *Scratch) grow(n int) {
	s.block, s.used = aligned(max(n, 2*len(s.block))), 0
}

// aligned returns n bytes that begin at a multiple of vectorBytes.
func aligned(n int) []byte {
	raw := make([]byte, n+vectorBytes-1)
	skip := -int(uintptr(unsafe.Pointer(&raw[0]))) & (vectorBytes - 1)
	return raw[skip:][:n:n]
}

// size is the memory that the scratch holds, in bytes.
func (s *Scratch) size() int64 { return int64(len(s.block)) }
