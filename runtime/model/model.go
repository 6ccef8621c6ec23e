// Package model runs the forward pass of a language model on the CPU.
//
// [Load] takes any [gguf.Model]: a GGUF file, or a checkpoint folder seen as one. Hyperparameters come
// from the metadata, and every tensor is checked for presence and shape before anything runs. Weights
// stay in the file's own encoding, mapped when the source is mapped, and are decoded a few rows at a
// time; activations and the key-value cache are float32.
//
// A [Session] is one sequence: it holds the cache and the position, and [Session.Forward] appends
// tokens to it. Several sessions of a model may be used at the same time, by a goroutine each: they take turns on
// the workers of the model's pool. A [Batch] steps several sessions together, so that weights are read once for all.
//
// # Architectures
//
// Each architecture is one file that names its tensors and hyperparameters and puts the shared parts together (attention.go,
// ffn.go, moe.go, norm.go); registry.go lists them. A model is a list of layers (layer.go). Each has a state in a session, as the
// cache of attention: what it keeps of the tokens before. Most layers are blocks of a mixer, in which tokens see each other,
// and a feed-forward part.
//
// Results follow the transformers library where it and llama.cpp differ (GELU in full precision, the
// sliding window of Phi-3). They are the same bits for any number of threads and any split of the
// tokens into calls.
package model

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/runtime/kernel"
)

// Options of Load.
type Options struct {
	// Pool has the workers that all sessions compute with; nil means a pool of the model's own, with a worker for each
	// physical core.
	Pool *kernel.Pool
	// Compute says how products are computed.
	Compute kernel.Compute
	// KVType is the type of the key-value cache, one of KVTypes.
	KVType gguf.Type
	// Activations says that activations are wanted (Outputs.Hidden or Pooled): models that predict no tokens load, too.
	Activations bool
}

// KVTypes are the types of key-value caches.
var KVTypes = kernel.CacheTypes

// Model is a loaded model. It is not changed by use and may be shared.
type Model struct {
	graph *graph
	opts  Options
	// replaced are the matrices that SetWeights replaced, as they were.
	replaced map[*kernel.Matrix]kernel.Matrix
}

// graph is what an architecture builds: embeddings, layers, the final norm and the output matrix.
type graph struct {
	context   int            // trained context length
	width     int            // of the residual stream
	embedding *kernel.Matrix // vocab rows
	scale     float32        // of the embeddings; 0 means 1
	positions *kernel.Matrix // learned positions, or nil
	kinds     [][]float32    // of which one is added to each embedding: that of a token's type; none: there are no types
	perLayer  *perLayerInputs
	altup     *altup
	encoder   bool           // tokens see those behind them, too, so that a sequence is evaluated as a whole
	embedNorm norm           // behind the embeddings; without weight there is none
	biases    []positionBias // what attention.bias points at
	source    *graph         // an encoder, of which only layers and norm are used; nil: there is none
	start     int32          // the token that the decoder's sequence begins with where there is an encoder
	ropes     []kernel.Rope  // what attention.rope points at
	layers    []layer
	norm      norm
	dense     []linear // see Session.Project
	head      head     // see Session.Score
	output    linear
	// Logits are multiplied by outputScale, 0 means 1, then squeezed into (-softcap, softcap), 0 means they are not.
	outputScale, softcap float32

	pooling int // of poolings
	// sharesKV says that some layer uses the keys and values of another one, so that it does not stand by itself.
	sharesKV bool
	changes  []lowRank // of the embeddings, by adapters
	weights  []weight  // that activations are multiplied with
}

// Load builds the graph of src, which must pass [Check]. Errors wrap gguf.ErrInput and name the key or tensor. src
// must stay open as long as the model is used: mapped weights are not copied.
func Load(src gguf.Model, opts Options) (m *Model, err error) {
	err = mmap.Guard(func() error { m, err = loadGraph(src, opts); return err })
	return m, err
}

