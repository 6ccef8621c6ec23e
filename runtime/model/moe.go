package model

import (
	"slices"

	"github.com/carat-llm/carat/runtime/kernel"
)

// moe is a feed-forward part of many experts (mixture of experts). The router gives each token a weight for every expert;
// the used ones with the highest compute it, and their results are added, weighted.
type moe struct {
	routing
	router     linear    // width -> one logit for each expert
	choice     []float32 // for each expert, added to the weights when experts are chosen, not when results are added; nil: none
	experts    []ffn
	used       int       // experts of a token
	factors    []float32 // of each expert's weights; nil: 1
	shared     *ffn      // computes every token too; nil: there is none
	sharedGate linear    // width -> one logit; its sigmoid is the shared expert's weight, which is 1 without the matrix
}

// moe loads ffn_gate_inp, exp_probs_b if there is one, and the stacked ffn_gate_exps, ffn_up_exps and ffn_down_exps.
func (l *loader) moe(p string, h hparams) *moe {
	m := &moe{routing: h.routing, used: h.usedExperts, choice: l.vectorIf(p+"exp_probs_b.bias", h.experts)}
	m.router = l.linear(p+"ffn_gate_inp", h.width, h.experts)
	gate, up := l.gatesAndUps(p, h)
	down := l.stacked(p+"ffn_down_exps", h.expertHidden, h.width, h.experts)
	for e := range down { // down is the last: when it was loaded, all were
		m.experts = append(m.experts, ffn{gate: gate[e], up: up[e], down: down[e], act: silu})
	}
	return m
}

// ungatedExperts loads experts without gates: ffn_gate_inp and the stacked ffn_up_exps and ffn_down_exps.
func (l *loader) ungatedExperts(p string, h hparams, act activation) *moe {
	m := &moe{routing: h.routing, used: h.usedExperts, router: l.linear(p+"ffn_gate_inp", h.width, h.experts)}
	up := l.stacked(p+"ffn_up_exps", h.width, h.expertHidden, h.experts)
	down := l.stacked(p+"ffn_down_exps", h.expertHidden, h.width, h.experts)
	for e := range down {
		m.experts = append(m.experts, ffn{up: up[e], down: down[e], act: act})
	}
	return m
}

// gatesAndUps loads the stacked ffn_gate_exps and ffn_up_exps, or ffn_gate_up_exps, where each expert has both one after the other.
func (l *loader) gatesAndUps(p string, h hparams) (gate, up []linear) {
	name := p + "ffn_gate_up_exps"
	if !l.has(name + ".weight") {
		return l.stacked(p+"ffn_gate_exps", h.width, h.expertHidden, h.experts), l.stacked(p+"ffn_up_exps", h.width, h.expertHidden, h.experts)
	}
	w := l.matrix(name+".weight", h.width, 2*h.expertHidden, h.experts)
	scales := l.scales(name, h.experts)
	if w == nil {
		return nil, nil
	}
	for e := range h.experts {
		for i, part := range []*[]linear{&gate, &up} {
			first := (2*e + i) * h.expertHidden
			m := linear{name: name + ".weight", w: w.RowRange(first, h.expertHidden), expert: e, experts: h.experts}
			if scales != nil {
				m.scale = scales[e : e+1]
			}
			*part = append(*part, l.product(m, first))
		}
	}
	return gate, up
}

// stacked loads name.weight (cols x rows x experts), and name.bias (rows x experts) and name.scale (experts) when there are
// any: one matrix for each expert, which share the data. nil after an error.
func (l *loader) stacked(name string, cols, rows, experts int) []linear {
	w := l.matrix(name+".weight", cols, rows, experts)
	scales := l.scales(name, experts)
	var biases []float32
	if l.has(name + ".bias") {
		biases = l.table(name+".bias", rows, experts)
	}
	if w == nil {
		return nil
	}
	ms := make([]linear, experts)
	for e := range ms {
		ms[e] = l.product(linear{name: name + ".weight", w: w.RowRange(e*rows, rows), expert: e, experts: experts}, e*rows)
		if scales != nil {
			ms[e].scale = scales[e : e+1]
		}
		if biases != nil {
			ms[e].bias = biases[e*rows : (e+1)*rows]
		}
	}
	return ms
}

