package codec

import "encoding/binary"

// Packing of a super-block's codes, 8 at a time. packNibbles, pack2, packBits and pack6 are the same by the fastest code
// that this processor has.

// packNibblesGeneric stores the low 4 bits of codes, 8 at a time: of 64 the first 32 in low nibbles.
func packNibblesGeneric(dst []byte, L *[superBlock]uint8) {
	for i := 0; i < 128; i += 8 {
		at := i/32*64 + i%32
		low, high := binary.LittleEndian.Uint64(L[at:]), binary.LittleEndian.Uint64(L[at+32:])
		binary.LittleEndian.PutUint64(dst[i:], low&fourBits|high&fourBits<<4)
	}
}

// pack2Generic stores the low 2 bits of codes, 8 at a time: byte l of each half's 32 holds elements l, l+32, l+64 and l+96.
func pack2Generic(dst []byte, L *[superBlock]uint8) {
	for i := 0; i < 64; i += 8 {
		var q uint64
		half := L[i/32*128+i%32:]
		for g := 3; g >= 0; g-- {
			q = q<<2 | binary.LittleEndian.Uint64(half[32*g:])&twoBits
		}
		binary.LittleEndian.PutUint64(dst[i:], q)
	}
}

// packBitsGeneric stores one bit of each code, 8 at a time: bit g of byte l is bit n of code 32*g+l.
func packBitsGeneric(dst []byte, L *[superBlock]uint8, n int) {
	n &= 7
	for l := 0; l < 32; l += 8 {
		var bits uint64
		for g := 7; g >= 0; g-- {
			bits = bits<<1 | binary.LittleEndian.Uint64(L[32*g+l:])>>n&oneBit
		}
		binary.LittleEndian.PutUint64(dst[l:], bits)
	}
}

// pack6Generic stores codes of 6 bits: of each half of 128, the low nibbles of elements l and l+64 in a byte, those of l+32
// and l+96 in another; behind all these, the high 2 bits of elements l, l+32, l+64 and l+96.
func pack6Generic(dst []byte, L *[superBlock]uint8) {
	for h := range 2 {
		half, low, high := L[128*h:128*h+128], dst[64*h:64*h+64], dst[128+32*h:128+32*h+32]
		for l := 0; l < 32; l += 8 {
			a, b := binary.LittleEndian.Uint64(half[l:]), binary.LittleEndian.Uint64(half[l+32:])
			c, e := binary.LittleEndian.Uint64(half[l+64:]), binary.LittleEndian.Uint64(half[l+96:])
			binary.LittleEndian.PutUint64(low[l:], a&fourBits|c&fourBits<<4)
			binary.LittleEndian.PutUint64(low[l+32:], b&fourBits|e&fourBits<<4)
			binary.LittleEndian.PutUint64(high[l:], a>>4&twoBits|b>>4&twoBits<<2|c>>4&twoBits<<4|e>>4&twoBits<<6)
		}
	}
}