func loadGraph(src gguf.Model, opts Options) (*Model, error) {
	if !slices.Contains(KVTypes, opts.KVType) {
		return nil, fmt.Errorf("there is no key-value cache of type %s, only of %v", opts.KVType, KVTypes)
	}
	if err := checkGraph(src, opts.Activations); err != nil {
		return nil, err
	}
	a, err := find(src.Metadata().Architecture())
	if err != nil {
		return nil, err
	}
	l := newLoader(src, a.name)
	l.adapt(adaptersOf(src))
	g := a.build(l)
	g.pooling, g.changes = l.pooling(), l.embeddingChanges()
	l.unusedChanges()
	if l.err != nil {
		return nil, l.err
	}
	if opts.Pool == nil {
		opts.Pool = kernel.NewPool(0)
	}
	g.weights = l.weights
	m := &Model{graph: g, opts: opts}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	return m, nil
}

// Vocab is the number of logits of a position: the rows of the embedding matrix.
func (m *Model) Vocab() int { return m.graph.embedding.Rows }

// Width is the number of activations of a token.
func (m *Model) Width() int { return m.graph.width }

// Predicts says whether the model has logits. Embedding models have activations only.
func (m *Model) Predicts() bool { return m.graph.output.w != nil }

// Pooling says how the activations of a text's tokens become one vector (Outputs.Pooled): none, mean, cls (that of the first token), last
// or rank (a score; see Session.Score).
func (m *Model) Pooling() string { return poolings[m.graph.pooling] }

// ContextLength is the number of positions the model was trained for.
func (m *Model) ContextLength() int { return m.graph.context }

// Compute says how products are computed.
func (m *Model) Compute() kernel.Compute { return m.opts.Compute }

// KVType is the type of the key-value cache.
func (m *Model) KVType() gguf.Type { return m.opts.KVType }

// finish loads what all architectures have in common around their blocks: token_embd, output_norm and
// output, which is token_embd when the file has no output.weight; encoders have none.
func (g *graph) finish(l *loader, h hparams, outputNorm norm) *graph {
	g.context, g.width, g.norm, g.sharesKV = h.context, h.width, outputNorm, l.sharesKV
	vocab := l.vocabulary()
	g.embedding = l.matrix("token_embd.weight", h.width, vocab)
	switch {
	case g.encoder: // predicts no tokens
	case l.has("output.weight"):
		g.output = l.linear("output", h.width, vocab)
	default:
		g.output = l.product(linear{name: "token_embd.weight", w: g.embedding}, 0)
	}
	return g
}

// embed fills x, which follows the tokens that the session holds, with the embeddings of ids.
func (g *graph) embed(s *Session, x []float32, ids []int32) {
	mark := s.arena.mark()
	pos := s.arena.floats(g.width)
	for i, id := range ids {
		g.embedding.Row(x[i*g.width:(i+1)*g.width], int(id))
	}
	s.addEmbeddingChanges(x, ids, g.changes)
	for i := range ids {
		row := x[i*g.width : (i+1)*g.width]
		if g.scale != 0 {
			kernel.Scale(row, g.scale)
		}
		if g.positions != nil {
			g.positions.Row(pos, s.position(i))
			kernel.AddBias(row, pos)
		}
		if len(g.kinds) > 0 {
			kernel.AddBias(row, g.kinds[s.kind(i, len(g.kinds))])
		}
	}
	s.arena.release(mark)
	if g.embedNorm.weight != nil {
		g.embedNorm.apply(s, x, x)
	}
}

// limit scales the logits and squeezes them.
func (g *graph) limit(s *Session, logits []float32) {
	if g.outputScale != 0 {
		s.pool.Scale(logits, g.outputScale)
	}
	if g.softcap == 0 {
		return
	}
	c := float64(g.softcap)
	for i, v := range logits {
		logits[i] = float32(c * elementary.Tanh(float64(v)/c))
	}
}
