package model

import (
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// deltaNet is linear attention with the gated delta rule (Yang et al. 2024): each head has a matrix that answers keys with values. It
// forgets by a factor, then the answer to the new key moves toward the new value by beta.
type deltaNet struct {
	keyHeads, heads int // of queries and keys, and of values
	dim, valueDim   int
	tiled           bool   // value head i has key head i mod keyHeads; otherwise neighbours share one
	qkv             linear // width -> keyHeads x dim twice, heads x valueDim
	z               linear // width -> heads x valueDim: SiLU of it multiplies the result
	beta, alpha     linear // width -> heads; or, as both:
	both            linear // width -> for each key head beta of its value heads, then alpha
	conv            convolution
	a, dtBias       []float32 // of each head; a is negative
	norm            norm      // of a head's result
	unit, scaled    norm      // of keys, and of queries
	out             linear    // heads x valueDim -> width
}

// unitEpsilon is added to the squared length of queries and keys.
const unitEpsilon = 1e-6

func (l *loader) deltaNet(p string, width int, h ssm, tiled bool) *deltaNet {
	if h.inner%h.rank != 0 || h.rank%h.groups != 0 {
		l.fail("metadata: %d channels, %d heads and %d groups of linear attention do not fit", h.inner, h.rank, h.groups)
		h = ssm{1, 1, 1, 1, 1}
	}
	m := &deltaNet{keyHeads: h.groups, heads: h.rank, dim: h.states, valueDim: h.inner / h.rank, tiled: tiled}
	mixed := 2*m.keyHeads*m.dim + h.inner
	m.qkv, m.z = l.linear(p+"attn_qkv", width, mixed), l.linear(p+"attn_gate", width, h.inner)
	if l.has(p + "ssm_ba.weight") {
		m.both = l.linear(p+"ssm_ba", width, 2*m.heads)
	} else {
		m.beta, m.alpha = l.linear(p+"ssm_beta", width, m.heads), l.linear(p+"ssm_alpha", width, m.heads)
	}
	m.conv = l.convolution(p+"ssm_conv1d", h.conv, mixed, true)
	m.a, m.dtBias = l.vector(p+"ssm_a", m.heads), l.vector(p+"ssm_dt.bias", m.heads)
	m.norm = l.rmsNorm(p+"ssm_norm", m.valueDim)
	m.out = l.linear(p+"ssm_out", h.inner, width)
	// x / sqrt(sum x^2 + eps) is RMSNorm with eps/dim and weights 1/sqrt(dim).
	root := 1 / math.Sqrt(float64(m.dim))
	m.unit = norm{weight: l.ones(m.dim), eps: unitEpsilon / float32(m.dim)}
	m.scaled = norm{weight: l.ones(m.dim), eps: unitEpsilon / float32(m.dim)}
	kernel.Scale(m.unit.weight, float32(root))
	kernel.Scale(m.scaled.weight, float32(root*root))
	return m
}

func (m *deltaNet) newState(int, gguf.Type) state { return newRecurrent(m.numbers()) }

func (m *deltaNet) stateBytes(int, gguf.Type) float64 { return recurrentBytes(m.numbers()) }

func (m *deltaNet) numbers() int { return m.conv.history() + m.heads*m.dim*m.valueDim }

func (m *deltaNet) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	mixed, inner := m.conv.channels, m.heads*m.valueDim
	in, qkv := s.arena.floats(n*mixed), s.arena.floats(n*mixed)
	z, y := s.arena.floats(n*inner), s.arena.floats(n*inner)
	beta, alpha := s.arena.floats(n*m.heads), s.arena.floats(n*m.heads)
	if m.both.w != nil {
		both := s.arena.floats(2 * n * m.heads)
		s.apply(x, n, output{in, &m.qkv}, output{z, &m.z}, output{both, &m.both})
		m.part(beta, alpha, both)
	} else {
		s.apply(x, n, output{in, &m.qkv}, output{z, &m.z}, output{beta, &m.beta}, output{alpha, &m.alpha})
	}
	r := own.(*recurrent)
	tokens := r.begin()
	m.conv.apply(s, qkv, in, r.now[:m.conv.history()], n)
	s.recalling = recalling{m, qkv, beta, alpha, y, r.now[m.conv.history():], n}
	s.pool.Do(m.heads, &s.recalling)
	r.end(tokens + n)
	s.gating = gatingRows{norm: m.norm, normFirst: true, x: y, gate: z, row: inner, n: n}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.gating)
	s.apply(y, n, output{dst, &m.out})
	s.arena.release(mark)
}

// part takes beta and alpha from what both have together.
func (m *deltaNet) part(beta, alpha, both []float32) {
	each := m.heads / m.keyHeads
	for i := 0; i < len(beta); i += each {
		copy(beta[i:i+each], both[2*i:])
		copy(alpha[i:i+each], both[2*i+each:])
	}
}

// recalling is the task of the delta rule, a value head a chunk: qkv has rows of all queries, keys and values, beta and alpha of all heads.
type recalling struct {
	*deltaNet
	qkv, beta, alpha, y, memory []float32
	n                           int
}

// Chunk implements kernel.Task.
func (t *recalling) Chunk(sc *kernel.Scratch, head int) {
	keyHead := head / (t.heads / t.keyHeads)
	if t.tiled {
		keyHead = head % t.keyHeads
	}
	q, k, change := sc.Floats(t.dim), sc.Floats(t.dim), sc.Floats(t.valueDim)
	memory := t.memory[head*t.dim*t.valueDim:][:t.dim*t.valueDim]
	for i := range t.n {
		row := t.qkv[i*t.conv.channels:][:t.conv.channels]
		copy(q, row[keyHead*t.dim:])
		copy(k, row[(t.keyHeads+keyHead)*t.dim:])
		t.scaled.inPlace(q)
		t.unit.inPlace(k)
		v, y := row[2*t.keyHeads*t.dim+head*t.valueDim:][:t.valueDim], t.y[(i*t.heads+head)*t.valueDim:][:t.valueDim]
		at := i*t.heads + head
		kernel.Scale(memory, kernel.ExpOf(float32(kernel.Softplus(t.alpha[at]+t.dtBias[head])*t.a[head])))
		copy(change, v)
		for j, f := range k {
			kernel.AddScaled(change, memory[j*t.valueDim:][:t.valueDim], -f)
		}
		kernel.Scale(change, kernel.Sigmoid(t.beta[at]))
		clear(y)
		for j, f := range k {
			answer := memory[j*t.valueDim:][:t.valueDim]
			kernel.AddScaled(answer, change, f)
			kernel.AddScaled(y, answer, q[j])
		}
	}
}
