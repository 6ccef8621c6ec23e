package model

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// mamba2 is the selective state space of Mamba-2 (Dao and Gu 2024): for each head, with a state of states x dim numbers,
// h = exp(dt*a)*h + B outer dt*x, and y = C times h + d*x. B and C are shared by the heads of a group.
type mamba2 struct {
	heads, dim, states, groups int
	z, xbc, dt                 linear // width -> inner, inner + 2 x groups x states, heads
	conv                       convolution
	dtBias, a, d               []float32 // of each head; a is negative
	norm                       norm      // of each group's part of the result; without weight there is none
	out                        linear    // inner -> width
}

func (l *loader) mamba2(p string, width int, h ssm) *mamba2 {
	if h.inner%h.rank != 0 || h.rank%h.groups != 0 {
		l.fail("metadata: %d channels, %d heads and %d groups of state spaces do not fit", h.inner, h.rank, h.groups)
		h = ssm{1, 1, 1, 1, 1}
	}
	m := &mamba2{heads: h.rank, dim: h.inner / h.rank, states: h.states, groups: h.groups}
	mixed := h.inner + 2*h.groups*h.states
	parts := l.fused(p+"ssm_in", width, h.inner, mixed, h.rank)
	m.z, m.xbc, m.dt = parts[0], parts[1], parts[2]
	m.conv = l.convolution(p+"ssm_conv1d", h.conv, mixed, true)
	m.dtBias, m.a, m.d = l.vector(p+"ssm_dt.bias", h.rank), l.table(p+"ssm_a", 1, h.rank), l.table(p+"ssm_d", 1, h.rank)
	if l.has(p + "ssm_norm.weight") {
		m.norm = norm{dim: h.inner / h.groups, eps: l.anyEpsilon()}
		m.norm.weight = l.table(p+"ssm_norm.weight", m.norm.dim, h.groups)
	}
	m.out = l.linear(p+"ssm_out", h.inner, width)
	return m
}

func (m *mamba2) newState(int, gguf.Type) state { return newRecurrent(m.numbers()) }

func (m *mamba2) stateBytes(int, gguf.Type) float64 { return recurrentBytes(m.numbers()) }

func (m *mamba2) numbers() int { return m.conv.history() + m.heads*m.states*m.dim }

func (m *mamba2) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	inner, mixed := m.heads*m.dim, m.conv.channels
	z, in, xbc := s.arena.floats(n*inner), s.arena.floats(n*mixed), s.arena.floats(n*mixed)
	dt, y := s.arena.floats(n*m.heads), s.arena.floats(n*inner)
	s.apply(x, n, output{z, &m.z}, output{in, &m.xbc}, output{dt, &m.dt})
	r := own.(*recurrent)
	tokens := r.begin()
	m.conv.apply(s, xbc, in, r.now[:m.conv.history()], n)
	s.scanning2 = scanning2{m, dt, xbc, y, r.now[m.conv.history():], n}
	s.pool.Do(m.heads, &s.scanning2)
	r.end(tokens + n)
	s.gating = gatingRows{norm: m.norm, x: y, gate: z, row: inner, n: n}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.gating)
	s.apply(y, n, output{dst, &m.out})
	s.arena.release(mark)
}

// scanning2 is the task of the state space, a head a chunk: dt has rows of all heads, xbc of x, B and C.
type scanning2 struct {
	*mamba2
	dt, xbc, y, h []float32
	n             int
}

// Chunk implements kernel.Task.
func (t *scanning2) Chunk(sc *kernel.Scratch, head int) {
	inner, group := t.heads*t.dim, head/(t.heads/t.groups)
	step, states := sc.Floats(t.dim), t.h[head*t.states*t.dim:][:t.states*t.dim]
	for i := range t.n {
		row := t.xbc[i*t.conv.channels:][:t.conv.channels]
		x, y := row[head*t.dim:][:t.dim], t.y[i*inner+head*t.dim:][:t.dim]
		b, c := row[inner+group*t.states:][:t.states], row[inner+(t.groups+group)*t.states:][:t.states]
		dt := kernel.Softplus(t.dt[i*t.heads+head] + t.dtBias[head])
		copy(step, x)
		kernel.Scale(step, dt)
		kernel.Scale(states, kernel.ExpOf(float32(dt*t.a[head])))
		clear(y)
		for s := range t.states {
			h := states[s*t.dim:][:t.dim]
			kernel.AddScaled(h, step, b[s])
			kernel.AddScaled(y, h, c[s])
		}
		kernel.AddScaled(y, x, t.d[head])
	}
}

// gatingRows is the task that multiplies n rows with SiLU of their gates and normalises them, or the other way round.
type gatingRows struct {
	norm      norm
	normFirst bool
	x, gate   []float32
	row, n    int
}

// Chunk implements kernel.Task.
func (t *gatingRows) Chunk(_ *kernel.Scratch, chunk int) {
	for i := chunk * rowsPerTask; i < min(t.n, (chunk+1)*rowsPerTask); i++ {
		x, gate := t.x[i*t.row:][:t.row], t.gate[i*t.row:][:t.row]
		if t.normFirst {
			t.norm.inPlace(x)
		}
		kernel.SiLU(gate)
		for j, g := range gate {
			x[j] *= g
		}
		if !t.normFirst {
			t.norm.inPlace(x)
		}
	}
}

// buildMamba2 builds Mamba-2.
func buildMamba2(l *loader) *graph {
	h, space := l.recurrentParams(), l.ssm()
	g := &graph{}
	for i := range h.layers {
		p := layerName(i)
		g.layers = append(g.layers, &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: l.mamba2(p, h.width, space)})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}
