// Package engine makes a model ready to run.
//
// An [Engine] is a loaded model with the workers that compute it: what every verb that runs a model, and a server, begin
// with. [Open] takes the path of a GGUF file, or of whatever else Options.Source opens; [Load] takes a model that is open
// already, as a checkpoint folder that convert shows as one.
//
// [Engine.NewSession] gives one sequence of tokens. Any number of sequences may step over an engine, from several
// goroutines: their work takes turns on the engine's one pool of workers.
package engine

import (
	"errors"
	"fmt"
	"sync"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// Options say how a model is loaded and computed.
type Options struct {
	// Threads is the number of workers; 0 means one for each physical core.
	Threads int
	// Pool, when not nil, has the workers instead: engines that do not work at the same time may share them, and the memory
	// of each. It is the caller's to close.
	Pool *kernel.Pool
	// Compute says how products are computed.
	Compute kernel.Compute
	// KVType is the type of the key-value cache, one of model.KVTypes.
	KVType gguf.Type
	// Text says that the engine is to read or write text: a model whose tokenizer is missing or not known is refused before
	// its weights are read.
	Text bool
	// Activations says that activations are wanted and no predictions, so that embedding models are taken, too; see model.Options.
	Activations bool
	// Source opens the path that Open is given; nil is gguf.Open. convert.OpenPath knows checkpoint folders, too.
	Source func(path string) (gguf.Model, error)
}

// Engine is a model that is ready to run. It may be used by several goroutines.
type Engine struct {
	source    gguf.Model
	opened    bool // by Open, so that Close closes it
	model     *model.Model
	pool      *kernel.Pool
	ownPool   bool
	tokenizer func() (*tokenizer.Tokenizer, error)
}

// Open opens the model at path and loads it. Errors name the path.
func Open(path string, opts Options) (*Engine, error) {
	open := opts.Source
	if open == nil {
		open = func(path string) (gguf.Model, error) { return gguf.Open(path) }
	}
	src, err := open(path)
	if err != nil {
		return nil, err
	}
	e, err := Load(src, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), src.Close())
	}
	e.opened = true
	return e, nil
}

// Load loads a model that is open. src must stay open until Close, which leaves it to the caller: mapped weights are not
// copied. Errors are those of Check.
func Load(src gguf.Model, opts Options) (*Engine, error) {
	e := &Engine{source: src, tokenizer: sync.OnceValues(func() (*tokenizer.Tokenizer, error) { return tokenizer.New(src.Metadata()) })}
	if opts.Text {
		check := model.Check // what the model is comes before what its tokenizer is
		if opts.Activations {
			check = model.CheckActivations
		}
		if err := check(src); err != nil {
			return nil, err
		}
		if _, err := e.tokenizer(); err != nil {
			return nil, err
		}
	}
	if e.pool = opts.Pool; e.pool == nil {
		e.pool, e.ownPool = kernel.NewPool(opts.Threads), true
	}
	var err error
	if e.model, err = model.Load(src, model.Options{Pool: e.pool, Compute: opts.Compute, KVType: opts.KVType, Activations: opts.Activations}); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// Check says, from headers and metadata alone, why Load would refuse src for its text; a model without any tokenizer is
// whole otherwise. See model.Check.
func Check(src gguf.Model) error {
	if err := model.Check(src); err != nil {
		return err
	}
	if kind, ok := src.Metadata().String("tokenizer.ggml.model"); !ok || kind == "none" || kind == "no_vocab" {
		return nil
	}
	_, err := tokenizer.New(src.Metadata())
	return err
}

// Close ends the workers and closes what Open opened. No session may be used any more.
func (e *Engine) Close() error {
	if e.ownPool {
		e.pool.Close()
	}
	if e.opened {
		return e.source.Close()
	}
	return nil
}

// NewSession returns an empty sequence with room for that many tokens. See model.Model.NewSession.
func (e *Engine) NewSession(tokens int) (*model.Session, error) { return e.model.NewSession(tokens) }

// NewBatch returns what steps several of those sequences together. See model.Batch.
func (e *Engine) NewBatch() *model.Batch { return e.model.NewBatch() }

// Tokenizer returns the model's tokenizer, which is made when it is asked for.
func (e *Engine) Tokenizer() (*tokenizer.Tokenizer, error) { return e.tokenizer() }

// Source is the model as it was opened.
func (e *Engine) Source() gguf.Model { return e.source }

// Predicts says whether the model predicts tokens; embedding models do not.
func (e *Engine) Predicts() bool { return e.model.Predicts() }

// Encodes says whether the model has an encoder for its input: a session's Encode is given the text, and the sequence begins
// with the token Start.
func (e *Engine) Encodes() bool { return e.model.Encodes() }

// Start is that token.
func (e *Engine) Start() int32 { return e.model.Start() }

// Vocab is the number of logits of a position.
func (e *Engine) Vocab() int { return e.model.Vocab() }

// Width is the number of activations of a token, and VectorWidth that of a text's vector; see model.Session.Project.
func (e *Engine) Width() int { return e.model.Width() }

// VectorWidth is the number of elements of a text's vector.
func (e *Engine) VectorWidth() int { return e.model.VectorWidth() }

// ContextLength is the number of positions the model was trained for.
func (e *Engine) ContextLength() int { return e.model.ContextLength() }

// Compute says how products are computed.
func (e *Engine) Compute() kernel.Compute { return e.model.Compute() }

// KVType is the type of the key-value cache.
func (e *Engine) KVType() gguf.Type { return e.model.KVType() }

// Threads is the number of workers.
func (e *Engine) Threads() int { return e.pool.Threads() }

// NewWalk begins a walk through the layers over chunks of tokens; see model.Model.NewWalk. One that replaces weights does so
// for all sessions of the engine.
func (e *Engine) NewWalk(chunks [][]int32) (*model.Walk, error) { return e.model.NewWalk(chunks) }

// Product is kernel.Pool.Product by the engine's workers.
func (e *Engine) Product(dst, x, w []float32, n, rows, cols int) {
	e.pool.Product(dst, x, w, n, rows, cols)
}

// Record evaluates chunks and keeps the streams between layers; see model.Model.Record.
func (e *Engine) Record(chunks [][]int32) (*model.Tape, error) { return e.model.Record(chunks) }

// Each calls f for 0..n-1 by the engine's workers.
func (e *Engine) Each(n int, f func(i int)) {
	e.pool.Run(n, func(_ *kernel.Scratch, i int) { f(i) })
}

// Scores is how many numbers model.Session.Score gives, 0 for models that make none.
func (e *Engine) Scores() int { return e.model.Scores() }

// HasPooler reports whether there is a matrix between a text's vector and its scores.
func (e *Engine) HasPooler() bool { return e.model.HasPooler() }
