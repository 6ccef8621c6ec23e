package model

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
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
	second []int   // see EvaluatePairs: where the second text of each sequence begins; nil: there is none

	members []member // whose tokens are evaluated together; nil: they are the session's own (member.go)

	// Of models with an encoder: the states of its layers, and the number of tokens of the input.
	sourceStates []state
	sourceLen    int

	arena    arena
	perLayer []float32 // see perLayerInputs; of the tokens that are evaluated
	sums     []float64 // see Pool
	observe  func(tensor string, expert, experts int, x []float32, cols int)

	// What steps need beside the arena, kept so that a token allocates nothing.
	products        []kernel.Product
	lows            [][]float32 // see addLowRanks
	multiplier      kernel.Multiplier
	rotating        rotating
	assigned        assigned
	adding          adding
	storing         storing
	rotatingLatents rotatingLatents
	convolving      convolving
	scanning        scanning
	scanning2       scanning2
	recalling       recalling
	gating          gatingRows
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

// CopyFrom makes the sequence that of another session of the same model with the same room, without evaluating anything: several
// continuations of one prompt, which are written together.
func (s *Session) CopyFrom(from *Session) {
	if s.model != from.model || s.max != from.max || s.sourceStates != nil {
		panic("model: sessions of another kind cannot be copied") // a mistake of the caller
	}
	for i, st := range s.states {
		if st != nil {
			st.copyFrom(from.states[i], from.done)
		}
	}
	s.ids, s.done = append(s.ids[:0], from.ids...), from.done
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
