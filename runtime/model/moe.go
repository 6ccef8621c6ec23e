package model

import (
	"slices"

	"github.com/carat-llm/carat/runtime/kernel"
)

// moe is a feed-forward part of many experts (mixture of experts). The router gives each token a
// probability for every expert; the used ones with the highest compute it, and their results are added,
// weighted by the probabilities.
type moe struct {
	router     linear // width -> one logit for each expert
	experts    []ffn
	used       int    // experts of a token
	normalise  bool   // scale the weights of a token's experts to a sum of 1
	shared     *ffn   // computes every token too; nil: there is none
	sharedGate linear // width -> one logit; its sigmoid is the shared expert's weight
}

// moe loads ffn_gate_inp and the stacked ffn_gate_exps, ffn_up_exps and ffn_down_exps.
func (l *loader) moe(p string, h hparams) *moe {
	m := &moe{used: h.usedExperts, normalise: h.normalised}
	m.router = l.linear(p+"ffn_gate_inp", h.width, h.experts)
	gate := l.stacked(p+"ffn_gate_exps", h.width, h.expertHidden, h.experts)
	up := l.stacked(p+"ffn_up_exps", h.width, h.expertHidden, h.experts)
	down := l.stacked(p+"ffn_down_exps", h.expertHidden, h.width, h.experts)
	for e := range down { // down is the last: when it was loaded, all were
		m.experts = append(m.experts, ffn{gate: gate[e], up: up[e], down: down[e], act: silu})
	}
	return m
}

// stacked loads name.weight (cols x rows x experts): one matrix for each expert, which share its data. nil
// after an error.
func (l *loader) stacked(name string, cols, rows, experts int) []linear {
	w := l.matrix(name+".weight", cols, rows, experts)
	if w == nil {
		return nil
	}
	ms := make([]linear, experts)
	for e := range ms {
		ms[e] = l.product(linear{name: name + ".weight", w: w.RowRange(e*rows, rows), expert: e, experts: experts}, e*rows)
	}
	return ms
}

// sharedExpert adds the expert that every token uses, with its gate.
func (l *loader) sharedExpert(m *moe, p string, h hparams) {
	h.hidden = l.countOr("expert_shared_feed_forward_length", h.hidden)
	m.shared = &ffn{
		gate: l.linear(p+"ffn_gate_shexp", h.width, h.hidden), up: l.linear(p+"ffn_up_shexp", h.width, h.hidden),
		down: l.linear(p+"ffn_down_shexp", h.hidden, h.width), act: silu,
	}
	m.sharedGate = l.linear(p+"ffn_gate_inp_shexp", h.width, 1)
}

// assignment is a token that an expert computes.
type assignment struct {
	token  int
	weight float32
}

// apply computes the n rows of x into dst. Each expert multiplies the rows of its tokens as one batch. The
// results of a token are added in the order of its experts' numbers, so its sum does not depend on the
// other tokens.
func (m *moe) apply(s *Session, dst, x []float32, n int) {
	width := len(x) / n
	tokens := m.assign(s, x, n)
	clear(dst)
	for e := range m.experts {
		k := len(tokens[e])
		if k == 0 {
			continue
		}
		mark := s.arena.mark()
		rows, out := s.arena.floats(k*width), s.arena.floats(k*width)
		for i, t := range tokens[e] {
			copy(rows[i*width:(i+1)*width], x[t.token*width:])
		}
		m.experts[e].apply(s, out, rows, k)
		s.addWeighted(dst, out, tokens[e])
		s.arena.release(mark)
	}
	if m.shared != nil {
		m.addShared(s, dst, x, n)
	}
}

// routing is memory for the tokens that experts compute.
type routing struct {
	tokens [][]assignment // of each expert
	chosen []int          // experts of a token
	all    []assignment   // every token
}

// assign routes the tokens: for each expert those that use it, in order. They are valid until the next call.
func (m *moe) assign(s *Session, x []float32, n int) [][]assignment {
	experts, mark := len(m.experts), s.arena.mark()
	logits := s.arena.floats(n * experts)
	s.apply(x, n, output{logits, &m.router})
	r := &s.routing
	r.tokens, r.chosen = slices.Grow(r.tokens[:0], experts)[:experts], slices.Grow(r.chosen[:0], m.used)[:m.used]
	for e := range r.tokens {
		r.tokens[e] = r.tokens[e][:0]
	}
	for i := range n {
		p := logits[i*experts : (i+1)*experts]
		kernel.Softmax(p)
		kernel.Top(r.chosen, p)
		scale := float32(1)
		if m.normalise {
			var sum float32
			for _, e := range r.chosen {
				sum += p[e]
			}
			scale = 1 / sum
		}
		for _, e := range r.chosen {
			r.tokens[e] = append(r.tokens[e], assignment{i, p[e] * scale})
		}
	}
	s.arena.release(mark)
	return r.tokens
}

// addShared adds the shared expert's result, weighted by the sigmoid of its gate's logit.
func (m *moe) addShared(s *Session, dst, x []float32, n int) {
	mark := s.arena.mark()
	gates, out := s.arena.floats(n), s.arena.floats(len(x))
	s.apply(x, n, output{gates, &m.sharedGate})
	m.shared.apply(s, out, x, n)
	all := s.routing.all[:0]
	for i := range n {
		all = append(all, assignment{i, kernel.Sigmoid(gates[i])})
	}
	s.routing.all = all
	s.addWeighted(dst, out, all)
	s.arena.release(mark)
}

// addWeighted adds row i of out, times the weight, to the row of dst of the i-th token.
func (s *Session) addWeighted(dst, out []float32, tokens []assignment) {
	s.adding = adding{dst, out, tokens, len(out) / len(tokens)}
	s.pool.Do((len(tokens)+addRows-1)/addRows, &s.adding)
}

// adding is the task of addWeighted.
type adding struct {
	dst, out []float32
	tokens   []assignment
	width    int
}

// addRows is the number of rows of a chunk.
const addRows = 8

// Chunk implements kernel.Task.
func (a *adding) Chunk(_ *kernel.Scratch, chunk int) {
	for i := chunk * addRows; i < min(len(a.tokens), (chunk+1)*addRows); i++ {
		t := a.tokens[i]
		kernel.AddScaled(a.dst[t.token*a.width:(t.token+1)*a.width], a.out[i*a.width:(i+1)*a.width], t.weight)
	}
}
