package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Walk evaluates sequences layer by layer, all of them in one layer before the next: what calibration needs, in which the
// weights of a layer change (SetWeights) between looking at their inputs and going on. The residual streams of all tokens are in memory
// before and behind a layer, 2 x Width float32 a token.
type Walk struct {
	s       *Session
	chunks  [][]int32
	streams [][]float32
	layer   int
	// ahead are the streams behind the next layer, of the chunks that were looked at since the walk replaced weights; nil: of none.
	ahead [][]float32
}

// NewWalk begins a walk at the embeddings of chunks. It wraps gguf.ErrUnsupported when layers of the model look at more than
// the layer before them.
func (m *Model) NewWalk(chunks [][]int32) (*Walk, error) {
	if !m.graph.walkable() {
		return nil, fmt.Errorf("%w: layers of this model look at others than the one before them", gguf.ErrUnsupported)
	}
	longest := 1
	for _, ids := range chunks {
		longest = max(longest, len(ids))
	}
	if longest > batch {
		return nil, fmt.Errorf("%w: chunks of %d tokens; a walk takes up to %d", gguf.ErrUnsupported, longest, batch)
	}
	s, err := m.NewSession(longest)
	if err != nil {
		return nil, err
	}
	w := &Walk{s: s, chunks: chunks}
	for _, ids := range chunks {
		if err := s.checkIDs(ids); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// embed begins with the embeddings, unless that is done: the walk's first look may come after weights were replaced.
func (w *Walk) embed() error {
	if w.streams != nil {
		return nil
	}
	g := w.s.model.graph
	for _, ids := range w.chunks {
		x := make([]float32, len(ids)*g.width)
		if err := mmap.Guard(func() error { g.embed(w.s, x, ids); return nil }); err != nil {
			return err
		}
		w.streams = append(w.streams, x)
	}
	return nil
}

// walkable says that each layer takes nothing but the stream.
func (g *graph) walkable() bool {
	return g.perLayer == nil && g.altup == nil && g.source == nil && !g.encoder && !g.sharesKV
}

// Layers is the number of layers, and Layer the one that comes next; behind the last one comes the output.
func (w *Walk) Layers() int { return len(w.s.model.graph.layers) }

// Layer is the number of the next layer.
func (w *Walk) Layer() int { return w.layer }

// Look evaluates the next layer, or the output, over chunk number i and shows its products as Session.Observe does. The walk does not go on.
// The logits of the output are not computed.
func (w *Walk) Look(i int, f func(tensor string, expert, experts int, x []float32, cols int)) error {
	if err := w.embed(); err != nil {
		return err
	}
	if w.ahead == nil {
		w.ahead = make([][]float32, len(w.chunks))
	}
	if w.ahead[i] == nil && w.layer < w.Layers() {
		w.ahead[i] = make([]float32, len(w.streams[i]))
	}
	err := w.evaluate(i, f, w.ahead[i])
	if err != nil {
		w.ahead[i] = nil
	}
	return err
}

// Next evaluates the next layer over all chunks and goes on.
func (w *Walk) Next() error {
	if err := w.embed(); err != nil {
		return err
	}
	for i, x := range w.streams {
		if w.ahead != nil && w.ahead[i] != nil {
			w.streams[i] = w.ahead[i]
			continue
		}
		if err := w.evaluate(i, nil, x); err != nil {
			return err
		}
	}
	w.ahead = nil
	w.layer++
	return nil
}

// evaluate runs the next layer over chunk i; the stream behind it goes to dst, nil: nowhere.
func (w *Walk) evaluate(i int, f func(tensor string, expert, experts int, x []float32, cols int), dst []float32) error {
	s, g := w.s, w.s.model.graph
	s.observe = f
	defer func() { s.observe = nil }()
	return mmap.Guard(func() error {
		s.arena.reset()
		x := s.arena.floats(len(w.streams[i]))
		copy(x, w.streams[i])
		n := len(w.chunks[i])
		if w.layer == len(g.layers) {
			g.norm.apply(s, x, x)
			f(g.output.name, 0, 1, x, g.width)
			return nil
		}
		s.done = 0
		if st := s.states[w.layer]; st != nil {
			st.truncate(0)
		}
		s.run(g.layers[w.layer:w.layer+1], s.states[w.layer:w.layer+1], x, n)
		copy(dst, x)
		return nil
	})
}

// SetWeights replaces weights of the model; see Model.SetWeights.
func (w *Walk) SetWeights(tensor string, t gguf.Type, data []byte) error {
	w.ahead = nil
	return w.s.model.SetWeights(tensor, t, data)
}

// Restore undoes SetWeights; see Model.Restore.
func (w *Walk) Restore(tensor string) error { return w.s.model.Restore(tensor) }
