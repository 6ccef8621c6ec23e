package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/logits"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
)

// chunksOf are the chunks as files of predictions hold them.
func chunksOf(c *text.Corpus) []logits.Chunk {
	out := make([]logits.Chunk, len(c.Windows))
	for i, w := range c.Windows {
		out[i] = logits.Chunk{Slice: w.Slice, First: w.First, IDs: w.IDs}
	}
	return out
}

// CacheHeader is that of a cache of a reference's predictions over the corpus. computation says how it was computed.
func CacheHeader(c *text.Corpus, model string, vocab int, computation string) logits.Header {
	return logits.Header{ModelSHA256: model, TextSHA256: c.SHA256(), Vocab: vocab, Context: c.Options.Context, Stride: c.Options.Stride, Computation: computation, Chunks: chunksOf(c)}
}

// LlamaHeader is that of llama.cpp's file, which knows one text without stride only.
func LlamaHeader(c *text.Corpus, vocab int) (h logits.LlamaHeader, err error) {
	if c.Options.Stride > 0 || len(c.Texts) > 1 {
		return h, fmt.Errorf("%w: llama.cpp's logits file format holds one text without a stride", gguf.ErrInput)
	}
	h = logits.LlamaHeader{Context: c.Options.Context, Vocab: vocab}
	for _, w := range c.Windows {
		ids := slices.Clone(w.IDs)
		ids[0] = w.Head
		h.Chunks = append(h.Chunks, ids)
	}
	return h, nil
}

// CorpusOf makes a corpus of the chunks in a llama.cpp logits file, the first of them if chunks is not 0. file is its
// base name and sum its SHA-256, which stand for the text's.
func CorpusOf(h logits.LlamaHeader, tok text.Tokenizer, file, sum string, chunks int) *text.Corpus {
	c := &text.Corpus{Options: text.Options{Context: h.Context}, Texts: []text.Text{{Name: "logits", File: file, SHA256: sum}}}
	for _, ids := range h.Chunks {
		if chunks == 0 || len(c.Windows) < chunks {
			c.Windows = append(c.Windows, text.NewWindow(0, ids, h.Context/2, tok))
		}
	}
	c.Tokens, c.Chunks = []int{len(h.Chunks) * h.Context}, []int{len(c.Windows)}
	return c
}

// Cached is a reference whose predictions over the first chunks of c are read from a cache, which must hold them.
func Cached(r *logits.Reader, c *text.Corpus, chunks int) (Reference, error) {
	h := r.Header()
	if len(h.Chunks) < chunks {
		return nil, fmt.Errorf("%w: the cache of predictions has %d chunks, but %d are needed", gguf.ErrInput, len(h.Chunks), chunks)
	}
	for i, w := range c.Windows[:chunks] {
		if h.Chunks[i].Slice != w.Slice || h.Chunks[i].First != w.First || !slices.Equal(h.Chunks[i].IDs, w.IDs) {
			return nil, fmt.Errorf("%w: chunk %d of the cached predictions has other tokens than the text: the reference reads it differently",
				text.ErrTokenizers, i+1)
		}
	}
	return &cached{r: r, chunks: c.Windows[:chunks]}, nil
}

type cached struct {
	r      *logits.Reader
	chunks []text.Window
	next   int // chunk that the file is at
	rows   []logits.Row
}

// begin skips the chunks before w, which an earlier run has done.
func (c *cached) begin(w *text.Window) error {
	for ; &c.chunks[c.next] != w; c.next++ {
		for range c.chunks[c.next].Tokens() {
			if _, err := c.row(); err != nil {
				return err
			}
		}
	}
	c.next++
	return nil
}

func (c *cached) row() (logits.Row, error) {
	row, err := c.r.Next()
	if err != nil {
		err = fmt.Errorf("%w: delete the cache so that it is made again", err)
	}
	return row, err
}

func (c *cached) load(_ *text.Window, _, n int) error {
	c.rows = c.rows[:0]
	for range n {
		row, err := c.row()
		if err != nil {
			return err
		}
		c.rows = append(c.rows, row)
	}
	return nil
}

func (c *cached) predict(i int, _ int32, s *scratch) prediction {
	row := &c.rows[i]
	s.stored = row
	top := topIDs{-1, -1, -1, -1, -1}
	copy(top[:], row.IDs)
	return prediction{-row.TargetLogP, top}
}

func (c *cached) divergence(q []float32, lse float64, s *scratch) (float64, float64) {
	return s.stored.(*logits.Row).Divergence(q, lse)
}

// FromLlama is a reference whose predictions are read from a llama.cpp logits file over the corpus made of it.
func FromLlama(r *logits.LlamaReader, c *text.Corpus) Reference {
	return &fromLlama{r: r, chunks: c.Windows, vocab: r.Header().Vocab}
}

type fromLlama struct {
	r      *logits.LlamaReader
	chunks []text.Window
	vocab  int
	next   int
	rows   []logits.Dense
}

func (l *fromLlama) begin(w *text.Window) error {
	for ; &l.chunks[l.next] != w; l.next++ {
		if err := l.load(nil, 0, l.chunks[l.next].Tokens()); err != nil {
			return err
		}
	}
	l.next++
	return nil
}

func (l *fromLlama) load(_ *text.Window, _, n int) error {
	for len(l.rows) < n {
		l.rows = append(l.rows, make(logits.Dense, l.vocab))
	}
	for i := range n {
		if err := l.r.Next(l.rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *fromLlama) predict(i int, next int32, s *scratch) prediction {
	s.stored = l.rows[i]
	return prediction{-float64(l.rows[i][next]), topFive(l.rows[i])}
}

func (l *fromLlama) divergence(q []float32, lse float64, s *scratch) (float64, float64) {
	return math.Max(0, s.stored.(logits.Dense).Divergence(q, lse)), 0
}

// RowWriter takes rows of logits in the order of the text: a writer of package logits.
type RowWriter interface {
	Row(logits []float32, target int32) error
	EndChunk() error
}

// Record is Live that also hands every row to the writers.
func Record(m Candidate, w ...RowWriter) Reference {
	return &recording{live{newScorer(m.Session, m.Vocab)}, w}
}

type recording struct {
	live
	writers []RowWriter
}

func (r *recording) load(w *text.Window, at, n int) error {
	if err := r.live.load(w, at, n); err != nil {
		return err
	}
	for _, out := range r.writers {
		for i := range n {
			if err := out.Row(r.row(i), w.IDs[at+i+1]); err != nil {
				return err
			}
		}
		if at+n == len(w.IDs)-1 {
			if err := out.EndChunk(); err != nil {
				return err
			}
		}
	}
	return nil
}
