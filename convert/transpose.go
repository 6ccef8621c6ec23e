package convert

import "encoding/binary"

// tile is the number of rows that are transposed together: of each column a cache line of the result is then written at once.
const tile = 32

// transpose makes rows of columns: element (r, c) of src, in rows of srcStride bytes, becomes element (c, r) of dst, in rows
// of dstStride bytes. Elements have width bytes.
func transpose(dst []byte, dstStride int64, src []byte, srcStride, rows, cols, width int64) {
	side := 8 / width // of the squares that are transposed in words of 64 bits
	for r := int64(0); r < rows; r += tile {
		k := min(tile, rows-r)
		whole, even := k/side*side, cols/side*side
		from, to := src[r*srcStride:], dst[r*width:]
		transposeWords(to, dstStride, from, srcStride, whole, even, width)
		for i := range k {
			for c := range cols {
				if i < whole && c < even {
					continue
				}
				copy(to[c*dstStride+i*width:][:width], from[i*srcStride+c*width:])
			}
		}
	}
}

// transposeWords transposes rows x cols elements, both multiples of what a word of 64 bits holds.
func transposeWords(dst []byte, dstStride int64, src []byte, srcStride, rows, cols, width int64) {
	get := func(i int64) uint64 { return binary.LittleEndian.Uint64(src[i:]) }
	put := func(i int64, v uint64) { binary.LittleEndian.PutUint64(dst[i:], v) }
	switch width {
	case 2:
		const even = 0x0000ffff0000ffff
		for c := int64(0); c < cols; c += 4 {
			for r := int64(0); r < rows; r += 4 {
				at, to := r*srcStride+2*c, c*dstStride+2*r
				w, x, y, z := get(at), get(at+srcStride), get(at+2*srcStride), get(at+3*srcStride)
				// Squares of two, then the squares of these.
				w, x = w&even|x&even<<16, w>>16&even|x&^even
				y, z = y&even|z&even<<16, y>>16&even|z&^even
				put(to, w&0xffffffff|y<<32)
				put(to+dstStride, x&0xffffffff|z<<32)
				put(to+2*dstStride, w>>32|y>>32<<32)
				put(to+3*dstStride, x>>32|z>>32<<32)
			}
		}
	case 4:
		for c := int64(0); c < cols; c += 2 {
			for r := int64(0); r < rows; r += 2 {
				at, to := r*srcStride+4*c, c*dstStride+4*r
				a, b := get(at), get(at+srcStride)
				put(to, a&0xffffffff|b<<32)
				put(to+dstStride, a>>32|b>>32<<32)
			}
		}
	default:
		for c := range cols {
			for r := range rows {
				put(c*dstStride+8*r, get(r*srcStride+8*c))
			}
		}
	}
}
