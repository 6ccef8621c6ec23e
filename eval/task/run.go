package task

import (
	"context"
	"fmt"
	"math"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/gguf"
)

// level is the confidence of the intervals.
const level = 0.95

// DefaultMaxTokens is how many tokens a task that generates may write for an item, as in lm-evaluation-harness.
const DefaultMaxTokens = 256

// Options of Run.
type Options struct {
	Limit  int       // items to ask; 0 means all
	Select Selection // which, when there is a limit
	// Shots are worked examples that stand before each item, all of them, where Task.TakesShots.
	Shots *Items
	// MaxTokens limits what a task that generates may write for an item; 0 means DefaultMaxTokens.
	MaxTokens int
	// Progress, if not nil, is called after each item with the candidate's accuracy so far.
	Progress func(done, all int, accuracy float64)
}

// Run asks the candidate, and the reference unless that is nil, item by item. When ctx is cancelled the result of the
// items done until then is returned beside the error, if there are any. Errors of an item name its place in the
// file.
func Run(ctx context.Context, t Task, items *Items, candidate Model, reference *Model, o Options) (*Result, error) {
	if o.MaxTokens == 0 {
		o.MaxTokens = DefaultMaxTokens
	}
	if o.Limit < 0 || o.MaxTokens < 0 {
		return nil, fmt.Errorf("%w: a limit must not be negative", gguf.ErrInput)
	}
	if o.Shots != nil && !t.shots {
		return nil, fmt.Errorf("%w: %s does not use worked examples", gguf.ErrInput, t.Name)
	}
	picked := t.pick(items.Len(), o.Limit, o.Select)
	c, err := newTestedModel(ctx, items, picked, candidate, o)
	if err != nil {
		return nil, err
	}
	tested := []*testedModel{c}
	if reference != nil {
		r, err := newTestedModel(ctx, items, picked, *reference, o)
		if err != nil {
			return nil, fmt.Errorf("reference: %w", err)
		}
		tested = append(tested, r)
	}
	for i, item := range picked {
		for _, p := range tested {
			if err = ctx.Err(); err == nil {
				err = p.do(i)
			}
			if err != nil && ctx.Err() != nil {
				return partial(t, items, tested, i), ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", items.path, items.list[item].where(), err)
			}
		}
		if o.Progress != nil {
			o.Progress(i+1, len(picked), float64(c.correct())/float64(i+1))
		}
	}
	return result(t, items, tested), nil
}

// testedModel is one model with its questions and how it did.
type testedModel struct {
	seq       *sequence
	questions []question
	outcomes  []outcome
}

// newTestedModel tokenizes the picked items and makes a session that holds the longest.
func newTestedModel(ctx context.Context, items *Items, picked []int, m Model, o Options) (*testedModel, error) {
	p := &testedModel{questions: make([]question, len(picked))}
	longest := 1
	for i, item := range picked {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		it := items.list[item]
		q, err := it.ask(m.Tokenizer, o)
		if err != nil {
			return nil, malformed(items.path, place(it.where()), "%v", err)
		}
		if n := q.tokens(); m.Context > 0 && n > m.Context {
			return nil, malformed(items.path, place(it.where()), "%d tokens are needed, the model was trained for %d", n, m.Context)
		}
		p.questions[i] = q
		longest = max(longest, q.tokens())
	}
	var err error
	p.seq, err = newSequence(ctx, &m, longest)
	return p, err
}

// do answers question i, the next.
func (p *testedModel) do(i int) error {
	o, err := p.questions[i].answer(p.seq)
	if err != nil {
		return err
	}
	p.outcomes = append(p.outcomes, o)
	p.questions[i] = nil // its tokens are no longer needed
	return nil
}

func (p *testedModel) correct() int { return p.count(func(o outcome) bool { return o.right }) }

func (p *testedModel) count(f func(o outcome) bool) int {
	n := 0
	for _, o := range p.outcomes {
		if f(o) {
			n++
		}
	}
	return n
}

func (p *testedModel) accuracy(f func(o outcome) bool) Accuracy {
	k, n := p.count(f), len(p.outcomes)
	a := Accuracy{Correct: k, Value: float64(k) / float64(n)}
	a.Low, a.High = stats.Wilson(k, n, level)
	return a
}

// perplexity of the last words.
func (p *testedModel) perplexity() float64 {
	var sum float64
	for _, o := range p.outcomes {
		sum += o.logProb
	}
	return math.Exp(-sum / float64(len(p.outcomes)))
}

// answers has one letter an outcome.
func (p *testedModel) answers() string {
	b := make([]byte, len(p.outcomes))
	for i, o := range p.outcomes {
		b[i] = 'w'
		if o.right {
			b[i] = 'r'
		}
	}
	return string(b)
}

// partial is the result of the first n items, nil of none.
func partial(t Task, items *Items, tested []*testedModel, n int) *Result {
	if n == 0 {
		return nil
	}
	for _, p := range tested {
		p.outcomes = p.outcomes[:n]
	}
	r := result(t, items, tested)
	r.Partial = true
	return r
}

func result(t Task, items *Items, tested []*testedModel) *Result {
	right := func(o outcome) bool { return o.right }
	c := tested[0]
	r := &Result{Task: t.Name, Data: items.Name, SHA256: items.SHA256, Items: len(c.outcomes), Total: items.Len(),
		Score: c.accuracy(right), Answers: c.answers()}
	if t.normalized {
		a := c.accuracy(func(o outcome) bool { return o.normalized })
		r.Normalized = &a
	}
	if t.perplexity {
		r.Perplexity = c.perplexity()
	}
	if len(tested) == 1 {
		return r
	}
	ref := tested[1]
	a := ref.accuracy(right)
	r.Reference, r.ReferenceAnswers = &a, ref.answers()
	if t.perplexity {
		r.ReferencePerplexity = ref.perplexity()
	}
	f := &Flips{}
	for i, o := range c.outcomes {
		switch was := ref.outcomes[i].right; {
		case was && !o.right:
			f.RightToWrong++
		case !was && o.right:
			f.WrongToRight++
		}
	}
	f.Rate = float64(f.RightToWrong+f.WrongToRight) / float64(r.Items)
	f.P = stats.McNemar(f.RightToWrong, f.WrongToRight)
	r.Flips = f
	return r
}
