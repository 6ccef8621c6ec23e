package embed

import (
	"context"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/model"
)

// batch is about the number of tokens that are evaluated together.
const batch = 512

// Options say what becomes of the activations.
type Options struct {
	Pooling   Pooling
	Normalize bool
	// Prefix is put in front of every text.
	Prefix string
	// MaxTokens bounds a text's tokens; 0, and more than the model's context, are that.
	MaxTokens int
	// Truncate leaves out what is beyond that; otherwise such a text is refused.
	Truncate bool
	// Progress, if not nil, is told the number of texts that are done.
	Progress func(done, total int64)
}

// Result is what Run makes of a text.
type Result struct {
	Tokens int // of the text, with those that the model adds
	// Vectors is one vector, or with None one of each token. They are valid until the next result.
	Vectors [][]float32
}

// Run gives emit the results of texts, in their order. e must have been opened for Activations and Text.
func Run(ctx context.Context, e *engine.Engine, texts []string, o Options, emit func(Result) error) error {
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	prefixed := texts
	if o.Prefix != "" {
		prefixed = make([]string, len(texts))
		for i, t := range texts {
			prefixed[i] = o.Prefix + t
		}
	}
	most := e.ContextLength()
	if o.MaxTokens > 0 {
		most = min(most, o.MaxTokens)
	}
	ids, err := tokens(tok, prefixed, most, o.Truncate)
	if err != nil {
		return err
	}
	return Sequences(ctx, e, ids, o, emit)
}

// Sequences is Run for texts that are tokens already; Options about texts have no effect.
func Sequences(ctx context.Context, e *engine.Engine, ids [][]int32, o Options, emit func(Result) error) error {
	w := worker{width: e.Width(), o: o, emit: emit, pooled: make([]float32, e.Width()), sums: make([]float64, e.Width())}
	return evaluate(ctx, e, sequences{ids: ids}, o.Progress, w.take)
}

// sequences are the tokens of texts, or of pairs of texts, whose second ones begin where second says; nil for texts.
type sequences struct {
	ids    [][]int32
	second []int
}

// of evaluates n of them from number i on.
func (q sequences) of(s *model.Session, i, n int, hidden []float32) error {
	if q.second == nil {
		return s.EvaluateEach(q.ids[i:i+n], hidden)
	}
	return s.EvaluatePairs(q.ids[i:i+n], q.second[i:i+n], hidden)
}

// evaluate gives take the activations of the tokens of each text, in their order; they are valid until the next.
func evaluate(ctx context.Context, e *engine.Engine, q sequences, progress func(done, total int64), take func(s *model.Session, rows []float32) error) error {
	together := min(batch, e.ContextLength()) // there may be no positions beyond
	longest := together
	for i, s := range q.ids {
		if longest = max(longest, len(s)); len(s) == 0 {
			return fmt.Errorf("%w: text %d has no tokens", gguf.ErrInput, i+1)
		}
	}
	session, err := e.NewSession(longest)
	if err != nil {
		return err
	}
	var hidden []float32
	for done := 0; done < len(q.ids); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, total := 1, len(q.ids[done])
		for done+n < len(q.ids) && total+len(q.ids[done+n]) <= together {
			total += len(q.ids[done+n])
			n++
		}
		hidden = grown(hidden, total*e.Width())
		if err := q.of(session, done, n, hidden); err != nil {
			return err
		}
		rest := hidden
		for _, ids := range q.ids[done : done+n] {
			size := len(ids) * e.Width()
			if err := take(session, rest[:size]); err != nil {
				return err
			}
			rest = rest[size:]
		}
		done += n
		if progress != nil {
			progress(int64(done), int64(len(q.ids)))
		}
	}
	return nil
}

// worker makes vectors of texts.
type worker struct {
	width  int
	o      Options
	emit   func(Result) error
	pooled []float32 // one vector
	sums   []float64 // see model.Pool
}

// take makes that of one text.
func (w *worker) take(s *model.Session, rows []float32) error {
	n := len(rows) / w.width
	if w.o.Pooling != None {
		model.Pool(w.o.Pooling.String(), w.pooled, w.sums, rows, 0)
		rows = w.pooled
	}
	return w.emit(Result{n, w.vectors(s, rows)})
}

// vectors makes the results of rows of activations.
func (w *worker) vectors(s *model.Session, rows []float32) [][]float32 {
	n := len(rows) / w.width
	rows = s.Project(rows, n)
	out := make([][]float32, n)
	for i := range out {
		out[i] = rows[i*len(rows)/n:][:len(rows)/n]
		if w.o.Normalize {
			normalize(out[i])
		}
	}
	return out
}

// grown returns x with n elements, allocated anew only when it has no room.
func grown(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}
