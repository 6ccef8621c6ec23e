package model

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Tape holds the residual streams of some sequences before every layer, so that a change of a layer's weights (SetWeights) can be
// seen in the logits without evaluating what comes before it. It needs 4 bytes x width x tokens x layers.
type Tape struct {
	w       *Walk
	streams [][][]float32 // before each layer and the output, by sequence
}

// Record evaluates chunks and keeps their streams. See NewWalk for what it takes.
func (m *Model) Record(chunks [][]int32) (*Tape, error) {
	w, err := m.NewWalk(chunks)
	if err != nil {
		return nil, err
	}
	if m.graph.output.w == nil {
		return nil, fmt.Errorf("%w: this model predicts no tokens", gguf.ErrUnsupported)
	}
	t := &Tape{w: w}
	for {
		if err := w.embed(); err != nil {
			return nil, err
		}
		var before [][]float32
		for _, x := range w.streams {
			before = append(before, append([]float32(nil), x...))
		}
		t.streams = append(t.streams, before)
		if w.layer == w.Layers() {
			return t, nil
		}
		if err := w.Next(); err != nil {
			return nil, err
		}
	}
}

// Layers is the number of layers; from the one of that number on there is the output alone.
func (t *Tape) Layers() int { return t.w.Layers() }

// Logits evaluates layers from number layer on over chunk i and fills dst, a row of Vocab for each of its tokens. Layer -1 is the
// embeddings.
func (t *Tape) Logits(layer, i int, dst []float32) error {
	s, g := t.w.s, t.w.s.model.graph
	n := len(t.w.chunks[i])
	return mmap.Guard(func() error {
		s.arena.reset()
		s.done = 0
		x := s.arena.floats(n * g.width)
		if layer < 0 {
			g.embed(s, x, t.w.chunks[i])
			layer = 0
		} else {
			copy(x, t.streams[layer][i])
		}
		for _, st := range s.states[layer:] {
			if st != nil {
				st.truncate(0)
			}
		}
		s.run(g.layers[layer:], s.states[layer:], x, n)
		s.output(Outputs{Logits: dst}, 0, x, n)
		return nil
	})
}

// SetWeights replaces weights of the model; see Model.SetWeights.
func (t *Tape) SetWeights(tensor string, typ gguf.Type, data []byte) error {
	return t.w.s.model.SetWeights(tensor, typ, data)
}

// Restore undoes SetWeights; see Model.Restore.
func (t *Tape) Restore(tensor string) error { return t.w.s.model.Restore(tensor) }
