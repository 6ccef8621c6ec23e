package gguf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// Limits of the parser. None is reached by a sound file.
const (
	maxKeyBytes  = 65535
	maxNameBytes = 63 // ggml's tensor names hold 64 bytes with the final zero
	maxDims      = 4
	maxDepth     = 4 // arrays in arrays
	maxAlignment = 1 << 20
)

// header is what a file says before its data.
type header struct {
	version  uint32
	metadata *Metadata
	tensors  []entry
	data     int64 // offset of the tensor data in the file
}

// entry is a tensor of the header with its place in the file.
type entry struct {
	TensorInfo
	offset int64 // from the start of the file
}

// decoder reads a header front to back. The first error stays.
type decoder struct {
	r    io.ReaderAt
	size int64
	pos  int64 // of the next byte to be parsed
	path string
	buf  []byte // read ahead: file bytes from start
	at   int64
	err  error
}

func (d *decoder) fail(place, format string, args ...any) {
	if d.err == nil {
		d.err = &FormatError{Path: d.path, Offset: d.pos, Place: place, Reason: fmt.Sprintf(format, args...)}
	}
}

// bytes returns the next n bytes, valid until the next call. It never allocates more than the file has.
func (d *decoder) bytes(n int64, place string) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > d.size-d.pos {
		d.fail(place, "needs %d bytes, but only %d are left: the file is truncated or the length is wrong", n, d.size-d.pos)
		return nil
	}
	if d.pos < d.at || d.pos+n > d.at+int64(len(d.buf)) {
		want := min(max(n, 1<<16), d.size-d.pos)
		if int64(cap(d.buf)) < want {
			d.buf = make([]byte, want)
		}
		d.buf = d.buf[:want]
		if _, err := d.r.ReadAt(d.buf, d.pos); err != nil {
			d.err = fmt.Errorf("%w (reading the header at %d)", err, d.pos)
			return nil
		}
		d.at = d.pos
	}
	b := d.buf[d.pos-d.at:][:n]
	d.pos += n
	return b
}

