package logits

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/carat-llm/carat/gguf"
)

const (
	// DefaultTop is how many tokens a row keeps when the header does not say.
	DefaultTop = 256

	magic   = "caratref"
	version = 2
)

// Header says what a cache holds.
type Header struct {
	// ModelSHA256 and TextSHA256 identify the reference and the text, in hexadecimal.
	ModelSHA256 string
	TextSHA256  string
	Vocab       int // tokens in the vocabulary
	// Context and Stride are those of the measurement; here they are only kept.
	Context int
	Stride  int
	// Computation says how the reference was computed, in at most 32 bytes.
	Computation string
	// Top is how many tokens a row keeps; 0 means DefaultTop.
	Top int
	// Chunks in the order of the text. A Writer may be closed after some of them; a Reader has those only.
	Chunks []Chunk
}

// kept is the number of tokens in a row.
func (h Header) kept() int { return min(h.Top, h.Vocab) }

// rowBytes is the size of a row in the file.
func (h Header) rowBytes() int64 { return 16 + 8*int64(h.kept()) }

// rowsBytes is the size of a chunk's rows in the file, without the checksum.
func (h Header) rowsBytes(c Chunk) int64 { return int64(c.Scored()) * h.rowBytes() }

// check refuses what no file can hold.
func (h Header) check() error {
	for _, n := range []struct {
		name       string
		value, min int
	}{{"vocabulary", h.Vocab, 1}, {"number of tokens kept", h.Top, 1}, {"context", h.Context, 0}, {"stride", h.Stride, 0}, {"number of chunks", len(h.Chunks), 1}} {
		if n.value < n.min || n.value > math.MaxInt32 {
			return fmt.Errorf("the %s must be between %d and %d (got %d)", n.name, n.min, math.MaxInt32, n.value)
		}
	}
	if n := len(h.Computation); n > 32 {
		return fmt.Errorf("how it was computed must be said in at most 32 bytes (got %d)", n)
	}
	for i, c := range h.Chunks {
		if err := c.check(h.Vocab); err != nil {
			return fmt.Errorf("chunk %d %w", i, err)
		}
	}
	return nil
}

// fixed is the header's beginning in the file.
type fixed struct {
	Magic                                              [len(magic)]byte
	Version, Top, Vocab, Context, Stride, Chunks, Done uint32
	Model, Text, Computation                           [32]byte
}

// encode returns the header of a file with rows for the first done chunks.
func (h Header) encode(done int) ([]byte, error) {
	f := fixed{Version: version, Top: uint32(h.Top), Vocab: uint32(h.Vocab), Context: uint32(h.Context), Stride: uint32(h.Stride),
		Chunks: uint32(len(h.Chunks)), Done: uint32(done)}
	copy(f.Magic[:], magic)
	copy(f.Computation[:], h.Computation)
	for dst, s := range map[*[32]byte]string{&f.Model: h.ModelSHA256, &f.Text: h.TextSHA256} {
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != len(dst) {
			return nil, fmt.Errorf("%q is not a SHA-256", s)
		}
		copy(dst[:], b)
	}
	var out bytes.Buffer
	put := func(v any) { _ = binary.Write(&out, binary.LittleEndian, v) } // a Buffer takes all
	put(f)
	for _, c := range h.Chunks {
		put([]uint32{uint32(c.Slice), uint32(c.First), uint32(len(c.IDs))})
		put(c.IDs)
	}
	put(crc32.ChecksumIEEE(out.Bytes()))
	return out.Bytes(), nil
}

// readHeader is encode's inverse, but for chunks without rows, which are left out.
func readHeader(in *input) (h Header, err error) {
	var f fixed
	b, err := in.read(int64(binary.Size(f)), "header")
	if err != nil {
		return h, err
	}
	_, _ = binary.Decode(b, binary.LittleEndian, &f) // b is as long as f
	switch {
	case string(f.Magic[:]) != magic:
		return h, in.errorf("begins with %q, a cache of reference predictions with %q", f.Magic[:], magic)
	case f.Version != version:
		return h, in.errorf("unsupported version %d, expected %d: make the file again", f.Version, version)
	case f.Done < 1 || f.Done > f.Chunks:
		return h, in.errorf("rows for %d of %d chunks", f.Done, f.Chunks)
	}
	h = Header{ModelSHA256: hex.EncodeToString(f.Model[:]), TextSHA256: hex.EncodeToString(f.Text[:]), Vocab: int(f.Vocab), Context: int(f.Context),
		Stride: int(f.Stride), Top: int(f.Top), Computation: string(bytes.TrimRight(f.Computation[:], "\x00"))}
	for i := range f.Chunks {
		b, err := in.read(12, fmt.Sprintf("chunk %d", i))
		if err != nil {
			return h, err
		}
		c := Chunk{Slice: int(u32(b)), First: int(u32(b[4:]))}
		if c.IDs, err = in.ints(int64(u32(b[8:])), fmt.Sprintf("tokens of chunk %d", i)); err != nil {
			return h, err
		}
		h.Chunks = append(h.Chunks, c)
	}
	if err := in.checksum("header"); err != nil {
		return h, err
	}
	if err := h.check(); err != nil {
		return h, in.errorf("%w", err)
	}
	h.Chunks = h.Chunks[:f.Done]
	return h, nil
}

func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// badInput wraps gguf.ErrInput.
func badInput(path string, err error) error {
	return fmt.Errorf("%w: %s: %w", gguf.ErrInput, path, err)
}
