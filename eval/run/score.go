package run

import (
	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/eval/text"
)

// logitBytes bounds the logits of a model that are in memory at a time: a block of positions, not half a chunk.
const logitBytes = 32 << 20

// blockRows is how many positions a block has: each block reads all weights once.
func blockRows(vocab int) int { return max(8, min(128, logitBytes/(4*vocab))) }

// Session is what a run needs of runtime/model: one sequence with its KV cache.
type Session interface {
	Reset()
	// Forward appends ids and fills logits, (len(ids)-from) x vocab row-major, for ids[from:].
	Forward(ids []int32, from int, logits []float32) error
}

// Candidate is a loaded model to measure.
type Candidate struct {
	Name      string // for messages
	Session   Session
	Vocab     int
	Tokenizer text.Tokenizer
}

// scorer runs one model over windows, a block of positions at a time.
type scorer struct {
	session Session
	vocab   int
	logits  []float32 // block rows x vocab
}

func newScorer(s Session, vocab int) *scorer {
	return &scorer{s, vocab, make([]float32, blockRows(vocab)*vocab)}
}

// begin evaluates what comes before the window's first scored position.
func (s *scorer) begin(w *text.Window) error {
	s.session.Reset()
	if w.First == 0 {
		return nil
	}
	return s.session.Forward(w.IDs[:w.First], w.First, nil)
}

// load evaluates positions at..at+n-1 and leaves their logits, n x vocab.
func (s *scorer) load(w *text.Window, at, n int) error {
	return s.session.Forward(w.IDs[at:at+n], 0, s.logits[:n*s.vocab])
}

func (s *scorer) row(i int) []float32 { return s.logits[i*s.vocab : (i+1)*s.vocab] }

// topIDs are the indices of the five largest logits, the largest first, of equals the first; -1 beyond the vocabulary.
type topIDs [5]int32

func topFive(logits []float32) topIDs {
	t := topIDs{-1, -1, -1, -1, -1}
	for i := 0; i < len(logits); i++ {
		if t[4] >= 0 {
			if i += softmax.Above(logits[i:], logits[t[4]]); i == len(logits) {
				break
			}
		}
		v, j := logits[i], 4
		for ; j > 0 && (t[j-1] < 0 || v > logits[t[j-1]]); j-- {
			t[j] = t[j-1]
		}
		t[j] = int32(i)
	}
	return t
}

// common counts what both have.
func (t topIDs) common(u topIDs) int {
	n := 0
	for _, a := range t {
		for _, b := range u {
			if a == b && a >= 0 {
				n++
			}
		}
	}
	return n
}
