package task

import (
	"context"
	"fmt"
	"math"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/generate"
)

// blockRows is how many positions have their logits in memory at a time.
const blockRows = 32

// Session is what tasks need of runtime/model.Session: one sequence with its key-value cache.
type Session interface {
	// Forward appends ids and fills logits, (len(ids)-from) x vocab row-major, for ids[from:].
	Forward(ids []int32, from int, logits []float32) error
	// Truncate keeps the first n tokens.
	Truncate(n int)
}

// Tokenizer is what tasks need of runtime/tokenizer.
type Tokenizer interface {
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
	BOS() (id int32, ok bool)
	AddBOS() bool
	generate.Tokenizer
}

// Model is a model to ask.
type Model struct {
	// NewSession returns an empty sequence with room for that many tokens: the longest item decides.
	NewSession func(tokens int) (Session, error)
	Vocab      int
	// Context is the number of positions the model was trained for; an item that needs more is refused. 0 means
	// any number.
	Context   int
	Tokenizer Tokenizer
}

// prompt is text to be continued, in tokens: with the beginning-of-text token that the model wants, but no end.
func prompt(tok Tokenizer, text string) ([]int32, error) {
	ids, err := tok.Encode(text, false, false)
	if err != nil {
		return nil, err
	}
	if bos, ok := tok.BOS(); ok && tok.AddBOS() {
		ids = append([]int32{bos}, ids...)
	}
	return ids, nil
}

// sequence is a session that knows its tokens, so that what an item's answers share, or items with the same
// examples in front, is evaluated once.
type sequence struct {
	ctx     context.Context
	session Session
	vocab   int
	ids     []int32
	logits  []float32 // blockRows x vocab
}

func newSequence(ctx context.Context, m *Model, tokens int) (*sequence, error) {
	s, err := m.NewSession(tokens)
	if err != nil {
		return nil, err
	}
	return &sequence{ctx: ctx, session: s, vocab: m.Vocab, logits: make([]float32, blockRows*m.Vocab)}, nil
}

// Forward appends, as Session.Forward.
func (s *sequence) Forward(ids []int32, from int, logits []float32) error {
	if err := s.session.Forward(ids, from, logits); err != nil {
		return err
	}
	s.ids = append(s.ids, ids...)
	return nil
}

// rewind keeps what the sequence shares with ids, at most that many tokens, and returns how many.
func (s *sequence) rewind(ids []int32, most int) int {
	n := min(shared(s.ids, ids), most)
	s.session.Truncate(n)
	s.ids = s.ids[:n]
	return n
}

// predict calls each for the tokens ids[first:], first at least 1, with the logarithm of their probability after
// the ones before and whether they are the likeliest, the first of equals. The last token is not evaluated.
func (s *sequence) predict(ids []int32, first int, each func(i int, logProb float64, likeliest bool)) error {
	kept := s.rewind(ids, first-1)
	if kept < first-1 {
		if err := s.Forward(ids[kept:first-1], first-1-kept, nil); err != nil {
			return err
		}
	}
	for at := first - 1; at < len(ids)-1; at += blockRows {
		n := min(blockRows, len(ids)-1-at)
		if err := s.Forward(ids[at:at+n], 0, s.logits[:n*s.vocab]); err != nil {
			return err
		}
		for i := range n {
			next := ids[at+i+1]
			logProb, top := logProb(s.logits[i*s.vocab:(i+1)*s.vocab], next)
			if math.IsNaN(logProb) || math.IsInf(logProb, 0) {
				return fmt.Errorf("%w: the model's log-probability is %v: its weights or metadata are broken", gguf.ErrInput, logProb)
			}
			each(at+i+1, logProb, top == next)
		}
	}
	return nil
}

// LogProb is the logarithm of the probability that a model gives to ids[1:], each after those before it. What the session held is
// forgotten; it needs room for ids.
func LogProb(session Session, vocab int, ids []int32) (sum float64, err error) {
	s := &sequence{session: session, vocab: vocab, logits: make([]float32, blockRows*vocab)}
	err = s.predict(ids, 1, func(_ int, logProb float64, _ bool) { sum += logProb })
	return sum, err
}

// logProb is the log-probability of a token, in float64, and the likeliest one.
func logProb(logits []float32, id int32) (logProb float64, top int32) {
	best := softmax.Top(logits)
	return float64(logits[id]) - softmax.LogSumExp(logits, logits[best]), int32(best)
}
