package logits

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/carat-llm/carat/internal/atomicfile"
)

// LlamaWriter writes a logits file of llama.cpp. Its methods are called in the order of the text, from one
// goroutine at a time.
type LlamaWriter struct {
	path   string
	header LlamaHeader
	file   *atomicfile.File
	at     int64 // where the next row goes
	cursor cursor
	row    []byte
}

// CreateLlama begins a logits file at path; the caller must Close or Abort.
func CreateLlama(path string, h LlamaHeader) (*LlamaWriter, error) {
	if err := h.check(); err != nil {
		return nil, badInput(path, err)
	}
	var head bytes.Buffer
	put := func(v any) { _ = binary.Write(&head, binary.LittleEndian, v) } // a Buffer takes all
	put([]byte(llamaMagic))
	put([]int32{int32(h.Context), int32(h.Vocab), int32(len(h.Chunks))})
	for _, ids := range h.Chunks {
		put(ids)
	}
	w := &LlamaWriter{path: path, header: h, at: int64(head.Len()), cursor: cursor{chunks: h.chunks()}, row: make([]byte, h.rowBytes())}
	var err error
	if w.file, err = create(path, w.at+int64(h.Scored())*int64(len(h.Chunks))*h.rowBytes()); err != nil {
		return nil, err
	}
	if _, err := w.file.WriteAt(head.Bytes(), 0); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// Row adds the next scored position: its logits, one for each token of the vocabulary, and the token that follows.
func (w *LlamaWriter) Row(logits []float32, target int32) error {
	if err := checkLength(logits, w.header.Vocab); err != nil {
		return badInput(w.path, err)
	}
	if err := encodeDense(w.row, logits); err != nil {
		return badInput(w.path, fmt.Errorf("chunk %d: row %d: %w", w.cursor.chunk, w.cursor.row, err))
	}
	if err := w.cursor.accept(target); err != nil {
		return badInput(w.path, err)
	}
	_, err := w.file.WriteAt(w.row, w.at)
	w.at += int64(len(w.row))
	return err
}

// EndChunk is called after a chunk's last row.
func (w *LlamaWriter) EndChunk() error {
	if err := w.cursor.end(); err != nil {
		return badInput(w.path, err)
	}
	return nil
}

// Close gives the file its name. The format has no way to say that chunks are missing: all must be there. After an
// error nothing is left.
func (w *LlamaWriter) Close() error {
	f, err := w.Seal()
	if err != nil {
		return err
	}
	return f.Commit()
}

// Seal is Close but for the name, which the file gets when the caller commits it, together with others.
func (w *LlamaWriter) Seal() (*atomicfile.File, error) {
	if n := len(w.header.Chunks); w.cursor.chunk != n {
		err := fmt.Errorf("closed after %d of %d chunks", w.cursor.chunk, n)
		return nil, errors.Join(badInput(w.path, err), w.Abort())
	}
	return w.file, nil
}

// Abort gives up and leaves nothing. After Close it does nothing, so it can be deferred.
func (w *LlamaWriter) Abort() error { return w.file.Abort() }

// encodeDense is what llama-perplexity does, in float32 without fused operations as its builds for x86-64 do it; the
// exponentials are rounded to float32 before they are summed.
func encodeDense(b []byte, logits []float32) error {
	most, least := logits[0], logits[0]
	for _, v := range logits {
		most, least = max(most, v), min(least, v)
	}
	least = max(least, most-clamp)
	var sum float64
	for _, v := range logits {
		sum += float64(float32(math.Exp(float64(v - most))))
	}
	lse := float32(math.Log(sum))
	if err := checkSum(float64(most + lse)); err != nil {
		return err
	}
	scale := (most - least) / steps
	le := binary.LittleEndian
	le.PutUint32(b, math.Float32bits(scale))
	le.PutUint32(b[4:], math.Float32bits(least-most-lse))
	codes := b[8:]
	clear(codes)
	if scale == 0 {
		return nil
	}
	inverse := 1 / scale
	for i, v := range logits {
		if v > least {
			le.PutUint16(codes[2*i:], uint16(min(math.RoundToEven(float64(inverse*(v-least))), steps)))
		}
	}
	return nil
}