func (d *decoder) u32(place string) uint32 {
	if b := d.bytes(4, place); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64(place string) uint64 {
	if b := d.bytes(8, place); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) str(place string) string {
	n := d.u64(place)
	if d.err == nil && n > uint64(d.size-d.pos) {
		d.fail(place, "a string of %d bytes, but the file has only %d left", n, d.size-d.pos)
	}
	return string(d.bytes(int64(n), place))
}

// count reads a number of things that take at least each bytes of the file.
func (d *decoder) count(place string, each int64) int {
	n := d.u64(place)
	if d.err == nil && n > uint64((d.size-d.pos)/each) {
		d.fail(place, "%d entries, but the file has only %d bytes left", n, d.size-d.pos)
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

// parse reads the header of a GGUF file (versions 2 and 3, little-endian) and checks it against size.
func parse(r io.ReaderAt, size int64, path string) (*header, error) {
	d := &decoder{r: r, size: size, path: path}
	h := &header{metadata: &Metadata{}}
	magic := d.bytes(4, "magic")
	if d.err == nil && string(magic) != "GGUF" {
		d.pos = 0
		d.fail("magic", "expected %[2]q (got %[1]q): not a GGUF file", magic, "GGUF")
	}
	h.version = d.u32("version")
	if d.err == nil && h.version != 2 && h.version != 3 {
		hint := "carat reads versions 2 and 3"
		if h.version&0xffff == 0 && h.version != 0 {
			hint = "the file is big-endian, carat reads little-endian"
		}
		d.fail("version", "version %d: %s", h.version, hint)
	}
	tensors := d.count("tensor count", 24)
	kvs := d.count("metadata count", 13)
	for i := 0; i < kvs && d.err == nil; i++ {
		d.kv(h.metadata, i)
	}
	alignment := d.alignment(h.metadata)
	seen := make(map[string]bool)
	for i := 0; i < tensors && d.err == nil; i++ {
		h.tensors = append(h.tensors, d.tensor(i, alignment))
		t := h.tensors[i]
		if d.err == nil && seen[t.Name] {
			d.fail("tensor "+t.Name, "appears twice")
		}
		seen[t.Name] = true
	}
	if d.err != nil {
		return nil, d.err
	}
	h.data = (d.pos + alignment - 1) / alignment * alignment
	return h, d.place(h)
}

func (d *decoder) alignment(md *Metadata) int64 {
	v, ok := md.Get("general.alignment")
	if !ok || d.err != nil {
		return DefaultAlignment
	}
	a, ok := v.(uint32)
	if !ok || a == 0 || a&(a-1) != 0 || a > maxAlignment {
		d.fail("general.alignment", "must be a uint32 that is a power of two (got %v, a %T)", v, v)
		return DefaultAlignment
	}
	return int64(a)
}

func (d *decoder) kv(md *Metadata, i int) {
	place := fmt.Sprintf("metadata entry %d", i)
	key := d.str(place)
	switch {
	case d.err != nil:
		return
	case key == "" || len(key) > maxKeyBytes:
		d.fail(place, "a key must have between 1 and %[2]d bytes (got %[1]d)", len(key), maxKeyBytes)
		return
	}
	if _, ok := md.Get(key); ok {
		d.fail("metadata "+key, "appears twice")
		return
	}
	place = "metadata " + key
	if v := d.value(ValueType(d.u32(place)), place, 0); d.err == nil {
		md.Set(key, v)
	}
}

func (d *decoder) tensor(i int, alignment int64) entry {
	place := fmt.Sprintf("tensor %d", i)
	var t entry
	t.Name = d.str(place)
	if d.err == nil && (t.Name == "" || len(t.Name) > maxNameBytes) {
		d.fail(place, "a name must have between 1 and %[2]d bytes (got %[1]d)", len(t.Name), maxNameBytes)
	}
	place = "tensor " + t.Name
	n := d.u32(place)
	if d.err == nil && (n == 0 || n > maxDims) {
		d.fail(place, "a tensor must have between 1 and %[2]d dimensions (got %[1]d)", n, maxDims)
	}
	elements := int64(1)
	for j := 0; d.err == nil && j < int(n); j++ {
		v := d.u64(place)
		if v == 0 || v > math.MaxInt64 || int64(v) > math.MaxInt64/16/elements {
			d.fail(place, "dimension %d is %d: it must be at least 1, and the number of elements must fit 63 bits", j, v)
			break
		}
		elements *= int64(v)
		t.Shape = append(t.Shape, int64(v))
	}
	t.Type = Type(d.u32(place))
	offset := d.u64(place)
	switch {
	case d.err != nil:
	case !t.Type.Valid():
		d.fail(place, "unknown tensor type %d, or one that was removed from the format", uint32(t.Type))
	case t.Cols()%int64(t.Type.BlockSize()) != 0:
		d.fail(place, "rows of %d elements are not a multiple of the block size of %s, which is %d", t.Cols(), t.Type, t.Type.BlockSize())
	case offset%uint64(alignment) != 0:
		d.fail(place, "offset %d is not a multiple of the alignment, %d", offset, alignment)
	case offset > uint64(d.size):
		d.fail(place, "offset %d is beyond the file's %d bytes", offset, d.size)
	}
	t.offset = int64(offset)
	return t
}

// place turns offsets into places in the file and refuses data that is missing or shared.
func (d *decoder) place(h *header) error {
	byOffset := make([]int, len(h.tensors))
	for i := range h.tensors {
		byOffset[i] = i
	}
	slices.SortStableFunc(byOffset, func(a, b int) int { return cmp.Compare(h.tensors[a].offset, h.tensors[b].offset) })
	end := h.data
	for _, i := range byOffset {
		t := &h.tensors[i]
		t.offset += h.data
		place := "tensor " + t.Name
		if t.offset < end {
			d.fail(place, "its data begins at %d, but the previous tensor ends at %d: they share bytes", t.offset, end)
		} else if t.Bytes() > d.size-t.offset {
			d.fail(place, "its %d bytes at %d end beyond the file's %d bytes: it is truncated", t.Bytes(), t.offset, d.size)
		}
		if d.err != nil {
			return d.err
		}
		end = t.offset + t.Bytes()
	}
	return nil
}
