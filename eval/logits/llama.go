package logits

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/internal/elementary"
)

const (
	llamaMagic = "_logits_"
	// clamp is how far below the largest logit the file's log-probabilities reach.
	clamp = 16
	steps = 65535 // between the smallest and the largest
)

// LlamaHeader says what a logits file of llama.cpp holds. Of model and text it says nothing. The format, all numbers
// little-endian:
//
//	"_logits_", i32 context, i32 vocab, i32 chunks, chunks*context i32 tokens
//	for each scored position: f32 scale, f32 smallest log-probability, vocab u16, u16 0 if vocab is odd
//
// A token's log-probability is scale*u16 + smallest. Those that are more than 16 below the likeliest's count as if
// they were 16 below it.
type LlamaHeader struct {
	Vocab   int
	Context int
	// Chunks have Context tokens each, as the text has them: before a chunk is evaluated, llama.cpp replaces its first
	// token by the one that begins a text, if the model wants it. The second half is scored: see Scored.
	Chunks [][]int32
}

// chunks are those of the header with the positions that are scored, Context/2 to Context-2 of each.
func (h LlamaHeader) chunks() []Chunk {
	chunks := make([]Chunk, len(h.Chunks))
	for i, ids := range h.Chunks {
		chunks[i] = Chunk{IDs: ids, First: h.Context / 2}
	}
	return chunks
}

// Scored is the number of rows of a chunk.
func (h LlamaHeader) Scored() int { return h.Context - 1 - h.Context/2 }

// rowBytes is the size of a row in the file.
func (h LlamaHeader) rowBytes() int64 { return 8 + 4*((int64(h.Vocab)+1)/2) }

// check refuses what no file can hold.
func (h LlamaHeader) check() error {
	if h.Vocab < 1 || h.Vocab > math.MaxInt32 || h.Context < 3 || h.Context > math.MaxInt32 || len(h.Chunks) < 1 || len(h.Chunks) > math.MaxInt32 {
		return fmt.Errorf("a vocabulary of %d, a context of %d and %d chunks: at least 1, 3 and 1 are needed", h.Vocab, h.Context, len(h.Chunks))
	}
	for i, c := range h.chunks() {
		if len(c.IDs) != h.Context {
			return fmt.Errorf("chunk %d has %d tokens, but the context is %d", i, len(c.IDs), h.Context)
		}
		if err := c.check(h.Vocab); err != nil {
			return fmt.Errorf("chunk %d %w", i, err)
		}
	}
	return nil
}

// LlamaReader reads a logits file of llama.cpp row by row.
type LlamaReader struct {
	in     *input
	header LlamaHeader
	row    []byte
	left   int // rows not read yet
}

// OpenLlama reads the header. Errors about the file wrap gguf.ErrInput.
func OpenLlama(path string) (*LlamaReader, error) {
	in, err := openInput(path)
	if err != nil {
		return nil, err
	}
	r, err := newLlamaReader(in)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return r, nil
}

func newLlamaReader(in *input) (*LlamaReader, error) {
	b, err := in.read(int64(len(llamaMagic)+12), "header")
	if err != nil {
		return nil, err
	}
	if string(b[:len(llamaMagic)]) != llamaMagic {
		return nil, in.errorf("begins with %q, a logits file of llama.cpp with %q", b[:len(llamaMagic)], llamaMagic)
	}
	b = b[len(llamaMagic):]
	context, vocab, n := int32(u32(b)), int32(u32(b[4:])), int32(u32(b[8:]))
	h := LlamaHeader{Context: int(context), Vocab: int(vocab)}
	if context < 0 || n < 0 {
		return nil, in.errorf("a context of %d and %d chunks", context, n)
	}
	ids, err := in.ints(int64(context)*int64(n), "tokens")
	if err != nil {
		return nil, err
	}
	for len(ids) > 0 {
		h.Chunks, ids = append(h.Chunks, ids[:context:context]), ids[context:]
	}
	if err := h.check(); err != nil {
		return nil, in.errorf("%w", err)
	}
	r := &LlamaReader{in: in, header: h, left: h.Scored() * len(h.Chunks)}
	if in.left%h.rowBytes() != 0 || in.left/h.rowBytes() != int64(r.left) {
		return nil, in.errorf("%d bytes of rows, but %d rows of %d bytes are expected: was the disk full when it was written?", in.left, r.left, h.rowBytes())
	}
	return r, nil
}

// Header says what the file holds. The caller must not change it.
func (r *LlamaReader) Header() LlamaHeader { return r.header }

// Next fills row, as long as the vocabulary, with the next scored position, those of the first chunk first. It
// returns io.EOF after the last.
func (r *LlamaReader) Next(row Dense) error {
	if len(row) != r.header.Vocab {
		return fmt.Errorf("%s: a row of %d tokens for a vocabulary of %d", r.in.path, len(row), r.header.Vocab)
	}
	if r.left == 0 {
		return io.EOF
	}
	if r.row == nil {
		r.row = make([]byte, r.header.rowBytes()) // the file has at least one
	}
	if err := r.in.fill(r.row); err != nil {
		return err
	}
	r.left--
	if err := decodeDense(row, r.row); err != nil {
		return r.in.errorf("%w", err)
	}
	return nil
}

// Close closes the file.
func (r *LlamaReader) Close() error { return r.in.Close() }

// decodeDense is encodeDense's inverse.
func decodeDense(row Dense, b []byte) error {
	scale, least := math.Float32frombits(u32(b)), math.Float32frombits(u32(b[4:]))
	largest := least + float32(scale*steps)
	if !(scale >= 0) || !(least >= -math.MaxFloat32) || !(largest <= 1) {
		return fmt.Errorf("invalid log-probabilities, between %v and %v", least, largest)
	}
	for i := range row {
		row[i] = float32(scale*float32(binary.LittleEndian.Uint16(b[8+2*i:]))) + least
	}
	return nil
}

// Dense is the log-probability of every token.
type Dense []float32

// floor is what llama.cpp leaves out: at and below it are the log-probabilities that were cut off.
const floor = -16

var leastKept = elementary.Exp(floor)

// Divergence is the Kullback-Leibler divergence, in nats, of a candidate from the reference, over the tokens whose
// log-probability is above -16 as llama-perplexity has it. It can be a little below 0. q are the candidate's
// logits, lse is their LogSumExp.
func (d Dense) Divergence(q []float32, lse float64) (kld float64) {
	var e [512]float64
	for at := 0; at < len(d); at += len(e) {
		p := d[at:min(at+len(e), len(d))]
		softmax.Exp(e[:len(p)], p, 0)
		kld += softmax.Divergence(e[:len(p)], p, q[at:at+len(p)], lse, leastKept)
	}
	return kld
}
