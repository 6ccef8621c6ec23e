package model

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// mamba is the selective state space of Mamba (Gu and Dao 2023): for each channel and each of its states s,
// h = exp(dt*a)*h + dt*x*B, and y = sum of h*C + d*x.
type mamba struct {
	inner, states         int
	x, z                  linear // width -> inner twice
	conv                  convolution
	low, b, c             linear // inner -> rank, states, states
	lowNorm, bNorm, cNorm norm
	dt                    linear      // rank -> inner
	a                     [][]float32 // of each state, an element for each channel; negative
	d                     []float32   // of each channel
	out                   linear      // inner -> width
}

// ssm are the hyperparameters of state spaces.
type ssm struct{ conv, inner, states, rank, groups int }

func (l *loader) ssm() ssm {
	return ssm{conv: l.count("ssm.conv_kernel"), inner: l.count("ssm.inner_size"), states: l.count("ssm.state_size"),
		rank: l.count("ssm.time_step_rank"), groups: l.countOr("ssm.group_count", 1)}
}

func (l *loader) mamba(p string, width int, h ssm) *mamba {
	m := &mamba{inner: h.inner, states: h.states, d: l.vector(p+"ssm_d", h.inner), conv: l.convolution(p+"ssm_conv1d", h.conv, h.inner, true)}
	in := l.fused(p+"ssm_in", width, h.inner, h.inner)
	m.x, m.z = in[0], in[1]
	parts := l.fused(p+"ssm_x", h.inner, h.rank, h.states, h.states)
	m.low, m.b, m.c = parts[0], parts[1], parts[2]
	m.dt, m.out = l.linear(p+"ssm_dt", h.rank, h.inner), l.linear(p+"ssm_out", h.inner, width)
	m.a = l.columns(p+"ssm_a", h.states, h.inner)
	return m
}

func (m *mamba) newState(int, gguf.Type) state { return newRecurrent(m.numbers()) }

func (m *mamba) stateBytes(int, gguf.Type) float64 { return recurrentBytes(m.numbers()) }

func (m *mamba) numbers() int { return m.conv.history() + m.states*m.inner }

func (m *mamba) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	in, z, u := s.arena.floats(n*m.inner), s.arena.floats(n*m.inner), s.arena.floats(n*m.inner)
	s.apply(x, n, output{in, &m.x}, output{z, &m.z})
	r := own.(*recurrent)
	tokens := r.begin()
	past, h := r.now[:m.conv.history()], r.now[m.conv.history():]
	m.conv.apply(s, u, in, past, n)
	low, b, c := s.arena.floats(n*m.low.w.Rows), s.arena.floats(n*m.states), s.arena.floats(n*m.states)
	s.apply(u, n, output{low, &m.low}, output{b, &m.b}, output{c, &m.c})
	m.lowNorm.inPlace(low)
	m.bNorm.inPlace(b)
	m.cNorm.inPlace(c)
	s.apply(low, n, output{in, &m.dt})
	s.scanning = scanning{m, in, u, z, b, c, h, n}
	s.pool.Do((m.inner+convolved-1)/convolved, &s.scanning)
	r.end(tokens + n)
	s.apply(u, n, output{dst, &m.out})
	s.arena.release(mark)
}

// scanning is the task of the state space: dt, u and z have rows of all channels, b and c of all states; u becomes the result, times
// SiLU of z.
type scanning struct {
	*mamba
	dt, u, z, b, c, h []float32
	n                 int
}

// Chunk implements kernel.Task.
func (t *scanning) Chunk(sc *kernel.Scratch, chunk int) {
	first, end := chunk*convolved, min(t.inner, (chunk+1)*convolved)
	channels := end - first
	decay, step := sc.Floats(channels), sc.Floats(channels)
	y := sc.Floats(channels)
	for i := range t.n {
		dt, u, z := t.dt[i*t.inner:][first:end], t.u[i*t.inner:][first:end], t.z[i*t.inner:][first:end]
		for j, v := range dt {
			dt[j] = kernel.Softplus(v)
			step[j] = float32(dt[j] * u[j])
		}
		clear(y)
		for s := range t.states {
			a, h := t.a[s][first:end], t.h[s*t.inner:][first:end]
			for j, v := range dt {
				decay[j] = float32(v * a[j])
			}
			kernel.Exp(decay)
			b, c := t.b[i*t.states+s], t.c[i*t.states+s]
			for j, f := range decay {
				h[j] = float32(f*h[j]) + float32(step[j]*b)
				y[j] += float32(h[j] * c)
			}
		}
		kernel.SiLU(z)
		for j, v := range y {
			u[j] = float32((v + float32(t.d[first+j]*u[j])) * z[j])
		}
	}
}

// buildMamba builds Mamba and Falcon Mamba, which also normalises dt, B and C.
func buildMamba(l *loader) *graph {
	h, space := l.recurrentParams(), l.ssm()
	plain := l.flag("ssm.dt_b_c_rms", false)
	g := &graph{}
	for i := range h.layers {
		p := layerName(i)
		m := l.mamba(p, h.width, space)
		if plain {
			const eps = 1e-6 // mixer_rms_eps, for which there is no key
			norm := func(n int) norm { return norm{weight: l.ones(n), eps: eps} }
			m.lowNorm, m.bNorm, m.cNorm = norm(space.rank), norm(space.states), norm(space.states)
		}
		g.layers = append(g.layers, &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: m})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// recurrentParams reads the hyperparameters of models without attention.
func (l *loader) recurrentParams() hparams {
	h := hparams{layers: l.layerCount(), context: l.count("context_length"), width: l.count("embedding_length")}
	for _, name := range []string{"feed_forward_length", "attention.head_count"} {
		if l.integerOr(name, 0) != 0 {
			l.fail("metadata %s: a model of this kind has none", l.key(name))
		}
	}
	return h
}
