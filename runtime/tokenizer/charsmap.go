package tokenizer

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// charsmap is SentencePiece's map of what characters are written as (tokenizer.ggml.precompiled_charsmap): the size in
// bytes of a double array, the array, and replacements that end in a zero byte.
//
// A unit of the array has the byte that leads to it in bits 0-7 and bit 31, whether a value follows in bit 8, and the
// offset of its children in bits 10-30, counted in 256 if bit 9 is set. The child for a byte is at index^offset^byte; a
// value is at index^offset.
type charsmap struct {
	units []uint32
	texts []byte
}

func newCharsmap(b []byte) (*charsmap, error) {
	if len(b) == 0 {
		return nil, nil
	}
	bad := func(format string, args ...any) (*charsmap, error) {
		return nil, fmt.Errorf("%w: tokenizer.ggml.precompiled_charsmap: %s", gguf.ErrInput, fmt.Sprintf(format, args...))
	}
	if len(b) < 4 {
		return bad("it has %d bytes, fewer than the size of its array", len(b))
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if size%4 != 0 || size == 0 || uint64(size) >= uint64(len(b)) {
		return bad("an array of %d bytes does not fit its %d bytes", size, len(b))
	}
	m := &charsmap{make([]uint32, size/4), b[size:]}
	if m.texts[len(m.texts)-1] != 0 {
		return bad("the last replacement has no end")
	}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return m, nil
}

// longest is the replacement of the longest beginning of text that has one, and how long that is; 0 where none has.
func (m *charsmap) longest(text string) (with []byte, length int) {
	at := uint32(0)
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	node := offset(m.units[0])
	for i := range len(text) {
		c := uint32(text[i])
		node ^= c
		if c == 0 || int64(node) >= int64(len(m.units)) {
			break
		}
		unit := m.units[node]
		if unit&(1<<31|0xff) != c {
			break
		}
		node ^= offset(unit)
		if unit>>8&1 != 0 {
			if int64(node) >= int64(len(m.units)) {
				break
			}
			at, length = m.units[node]&(1<<31-1), i+1
		}
	}
	if length == 0 || int64(at) >= int64(len(m.texts)) {
		return nil, 0
	}
	with = m.texts[at:]
	return with[:bytes.IndexByte(with, 0)], length
}
