package model

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Outputs says what Evaluate gives of the tokens from number From of its input on: one row of each kind a token, row-major.
type Outputs struct {
	From   int
	Logits []float32 // rows of Vocab; nil: none
	Hidden []float32 // rows of Width: the activations behind the last norm; nil: none
	Pooled []float32 // Width: those rows as one, as Model.Pooling says; nil: none
}

// Forward appends ids to the sequence and fills logits with the rows of ids[from:], (len(ids)-from) x
// Vocab row-major; from == len(ids) computes none. After an error the sequence is as before the call.
func (s *Session) Forward(ids []int32, from int, logits []float32) error {
	if logits == nil {
		logits = []float32{}
	}
	return s.Evaluate(ids, Outputs{From: from, Logits: logits})
}

// Evaluate appends ids to the sequence and fills out. After an error the sequence is as before the call.
func (s *Session) Evaluate(ids []int32, out Outputs) error {
	if err := s.checkInput(ids, out); err != nil {
		return err
	}
	before := len(s.ids)
	err := mmap.Guard(func() error { s.append(ids, out); return nil })
	if err != nil {
		s.ids = s.ids[:before]
		s.rewind(min(before, s.done))
	}
	return err
}

func (s *Session) checkInput(ids []int32, out Outputs) error {
	if out.Logits != nil && len(ids) > out.From && s.model.graph.output.w == nil {
		return fmt.Errorf("%w: this model predicts no tokens; its results are activations", gguf.ErrUnsupported)
	}
	vocab, rows := s.model.Vocab(), len(ids)-out.From
	if out.From < 0 || rows < 0 {
		return fmt.Errorf("cannot return logits from token %d of %d tokens", out.From, len(ids))
	}
	if out.Logits != nil && len(out.Logits) < rows*vocab {
		return fmt.Errorf("there is room for %d logits, but %d rows of %d need %d", len(out.Logits), rows, vocab, rows*vocab)
	}
	if width := s.model.Width(); out.Hidden != nil && len(out.Hidden) < rows*width {
		return fmt.Errorf("there is room for %d activations, but %d rows of %d need %d", len(out.Hidden), rows, width, rows*width)
	}
	if out.Pooled != nil {
		if kind := s.model.Pooling(); kind == "none" || kind == "rank" {
			return fmt.Errorf("%w: the model's pooling is %s", gguf.ErrUnsupported, kind)
		}
		if width := s.model.Width(); len(out.Pooled) < width || rows == 0 {
			return fmt.Errorf("%d activations of %d rows cannot be pooled into %d", width, rows, len(out.Pooled))
		}
	}
	if len(s.ids)+len(ids) > s.max {
		return fmt.Errorf("%w: %d tokens after %d do not fit the session, which has %d", gguf.ErrInput, len(ids), len(s.ids), s.max)
	}
	if s.model.graph.source != nil && s.sourceLen == 0 {
		return fmt.Errorf("%w: the model has an encoder, which was given no input (Encode)", gguf.ErrInput)
	}
	return s.checkIDs(ids)
}

func (s *Session) checkIDs(ids []int32) error {
	for i, id := range ids {
		if vocab := s.model.Vocab(); id < 0 || int(id) >= vocab {
			return fmt.Errorf("%w: token %d of the input is %d, but the model has only %d tokens", gguf.ErrInput, i, id, vocab)
		}
	}
	return nil
}

// append evaluates the tokens of before that the states lack, then ids. Tokens of encoders are evaluated all together, and those of
// before again.
func (s *Session) append(ids []int32, out Outputs) {
	before := len(s.ids)
	s.ids = append(s.ids, ids...)
	from := before + out.From
	if s.model.graph.encoder {
		s.done = 0
		if x := s.evaluate(len(s.ids)); from < len(s.ids) {
			s.output(out, 0, x[from*len(x)/len(s.ids):], len(s.ids)-from)
		}
		return
	}
	observe := s.observe
	defer func() { s.observe = observe }()
	for s.observe = nil; s.done < before; {
		s.evaluate(min(batch, before-s.done))
	}
	s.observe = observe
	for s.done < len(s.ids) {
		first, n := s.done, min(batch, len(s.ids)-s.done)
		x := s.evaluate(n)
		if skip := max(0, from-first); skip < n {
			s.output(out, first+skip-from, x[skip*len(x)/n:], n-skip)
		}
	}
	if len(ids) >= savedAfter {
		s.save()
	}
}

func (s *Session) save() {
	for _, st := range s.states {
		if st != nil {
			st.save()
		}
	}
}

// evaluate runs the layers over the next n tokens and returns their final activations, n rows, valid until the next call.
func (s *Session) evaluate(n int) []float32 {
	s.arena.reset()
	g, ids := s.model.graph, s.ids[s.done:s.done+n]
	x := s.arena.floats(n * g.width)
	g.embed(s, x, ids)
	if g.perLayer != nil {
		s.perLayer = g.perLayer.inputs(s, x, ids)
	}
	first := x // stream
	if g.altup != nil {
		x = s.arena.floats(g.altup.streams * len(x))
		g.altup.enter(s, x, first, n)
	}
	s.run(g.layers, s.states, x, n)
	if g.altup != nil {
		g.altup.leave(s, first, x, n)
	}
	s.done += n
	return first
}

// run evaluates layers, whose states are states, over x, n rows of the stream.
func (s *Session) run(layers []layer, states []state, x []float32, n int) {
	mark := s.arena.mark()
	left := s.arena.floats(len(x))
	clear(left)
	for i, l := range layers {
		l.forward(s, x, left, n, states[i])
	}
	s.pool.Add(x, left)
	s.arena.release(mark)
}

// output computes n rows of the outputs, from row first on, from the final activations.
func (s *Session) output(out Outputs, first int, x []float32, n int) {
	g := s.model.graph
	width, vocab := g.width, s.model.Vocab()
	h := s.arena.floats(len(x))
	g.norm.apply(s, h, x)
	if out.Hidden != nil {
		copy(out.Hidden[first*width:], h)
	}
	if out.Pooled != nil {
		s.sums = slices.Grow(s.sums[:0], width)[:width]
		Pool(s.model.Pooling(), out.Pooled[:width], s.sums, h, first)
	}
	if out.Logits != nil {
		logits := out.Logits[first*vocab:][:n*vocab]
		s.apply(h, n, output{logits, &g.output})
		g.limit(s, logits)
	}
}

// Pool makes dst the vector of a text from the activations of its tokens: rows of len(dst), at least one, of which the first is that of
// token first; those before were given by the calls before. kind is mean, cls or last (Model.Pooling). Means are summed up in float64,
// from the first token on, in sums, as many as dst has elements, which must stay as they are between the calls of a text.
func Pool(kind string, dst []float32, sums []float64, rows []float32, first int) {
	width := len(dst)
	switch kind {
	case "cls":
		if first == 0 {
			copy(dst, rows)
		}
	case "last":
		copy(dst, rows[len(rows)-width:])
	case "mean":
		if first == 0 {
			clear(sums)
		}
		for row := range slices.Chunk(rows, width) {
			for i, v := range row {
				sums[i] += float64(v)
			}
		}
		n := float64(first + len(rows)/width)
		for i, sum := range sums {
			dst[i] = float32(sum / n)
		}
	}
}