// sharedExpert adds the expert that every token uses, with its gate if it has one.
func (l *loader) sharedExpert(m *moe, p string, h hparams, gated bool) {
	h.hidden = h.sharedHidden
	m.shared = &ffn{
		gate: l.linear(p+"ffn_gate_shexp", h.width, h.hidden), up: l.linear(p+"ffn_up_shexp", h.width, h.hidden),
		down: l.linear(p+"ffn_down_shexp", h.hidden, h.width), act: silu,
	}
	if gated {
		m.sharedGate = l.linear(p+"ffn_gate_inp_shexp", h.width, 1)
	}
}

// apply computes the n rows of x into dst. Each expert multiplies the rows of its tokens as one batch. The
// results of a token are added in the order of its experts' numbers, so its sum does not depend on the
// other tokens.
func (m *moe) apply(s *Session, dst, x []float32, n int) { m.applyRouted(s, dst, x, x, n) }

// applyRouted is apply with other rows for the router.
func (m *moe) applyRouted(s *Session, dst, x, routed []float32, n int) {
	width := len(x) / n
	tokens := m.assign(s, routed, n)
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
			if m.weighInput {
				kernel.Scale(rows[i*width:(i+1)*width], t.weight)
				tokens[e][i].weight = 1
			}
		}
		m.experts[e].apply(s, out, rows, k)
		s.addWeighted(dst, out, tokens[e])
		s.arena.release(mark)
	}
	if m.shared != nil {
		m.addShared(s, dst, x, n)
	}
}

// addShared adds the shared expert's result, weighted by the sigmoid of its gate's logit.
func (m *moe) addShared(s *Session, dst, x []float32, n int) {
	mark := s.arena.mark()
	gates, out := s.arena.floats(n), s.arena.floats(len(x))
	if m.sharedGate.w == nil {
		m.shared.apply(s, out, x, n)
		s.pool.Add(dst, out)
		s.arena.release(mark)
		return
	}
	s.apply(x, n, output{gates, &m.sharedGate})
	m.shared.apply(s, out, x, n)
	all := s.assigned.all[:0]
	for i := range n {
		all = append(all, assignment{i, kernel.Sigmoid(gates[i])})
	}
	s.assigned.all = all
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

// assigned is memory for the tokens that experts compute.
type assigned struct {
	tokens [][]assignment // of each expert
	chosen []int          // experts of a token
	all    []assignment   // every token
}

// assignment is a token that an expert computes.
type assignment struct {
	token  int
	weight float32
}

// assign routes the tokens: for each expert those that use it, in order. They are valid until the next call.
func (m *moe) assign(s *Session, x []float32, n int) [][]assignment {
	experts, mark := len(m.experts), s.arena.mark()
	logits, scores := s.arena.floats(n*experts), s.arena.floats(experts)
	s.apply(x, n, output{logits, &m.router})
	r := &s.assigned
	r.tokens, r.chosen = slices.Grow(r.tokens[:0], experts)[:experts], slices.Grow(r.chosen[:0], m.used)[:m.used]
	for e := range r.tokens {
		r.tokens[e] = r.tokens[e][:0]
	}
	for i := range n {
		p := logits[i*experts : (i+1)*experts]
		m.choose(r.chosen, p, scores, m.choice)
		for _, e := range r.chosen {
			weight := p[e]
			if m.factors != nil {
				weight *= m.factors[e]
			}
			r.tokens[e] = append(r.tokens[e], assignment{i, weight})
		}
	}
	s.arena.release(mark)
	return r.tokens
}
