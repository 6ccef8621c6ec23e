package kernel

import "encoding/binary"

// Bytes of blocks are arranged in vectors of 64 bytes: the same four bytes of each of 16 rows. Words are taken eight bytes at a
// time here, which is about as fast as memory.

// packWords sets dst to n vectors: the four bytes from 4*i on of 16 rows that lie stride bytes apart.
func packWords(dst, src []byte, stride, n int) {
	for r := range panelRows {
		row, out := src[r*stride:][:4*n], dst[4*r:]
		for i := range n {
			binary.LittleEndian.PutUint32(out[i*vectorBytes:], binary.LittleEndian.Uint32(row[4*i:]))
		}
	}
}

// packLanes sets dst to n vectors in which the first bytes of 16 words stand together, then the second ones and so on. words may be
// dst.
func packLanes(dst, words []byte, n int) {
	for i := range n {
		var v [vectorBytes]byte
		copy(v[:], words[i*vectorBytes:])
		out := dst[i*vectorBytes:][:vectorBytes]
		for row := range panelRows {
			out[row], out[panelRows+row], out[2*panelRows+row], out[3*panelRows+row] = v[4*row], v[4*row+1], v[4*row+2], v[4*row+3]
		}
	}
}

// Nibbles, crumbs and bits are transposed as matrices of fields are: swapFields exchanges the fields above shift in the bytes
// of x with those below in y.
func swapFields(x, y uint64, shift int, low uint64) (uint64, uint64) {
	t := (x>>shift ^ y) & low
	return x ^ t<<shift, y ^ t
}

const (
	lowNibbles = 0x0f0f0f0f0f0f0f0f
	lowPairs   = 0x3333333333333333
	lowBits    = 0x5555555555555555

	lowSix    = 0x3f3f3f3f3f3f3f3f
	upperTwo  = 0x3030303030303030 // of six
	highBits  = 0x8080808080808080
	lowHalves = 0x0000ffff0000ffff // of words
)

// minus32 subtracts 32 from each byte, none of which is above 63: what it borrows it has in bit 7.
func minus32(x uint64) uint64 { return (x | highBits) - 0x2020202020202020 ^ highBits }

// packNibbles takes eight vectors in which the low halves of bytes are codes of one block and the high halves those of another:
// what one block has in groups g and g+4 becomes bytes of a, what the other has bytes of b.
func packNibbles(a, b, words []byte) {
	for i := 0; i < 4*vectorBytes; i += 8 {
		x, y := swapFields(get64(words, i), get64(words, 4*vectorBytes+i), 4, lowNibbles)
		put64(a, i, x)
		put64(b, i, y)
	}
}

// packCrumbs takes eight vectors whose bytes have 2 bits each of four blocks; two vectors for each block, of groups 0 2 4 6 and
// of 1 3 5 7, go to dst, step bytes from block to block.
func packCrumbs(dst []byte, step int, words []byte) {
	for i := 0; i < 2*vectorBytes; i += 8 {
		var v [4]uint64
		for m := range v {
			v[m] = get64(words, 2*vectorBytes*m+i)
		}
		for m := range 2 {
			v[m], v[m+2] = swapFields(v[m], v[m+2], 4, lowNibbles)
		}
		for m := 0; m < 4; m += 2 {
			v[m], v[m+1] = swapFields(v[m], v[m+1], 2, lowPairs)
		}
		for k, x := range v {
			put64(dst, k*step+i, x)
		}
	}
}

// packBits takes eight vectors whose bytes have a bit each of eight blocks; one vector for each block goes to dst.
func packBits(dst []byte, step int, words []byte) {
	for i := 0; i < vectorBytes; i += 8 {
		var v [8]uint64
		for g := range v {
			v[g] = get64(words, vectorBytes*g+i)
		}
		for g := range 4 {
			v[g], v[g+4] = swapFields(v[g], v[g+4], 4, lowNibbles)
		}
		for _, g := range []int{0, 1, 4, 5} {
			v[g], v[g+2] = swapFields(v[g], v[g+2], 2, lowPairs)
		}
		for g := 0; g < 8; g += 2 {
			v[g], v[g+1] = swapFields(v[g], v[g+1], 1, lowBits)
		}
		for j, x := range v {
			put64(dst, j*step+i, x)
		}
	}
}

// packFifths takes a vector whose words have a bit each of 32 columns, and makes of them bytes that have bits of eight groups.
func packFifths(dst, words []byte) {
	for r := range panelRows {
		x := binary.LittleEndian.Uint32(words[4*r:])
		// Bit 4*g+b becomes bit 8*b+g: a rotation of the numbers of bits, by exchanging two bits of the number at a time.
		x = swapBits(x, 3, 0x0a0a0a0a)
		x = swapBits(x, 6, 0x00cc00cc)
		x = swapBits(x, 8, 0x0000ff00)
		x = swapBits(x, 4, 0x00f000f0)
		binary.LittleEndian.PutUint32(dst[4*r:], x)
	}
}

// swapBits exchanges the bits of low with those that are shift above.
func swapBits(x uint32, shift int, low uint32) uint32 {
	t := (x>>shift ^ x) & low
	return x ^ t ^ t<<shift
}

func get64(b []byte, i int) uint64    { return binary.LittleEndian.Uint64(b[i:]) }
func put64(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }
