package model

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/internal/sysmem"
	"github.com/carat-llm/carat/runtime/kernel"
)

const (
	// batch is the number of tokens evaluated at a time; longer input is cut.
	batch = 512
	// savedAfter is the number of tokens of a call behind which states are saved: a prompt, to which callers go back, and no
	// steps from token to token.
	savedAfter = 32
)

// Session is one sequence of tokens and what the layers keep of it. It serves one caller at a time.
type Session struct {
	model  *Model
	pool   *kernel.Pool // the model's
	states []state      // of each layer; nil for those that keep nothing
	ropes  []*kernel.RopeTable
	biases []*kernel.Bias
	max    int
	ids    []int32 // the sequence
	done   int     // tokens of it that the states hold; see Truncate

	// Of models with an encoder: the states of its layers, and the number of tokens of the input.
	sourceStates []state
	sourceLen    int

	arena    arena
	perLayer []float32 // see perLayerInputs; of the tokens that are evaluated
	observe  func(tensor string, expert, experts int, x []float32, cols int)

	// What steps need beside the arena, kept so that a token allocates nothing.
	products   []kernel.Product
	multiplier kernel.Multiplier
	turning    turning
	assigned   assigned
	adding     adding
	storing    storing
	convolving convolving
	scanning   scanning
	scanning2  scanning2
	recalling  recalling
	gating     gatingRows
}

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
	s := &Session{model: m, pool: m.opts.Pool, max: maxTokens, ids: make([]int32, 0, maxTokens)}
	s.multiplier.Compute = m.opts.Compute
	for _, r := range g.ropes {
		s.ropes = append(s.ropes, r.Table(maxTokens))
	}
	for _, b := range g.biases {
		s.biases = append(s.biases, b.table(maxTokens))
	}
	for _, l := range g.layers {
		s.states = append(s.states, l.newState(maxTokens, m.opts.KVType))
	}
	if g.source != nil {
		for _, l := range g.source.layers {
			s.sourceStates = append(s.sourceStates, l.newState(maxTokens, m.opts.KVType))
		}
	}
	return s, nil
}

// sessionBytes is about the memory of states and tables of a session; a float, since it may be beyond any integer.
func (g *graph) sessionBytes(tokens int, kv gguf.Type) float64 {
	bytes := 4 * float64(tokens) // the sequence
	for _, l := range g.layers {
		bytes += l.stateBytes(tokens, kv)
	}
	for _, r := range g.ropes {
		bytes += 4 * float64(tokens) * float64(r.Dims)
	}
	for _, b := range g.biases {
		bytes += b.bytes(tokens)
	}
	if g.source != nil {
		bytes += g.source.sessionBytes(tokens, kv)
	}
	return bytes
}

// Len is the number of tokens in the sequence.
func (s *Session) Len() int { return len(s.ids) }

// Reset empties the sequence; its memory is kept.
func (s *Session) Reset() { s.Truncate(0) }

// Truncate keeps at most the first n tokens of the sequence, as if the others had never been appended: a
// prefix that several continuations share is evaluated once. Layers with a sliding window keep every
// position, so what the window had left behind is seen again.
//
// Recurrent layers can go back to the end of the last prompt only (a call of 32 tokens or more), or to the beginning. What is
// missing then is evaluated again by the next call, from the tokens, which the session knows; observers do not see it
// a second time.
func (s *Session) Truncate(n int) {
	n = min(len(s.ids), max(0, n))
	s.ids = s.ids[:n]
	if n < s.done {
		s.rewind(n)
	}
}

// rewind makes all states those of the same number of tokens, at most n.
func (s *Session) rewind(n int) {
	for kept := n + 1; kept > n; {
		kept = n
		for _, st := range s.states {
			if st != nil {
				n = min(n, st.truncate(n))
			}
		}
	}
	s.done = n
}

// Bytes is the memory that the session holds: states, the tables of angles and the memory it reuses, that of the pool
// among it.
func (s *Session) Bytes() int64 {
	n := s.pool.Bytes() + s.multiplier.Bytes() + s.arena.Bytes() + 4*int64(cap(s.ids))
	for _, st := range slices.Concat(s.states, s.sourceStates) {
		if st != nil {
			n += st.Bytes()
		}
	}
	for _, r := range s.ropes {
		n += r.Bytes()
	}
	for _, b := range s.biases {
		n += b.Bytes()
	}
	return n
}

// Observe makes Forward call f before each product of activations with a weight tensor: x holds rows
// of cols activations, valid during the call only. Tensors that share activations are named one by one,
// a fused tensor once. A stacked tensor is named for each expert that computes something, with the rows of
// its tokens; other tensors are expert 0 of 1. Tokens that are evaluated again after Truncate are not seen again. nil ends it.
func (s *Session) Observe(f func(tensor string, expert, experts int, x []float32, cols int)) {
	s.observe = f
}

// Outputs says what Evaluate gives of the tokens from number From of its input on: one row of each kind a token, row-major.
type Outputs struct {
	From   int
	Logits []float32 // rows of Vocab; nil: none
	Hidden []float32 // rows of Width: the activations behind the last norm; nil: none
}

