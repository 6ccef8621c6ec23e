package model

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/runtime/kernel"
)

// Batch evaluates tokens of several sessions together: weights, which are most of what a token costs, are read once for all of them. Its
// memory is that of intermediate results. It serves one caller at a time, and so does each session in it.
type Batch struct {
	s      *Session // computes; its states are those of the sessions
	steps  []Step   // one for each session
	rows   []int    // whose logits are wanted
	logits []float32
}

// Step is what one session of a batch is to evaluate; see Session.Forward.
type Step struct {
	Session *Session
	IDs     []int32
	From    int       // of IDs: the first whose logits are wanted
	Logits  []float32 // len(IDs)-From rows of Vocab
}

// NewBatch returns a batch of the model's sessions.
func (m *Model) NewBatch() *Batch {
	s := &Session{model: m, pool: m.opts.Pool, states: make([]state, len(m.graph.layers))}
	s.multiplier.Compute = m.opts.Compute
	return &Batch{s: s}
}

// Forward does for each step what its session's Forward does, and gives the same logits to the bit. No session may be in two steps. After
// an error all sequences are as before the call.
//
// Recurrent layers, and others that are no attention, take the sessions one after the other; all else is computed together. Models with
// encoders evaluate one session after the other. So do long steps in fast computation where kernels for many tokens round otherwise than
// those for few (AMX): short steps are then put together as far as the kernels for few tokens go.
func (b *Batch) Forward(steps []Step) error {
	before := make([]int, len(steps))
	for i, st := range steps {
		if st.Session.model != b.s.model {
			return fmt.Errorf("a session of another model")
		}
		if slices.ContainsFunc(steps[:i], func(o Step) bool { return o.Session == st.Session }) {
			return fmt.Errorf("a session is in two steps of a batch")
		}
		if err := st.Session.checkInput(st.IDs, st.outputs()); err != nil {
			return err
		}
		before[i] = len(st.Session.ids)
	}
	err := mmap.Guard(func() error { b.forward(steps); return nil })
	if err != nil {
		for i, st := range steps {
			st.Session.ids = st.Session.ids[:before[i]]
			st.Session.rewind(min(before[i], st.Session.done))
		}
	}
	return err
}

func (st *Step) outputs() Outputs {
	logits := st.Logits
	if logits == nil {
		logits = []float32{}
	}
	return Outputs{From: st.From, Logits: logits}
}

// forward evaluates the steps in groups.
func (b *Batch) forward(steps []Step) {
	most := kernel.SameRows(b.s.model.opts.Compute)
	b.steps = b.steps[:0]
	total := 0
	for _, st := range steps {
		if len(st.IDs) > min(most, batch) || !b.joins(st.Session) {
			st.Session.append(st.IDs, st.outputs())
			continue
		}
		if total+len(st.IDs) > min(most, batch) {
			b.together()
			total = 0
		}
		b.steps = append(b.steps, st)
		total += len(st.IDs)
	}
	b.together()
}

// joins reports whether a session can be evaluated with others.
func (b *Batch) joins(s *Session) bool {
	g := b.s.model.graph
	return !g.encoder && g.source == nil && s.observe == nil
}

// together evaluates the steps that were put together.
func (b *Batch) together() {
	defer b.release()
	if len(b.steps) == 0 {
		return
	}
	s := b.s
	s.members, b.rows = s.members[:0], b.rows[:0]
	for _, st := range b.steps {
		own := st.Session
		own.append(nil, Outputs{Logits: []float32{}}) // what its states lack after Truncate
		for i := range st.IDs {
			if i >= st.From {
				b.rows = append(b.rows, len(s.ids)+i)
			}
		}
		s.ids = append(s.ids, st.IDs...)
		s.members = append(s.members, member{own, len(s.ids)})
	}
	for layer := range s.states {
		all, _ := s.states[layer].(states)
		all = all[:0]
		for _, st := range b.steps {
			all = append(all, st.Session.states[layer])
		}
		s.states[layer] = all
	}
	n := len(s.ids)
	if n == 0 {
		return
	}
	x := s.evaluate(n)
	for _, st := range b.steps {
		own := st.Session
		own.ids, own.done = append(own.ids, st.IDs...), own.done+len(st.IDs)
		if len(st.IDs) >= savedAfter {
			own.save()
		}
	}
	b.predict(x)
}

// predict computes the logits that are wanted from the final activations of all tokens, in one product.
func (b *Batch) predict(x []float32) {
	s, width, vocab := b.s, b.s.model.Width(), b.s.model.Vocab()
	if len(b.rows) == 0 {
		return
	}
	wanted := s.arena.floats(len(b.rows) * width)
	for i, row := range b.rows {
		copy(wanted[i*width:(i+1)*width], x[row*width:])
	}
	b.logits = slices.Grow(b.logits[:0], len(b.rows)*vocab)[:len(b.rows)*vocab]
	s.output(Outputs{Logits: b.logits}, 0, wanted, len(b.rows))
	rest := b.logits
	for _, st := range b.steps {
		rest = rest[copy(st.Logits[:(len(st.IDs)-st.From)*vocab], rest):]
	}
}

// release forgets the sessions.
func (b *Batch) release() {
	s := b.s
	s.ids, s.done = s.ids[:0], 0
	clear(s.members)
	s.members = nil
	for _, all := range s.states {
		if all, ok := all.(states); ok {
			clear(all)
		}
	}
	clear(b.steps)
	b.steps = b.steps[:0]
}

// Bytes is the memory that the batch holds beside that of its sessions.
func (b *Batch) Bytes() int64 {
	return b.s.multiplier.Bytes() + b.s.arena.Bytes() + 4*int64(cap(b.logits))
}
