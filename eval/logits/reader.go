package logits

import (
	"fmt"
	"io"
)

// Reader reads a cache row by row; one chunk is in memory at a time.
type Reader struct {
	in     *input
	header Header
	chunk  int    // the next one to read
	rows   []byte // those of the current one that are not returned yet
}

// Open reads the header. Errors about the file wrap gguf.ErrInput.
func Open(path string) (*Reader, error) {
	in, err := openInput(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(in)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return r, nil
}

func newReader(in *input) (*Reader, error) {
	h, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	left := in.left
	for i, c := range h.Chunks {
		if int64(c.Scored()) > (left-4)/h.rowBytes() {
			return nil, in.errorf("truncated: chunk %d has %d rows of %d bytes, but the file has only %d more bytes", i, c.Scored(), h.rowBytes(), left)
		}
		left -= h.rowsBytes(c) + 4
	}
	if left != 0 {
		return nil, in.errorf("%d bytes behind the last of %d chunks", left, len(h.Chunks))
	}
	return &Reader{in: in, header: h}, nil
}

// Header says what the cache holds. The caller must not change it.
func (r *Reader) Header() Header { return r.header }

// Next returns the next scored position, those of the first chunk first, and io.EOF after the last. No row is
// returned of a chunk that is damaged.
func (r *Reader) Next() (Row, error) {
	if len(r.rows) == 0 {
		if r.chunk == len(r.header.Chunks) {
			return Row{}, io.EOF
		}
		if err := r.load(); err != nil {
			return Row{}, err
		}
	}
	n := r.header.rowBytes()
	row := decodeRow(r.rows[:n], r.header.kept())
	r.rows = r.rows[n:]
	if err := row.check(r.header.Vocab); err != nil {
		return Row{}, r.in.errorf("a row of chunk %d: %w", r.chunk-1, err)
	}
	return row, nil
}

// load reads the next chunk whole and checks it before any row of it is used.
func (r *Reader) load() error {
	what := fmt.Sprintf("rows of chunk %d", r.chunk)
	var err error
	if r.rows, err = r.in.read(r.header.rowsBytes(r.header.Chunks[r.chunk]), what); err != nil {
		return err
	}
	if err := r.in.checksum(what); err != nil {
		r.rows = nil
		return err
	}
	r.chunk++
	return nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.in.Close() }
