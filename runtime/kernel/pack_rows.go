package kernel

import "encoding/binary"

// rows16 are 16 rows of blocks on their way into a panel.
type rows16 struct {
	*panels
	panel, rows []byte
	stride      int // bytes of a row
	buf         [8 * vectorBytes]byte
}

// at are the words of all rows from byte i of block b on; blocks have so many bytes.
func (r *rows16) at(b, bytes, i int) []byte { return r.rows[b*bytes+i:] }

// planes are those of block number b of 32 columns.
func (r *rows16) planes(b int) []byte { return r.panel[r.codes+b*vectorBytes*r.f.Bits:] }

// part is what a part of the panel, which begins at from, has for so many sub-blocks of super-block b.
func (r *rows16) part(from, b, subs int) []byte {
	n := subs * panelRows
	return r.panel[from+b*n:][:n]
}

// half copies the half at byte i of block b of each row to place b of a part of the panel.
func (r *rows16) half(part []byte, b, bytes, i int) {
	from, to := r.at(b, bytes, i), part[b*2*panelRows:][:2*panelRows]
	for row := range panelRows {
		binary.LittleEndian.PutUint16(to[2*row:], binary.LittleEndian.Uint16(from[row*r.stride:]))
	}
}

// nibbles32 fills two blocks of 32 columns from 32 bytes at i: one has the low halves, the other, so many blocks on, the high
// ones.
func (r *rows16) nibbles32(b, bytes, i, block, on int) {
	packWords(r.buf[:], r.at(b, bytes, i), r.stride, 8)
	packNibbles(r.planes(block), r.planes(block+on), r.buf[:])
}

// crumbs32 fills two planes of four blocks of 32 columns from 32 bytes at i, behind the planes that they have already.
func (r *rows16) crumbs32(b, bytes, i, block, behind int) {
	packWords(r.buf[:], r.at(b, bytes, i), r.stride, 8)
	packCrumbs(r.planes(block)[behind*vectorBytes:], vectorBytes*r.f.Bits, r.buf[:])
}

// bits32 fills the last plane of all eight blocks of a super-block from 32 bytes at i.
func (r *rows16) bits32(b, bytes, i int) {
	packWords(r.buf[:], r.at(b, bytes, i), r.stride, 8)
	packBits(r.planes(8 * b)[(r.f.Bits-1)*vectorBytes:], vectorBytes*r.f.Bits, r.buf[:])
}
