package logits

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// Writer writes a cache. Its methods are called in the order of the text, from one goroutine at a time.
type Writer struct {
	path   string
	header Header
	file   *atomicfile.File
	at     int64 // where the next chunk's rows go
	cursor cursor
	rows   []byte // of the current chunk
}

// Create begins a cache at path; the caller must Close or Abort.
func Create(path string, h Header) (*Writer, error) {
	h.Top = cmp.Or(h.Top, DefaultTop)
	if err := h.check(); err != nil {
		return nil, badInput(path, err)
	}
	head, err := h.encode(0)
	if err != nil {
		return nil, badInput(path, err)
	}
	size := int64(len(head))
	for _, c := range h.Chunks {
		size += h.rowsBytes(c) + 4
	}
	w := &Writer{path: path, header: h, at: int64(len(head)), cursor: cursor{chunks: h.Chunks}}
	if w.file, err = create(path, size); err != nil {
		return nil, err
	}
	return w, nil
}

// create reserves size bytes.
func create(path string, size int64) (*atomicfile.File, error) {
	f, err := atomicfile.Create(path, size)
	if errors.Is(err, atomicfile.ErrNoSpace) {
		return nil, fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	return f, err
}

// Row adds the next scored position: its logits, one for each token of the vocabulary, and the token that follows.
func (w *Writer) Row(logits []float32, target int32) error {
	if err := checkLength(logits, w.header.Vocab); err != nil {
		return badInput(w.path, err)
	}
	lse, _ := LogSumExp(logits)
	if err := checkSum(lse); err != nil {
		return badInput(w.path, fmt.Errorf("chunk %d: row %d: %w", w.cursor.chunk, w.cursor.row, err))
	}
	if err := w.cursor.accept(target); err != nil {
		return badInput(w.path, err)
	}
	w.rows = keep(logits, lse, target, w.header.kept()).append(w.rows)
	return nil
}

// EndChunk writes the chunk whose rows are complete.
func (w *Writer) EndChunk() error {
	if err := w.cursor.end(); err != nil {
		return badInput(w.path, err)
	}
	w.rows = binary.LittleEndian.AppendUint32(w.rows, crc32.ChecksumIEEE(w.rows))
	_, err := w.file.WriteAt(w.rows, w.at)
	w.at += int64(len(w.rows))
	w.rows = w.rows[:0]
	return err
}

// Close gives the file its name. It may have fewer chunks than were planned, but at least one, and only whole ones.
// After an error nothing is left.
func (w *Writer) Close() error {
	f, err := w.Seal()
	if err != nil {
		return err
	}
	return f.Commit()
}

// Seal is Close but for the name, which the file gets when the caller commits it, together with others.
func (w *Writer) Seal() (*atomicfile.File, error) {
	if err := w.finish(); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w.file, nil
}

func (w *Writer) finish() error {
	if w.cursor.row > 0 || w.cursor.chunk == 0 {
		return badInput(w.path, fmt.Errorf("closed after %d chunks and %d rows of the next: at least one complete chunk is needed", w.cursor.chunk, w.cursor.row))
	}
	head, err := w.header.encode(w.cursor.chunk)
	if err != nil {
		return err
	}
	if _, err := w.file.WriteAt(head, 0); err != nil {
		return err
	}
	return w.file.Truncate(w.at)
}

// Abort gives up and leaves nothing. After Close it does nothing, so it can be deferred.
func (w *Writer) Abort() error { return w.file.Abort() }
