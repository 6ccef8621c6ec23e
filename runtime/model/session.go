package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/internal/sysmem"
	"github.com/carat-llm/carat/runtime/kernel"
)

// batch is the number of tokens evaluated at a time; longer input is cut.
const batch = 512

// Session is one sequence of tokens and its key-value cache. It serves one caller at a time.
type Session struct {
	model   *Model
	pool    *kernel.Pool // the model's
	caches  []*kernel.Cache
	ropes   []*kernel.RopeTable
	max     int
	len     int
	bufs    [bufCount][]float32
	observe func(tensor string, expert, experts int, x []float32, cols int)

	// What steps need beside buffers, kept so that a token allocates nothing.
	products   []kernel.Product
	multiplier kernel.Multiplier
	turning    turning
	routing    routing
	adding     adding
}

// The session's reusable buffers.
const (
	bufX = iota
	bufNorm
	bufOut
	bufQ
	bufK
	bufV
	bufMixed
	bufGate
	bufUp
	bufRouter
	bufExpertIn
	bufExpertOut
	bufCount
)

// NewSession returns an empty sequence that can hold maxTokens tokens; the memory of its cache
// (2 x layers x key-value width x maxTokens numbers of Options.KVType) is allocated at once. maxTokens may be more than
// ContextLength unless positions are learned. Models with two sets of rotary factors (longrope) use the
// long one when maxTokens is more than the original context, as transformers does for a sequence of
// that length.
func (m *Model) NewSession(maxTokens int) (*Session, error) {
	g := m.graph
	if maxTokens < 1 || maxTokens > 1<<24 {
		return nil, fmt.Errorf("%w: a session must have between 1 and 2^24 tokens (got %d)", gguf.ErrInput, maxTokens)
	}
	if g.positions != nil && maxTokens > g.positions.Rows {
		return nil, fmt.Errorf("%w: a session of %d tokens is too long: the model has %d positions", gguf.ErrInput, maxTokens, g.positions.Rows)
	}
	if need, have := g.sessionBytes(maxTokens, m.opts.KVType), sysmem.Total(); have > 0 && need > float64(have) {
		return nil, fmt.Errorf("%w: a session of %d tokens needs %.1f GB of memory, this machine gives %.1f GB: take fewer tokens",
			gguf.ErrEnvironment, maxTokens, need/1e9, float64(have)/1e9)
	}
	s := &Session{model: m, pool: m.opts.Pool, max: maxTokens}
	s.multiplier.Compute = m.opts.Compute
	for _, r := range g.ropes {
		s.ropes = append(s.ropes, r.table(maxTokens))
	}
	for _, b := range g.blocks {
		s.caches = append(s.caches, kernel.NewCache(b.attn.kvHeads, b.attn.dim, b.attn.dim, maxTokens, m.opts.KVType))
	}
	return s, nil
}

// sessionBytes is about the memory of caches and tables of a session; a float, since it may be beyond any integer.
func (g *graph) sessionBytes(tokens int, kv gguf.Type) (bytes float64) {
	for _, b := range g.blocks {
		bytes += float64(tokens) * float64(kernel.CacheBytes(b.attn.kvHeads, b.attn.dim, b.attn.dim, kv))
	}
	for _, r := range g.ropes {
		bytes += 4 * float64(tokens) * float64(r.Dims)
	}
	return bytes
}

// Len is the number of tokens in the sequence.
func (s *Session) Len() int { return s.len }

// Reset empties the sequence; its memory is kept.
func (s *Session) Reset() { s.len = 0 }

// Truncate keeps at most the first n tokens of the sequence, as if the others had never been appended: a
// prefix that several continuations share is evaluated once. Layers with a sliding window keep every
// position, so what the window had left behind is seen again.
func (s *Session) Truncate(n int) { s.len = min(s.len, max(0, n)) }

// Bytes is the memory that the session holds: its cache, the tables of angles and the buffers it reuses, those of the
// pool among them.
func (s *Session) Bytes() int64 {
	n := s.pool.Bytes() + s.multiplier.Bytes()
	for _, c := range s.caches {
		n += c.Bytes()
	}
	for _, r := range s.ropes {
		n += r.Bytes()
	}
	for _, b := range s.bufs {
		n += 4 * int64(cap(b))
	}
	return n
}

// Observe makes Forward call f before each product of activations with a weight tensor: x holds rows
// of cols activations, valid during the call only. Tensors that share activations are named one by one,
// a fused tensor once. A stacked tensor is named for each expert that computes something, with the rows of
// its tokens; other tensors are expert 0 of 1. nil ends it.
func (s *Session) Observe(f func(tensor string, expert, experts int, x []float32, cols int)) {
	s.observe = f
}

// Forward appends ids to the sequence and fills logits with the rows of ids[from:], (len(ids)-from) x
// Vocab row-major; from == len(ids) computes none. After an error the sequence is as before the call.
func (s *Session) Forward(ids []int32, from int, logits []float32) error {
	before := s.len
	err := mmap.Guard(func() error { return s.forward(ids, from, logits) })
	if err != nil {
		s.len = before
	}
	return err
}

func (s *Session) forward(ids []int32, from int, logits []float32) error {
	vocab := s.model.Vocab()
	if from < 0 || from > len(ids) {
		return fmt.Errorf("cannot return logits from token %d of %d tokens", from, len(ids))
	}
	if len(logits) < (len(ids)-from)*vocab {
		return fmt.Errorf("there is room for %d logits, but %d rows of %d need %d", len(logits), len(ids)-from, vocab, (len(ids)-from)*vocab)
	}
	if s.len+len(ids) > s.max {
		return fmt.Errorf("%w: %d tokens after %d do not fit the session, which has %d", gguf.ErrInput, len(ids), s.len, s.max)
	}
	for i, id := range ids {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("%w: token %d of the input is %d, but the model has only %d tokens", gguf.ErrInput, i, id, vocab)
		}
	}
	for first := 0; first < len(ids); first += batch {
		end := min(len(ids), first+batch)
		n := end - first
		x := s.evaluate(ids[first:end])
		if skip := max(0, from-first); skip < n {
			s.logits(logits[(first+skip-from)*vocab:(end-from)*vocab], x[skip*len(x)/n:], n-skip)
		}
	}
	return nil
}

// evaluate runs the blocks over a batch and returns its final activations, len(ids) rows.
func (s *Session) evaluate(ids []int32) []float32 {
	g := s.model.graph
	width := g.embedding.Cols
	x := s.buf(bufX, len(ids)*width)
	for i, id := range ids {
		row := x[i*width : (i+1)*width]
		g.embedding.Row(row, int(id))
		if g.scale != 0 {
			kernel.Scale(row, g.scale)
		}
		if g.positions != nil {
			pos := s.buf(bufNorm, width)
			g.positions.Row(pos, s.len+i)
			kernel.AddBias(row, pos)
		}
	}
	var left []float32
	for layer := range g.blocks {
		left = g.blocks[layer].apply(s, x, left, len(ids), layer)
	}
	s.pool.Add(x, left)
	s.len += len(ids)
	return x
}

// logits computes n rows of logits from the final activations.
func (s *Session) logits(dst, x []float32, n int) {
	g := s.model.graph
	h := s.buf(bufNorm, len(x))
	g.norm.apply(s, h, x)
	s.apply(h, n, output{dst, &g.output})
	g.cap(dst)
}

// buf returns n float32 of undefined content from the session's buffer of that number.
func (s *Session) buf(number, n int) []float32 {
	if cap(s.bufs[number]) < n {
		s.bufs[number] = make([]float32, n)
	}
	return s.bufs[number][:n]
}