// Forward appends ids to the sequence and fills logits with the rows of ids[from:], (len(ids)-from) x
// Vocab row-major; from == len(ids) computes none. After an error the sequence is as before the call.
func (s *Session) Forward(ids []int32, from int, logits []float32) error {
	if logits == nil {
		logits = []float32{}
	}
	return s.Evaluate(ids, Outputs{From: from, Logits: logits})
}

// Evaluate appends ids to the sequence and fills out. After an error the sequence is as before the call.
func (s *Session) Evaluate(ids []int32, out Outputs) error {
	if err := s.checkInput(ids, out); err != nil {
		return err
	}
	before := len(s.ids)
	err := mmap.Guard(func() error { s.append(ids, out); return nil })
	if err != nil {
		s.ids = s.ids[:before]
		s.rewind(min(before, s.done))
	}
	return err
}

func (s *Session) checkInput(ids []int32, out Outputs) error {
	if out.Logits != nil && len(ids) > out.From && s.model.graph.output.w == nil {
		return fmt.Errorf("%w: this model predicts no tokens; its results are activations", gguf.ErrUnsupported)
	}
	vocab, rows := s.model.Vocab(), len(ids)-out.From
	if out.From < 0 || rows < 0 {
		return fmt.Errorf("cannot return logits from token %d of %d tokens", out.From, len(ids))
	}
	if out.Logits != nil && len(out.Logits) < rows*vocab {
		return fmt.Errorf("there is room for %d logits, but %d rows of %d need %d", len(out.Logits), rows, vocab, rows*vocab)
	}
	if width := s.model.Width(); out.Hidden != nil && len(out.Hidden) < rows*width {
		return fmt.Errorf("there is room for %d activations, but %d rows of %d need %d", len(out.Hidden), rows, width, rows*width)
	}
	if len(s.ids)+len(ids) > s.max {
		return fmt.Errorf("%w: %d tokens after %d do not fit the session, which has %d", gguf.ErrInput, len(ids), len(s.ids), s.max)
	}
	if s.model.graph.source != nil && s.sourceLen == 0 {
		return fmt.Errorf("%w: the model has an encoder, which was given no input (Encode)", gguf.ErrInput)
	}
	return s.checkIDs(ids)
}

func (s *Session) checkIDs(ids []int32) error {
	for i, id := range ids {
		if vocab := s.model.Vocab(); id < 0 || int(id) >= vocab {
			return fmt.Errorf("%w: token %d of the input is %d, but the model has only %d tokens", gguf.ErrInput, i, id, vocab)
		}
	}
	return nil
}

// append evaluates the tokens of before that the states lack, then ids. Tokens of encoders are evaluated all together, and those of
// before again.
func (s *Session) append(ids []int32, out Outputs) {
	before := len(s.ids)
	s.ids = append(s.ids, ids...)
	from := before + out.From
	if s.model.graph.encoder {
		s.done = 0
		if x := s.evaluate(len(s.ids)); from < len(s.ids) {
			s.output(out, 0, x[from*len(x)/len(s.ids):], len(s.ids)-from)
		}
		return
	}
	observe := s.observe
	defer func() { s.observe = observe }()
	for s.observe = nil; s.done < before; {
		s.evaluate(min(batch, before-s.done))
	}
	s.observe = observe
	for s.done < len(s.ids) {
		first, n := s.done, min(batch, len(s.ids)-s.done)
		x := s.evaluate(n)
		if skip := max(0, from-first); skip < n {
			s.output(out, first+skip-from, x[skip*len(x)/n:], n-skip)
		}
	}
	if len(ids) >= savedAfter {
		for _, st := range s.states {
			if st != nil {
				st.save()
			}
		}
	}
}

// evaluate runs the layers over the next n tokens and returns their final activations, n rows, valid until the next call.
func (s *Session) evaluate(n int) []float32 {
	s.arena.reset()
	g, ids := s.model.graph, s.ids[s.done:s.done+n]
	x := s.arena.floats(n * g.width)
	g.embed(s, x, ids)
	if g.perLayer != nil {
		s.perLayer = g.perLayer.inputs(s, x, ids)
	}
	first := x // stream
	if g.altup != nil {
		x = s.arena.floats(g.altup.streams * len(x))
		g.altup.enter(s, x, first, n)
	}
	left := s.arena.floats(len(x))
	clear(left)
	for i, l := range g.layers {
		l.forward(s, x, left, n, s.states[i])
	}
	s.pool.Add(x, left)
	if g.altup != nil {
		g.altup.leave(s, first, x, n)
	}
	s.done += n
	return first
}

// output computes n rows of the outputs, from row first on, from the final activations.
func (s *Session) output(out Outputs, first int, x []float32, n int) {
	g := s.model.graph
	width, vocab := g.width, s.model.Vocab()
	h := s.arena.floats(len(x))
	g.norm.apply(s, h, x)
	if out.Hidden != nil {
		copy(out.Hidden[first*width:], h)
	}
	if out.Logits != nil {
		logits := out.Logits[first*vocab:][:n*vocab]
		s.apply(h, n, output{logits, &g.output})
		g.limit(s, logits)
	}
}
