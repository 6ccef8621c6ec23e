package job

import (
	"fmt"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
)

// Loader makes the models of a measurement ready: identified, and loaded over one pool of workers, as they run one
// after the other. Close ends it.
type Loader struct {
	// Options say how all models are computed.
	Options engine.Options
	// Hash is Identify's.
	Hash func(path string) (gguf.FileHash, error)
	// Warn, if not nil, is told of each model that is to take so many tokens.
	Warn func(path string, e *engine.Engine, tokens int)

	open    []gguf.Model
	pool    *kernel.Pool
	engines map[gguf.Model]*engine.Engine
}

// Close closes all models. The Loader may be used again.
func (l *Loader) Close() {
	for _, e := range l.engines {
		e.Close()
	}
	if l.pool != nil {
		l.pool.Close()
	}
	for _, m := range l.open {
		m.Close()
	}
	l.open, l.pool, l.engines = nil, nil, nil
}

// Keep has m closed with the others.
func (l *Loader) Keep(m gguf.Model) { l.open = append(l.open, m) }

// Engine makes the model that was opened at path ready to run, unless it is.
func (l *Loader) Engine(path string, src gguf.Model) (*engine.Engine, error) {
	if e := l.engines[src]; e != nil {
		return e, nil
	}
	if l.pool == nil {
		l.pool, l.engines = kernel.NewPool(l.Options.Threads), map[gguf.Model]*engine.Engine{}
	}
	o := l.Options
	o.Pool, o.Text = l.pool, true
	e, err := engine.Load(src, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.engines[src] = e
	return e, nil
}

// Add identifies and loads a model that was opened at path, with room for ctx tokens.
func (l *Loader) Add(path string, src gguf.Model, role string, ctx int) (*Model, error) {
	id, err := Identify(path, src, l.Hash)
	if err != nil {
		return nil, err
	}
	return l.Ready(id, path, src, role, ctx)
}

// Ready loads a model that is open and identified.
func (l *Loader) Ready(id report.Model, path string, src gguf.Model, role string, ctx int) (*Model, error) {
	e, err := l.Engine(path, src)
	if err != nil {
		return nil, err
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	sess, err := e.NewSession(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if l.Warn != nil {
		l.Warn(path, e, ctx)
	}
	loaded := run.Candidate{Name: path, Session: sess, Vocab: e.Vocab(), Tokenizer: tok}
	return &Model{ID: id, Role: role, Source: src, Loaded: loaded}, nil
}

// TaskModel is e as tasks ask it.
func TaskModel(e *engine.Engine) (*task.Model, error) {
	tok, err := e.Tokenizer()
	if err != nil {
		return nil, err
	}
	return &task.Model{
		NewSession: func(tokens int) (task.Session, error) { return e.NewSession(tokens) },
		Vocab:      e.Vocab(), Context: e.ContextLength(), Tokenizer: tok,
	}, nil
}

// UniqueNames gives models of the same base name different ones.
func UniqueNames(m []Model) {
	seen := map[string]int{}
	for i := range m {
		n := &m[i].ID.Name
		if seen[*n]++; seen[*n] > 1 {
			*n = fmt.Sprintf("%s (%d)", *n, seen[*n])
		}
	}
}
