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
	// Truncate leaves out what is beyond the model's context; otherwise such a text is refused.
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
	ids, err := tokens(tok, prefixed, e.ContextLength(), o.Truncate)
	if err != nil {
		return err
	}
	return Sequences(ctx, e, ids, o, emit)
}

// Sequences is Run for texts that are tokens already; Options about texts have no effect.
func Sequences(ctx context.Context, e *engine.Engine, ids [][]int32, o Options, emit func(Result) error) error {
	together := min(batch, e.ContextLength()) // there may be no positions beyond
	longest := together
	for i, s := range ids {
		if longest = max(longest, len(s)); len(s) == 0 {
			return fmt.Errorf("%w: text %d has no tokens", gguf.ErrInput, i+1)
		}
	}
	session, err := e.NewSession(longest)
	if err != nil {
		return err
	}
	w := worker{session: session, width: e.Width(), o: o, emit: emit, pooled: make([]float32, e.Width()), sums: make([]float64, e.Width())}
	for done := 0; done < len(ids); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, total := 1, len(ids[done])
		for done+n < len(ids) && total+len(ids[done+n]) <= together {
			total += len(ids[done+n])
			n++
		}
		if err := w.evaluate(ids[done:done+n], total); err != nil {
			return err
		}
		done += n
		if o.Progress != nil {
			o.Progress(int64(done), int64(len(ids)))
		}
	}
	return nil
}

// worker makes vectors of some texts at a time.
type worker struct {
	session *model.Session
	width   int
	o       Options
	emit    func(Result) error
	hidden  []float32
	pooled  []float32 // one vector
	sums    []float64 // see model.Pool
}

// evaluate makes those of texts that have total tokens together.
func (w *worker) evaluate(texts [][]int32, total int) error {
	w.hidden = grown(w.hidden, total*w.width)
	if err := w.session.EvaluateEach(texts, w.hidden); err != nil {
		return err
	}
	rest := w.hidden
	for _, ids := range texts {
		rows := rest[:len(ids)*w.width]
		rest = rest[len(rows):]
		if w.o.Pooling != None {
			model.Pool(w.o.Pooling.String(), w.pooled, w.sums, rows, 0)
			rows = w.pooled
		}
		if err := w.emit(Result{len(ids), w.vectors(rows)}); err != nil {
			return err
		}
	}
	return nil
}

// vectors makes the results of rows of activations.
func (w *worker) vectors(rows []float32) [][]float32 {
	n := len(rows) / w.width
	rows = w.session.Project(rows, n)
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
