package model

import (
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/runtime/kernel"
)

// buildGemma3n builds the text part of Gemma 3n: four residual streams (AltUp), of which each layer computes the first and predicts the
// others, a low-rank way around attention (LAuReL), an input of its own for each layer, and gates that are mostly zero in the first layers.
func buildGemma3n(l *loader) *graph {
	h := l.hparams()
	g := &graph{scale: float32(math.Sqrt(float64(h.width))), softcap: l.softcap("final_logit_softcapping"), perLayer: l.perLayerInputs(h)}
	if g.perLayer == nil {
		l.fail("metadata %s is missing", l.key("embedding_length_per_layer_input"))
		g.perLayer = &perLayerInputs{size: 1}
	}
	streams := l.count("altup.num_inputs")
	if active := l.integerOr("altup.active_idx", 0); active != 0 || streams < 2 || streams > 16 {
		l.fail("metadata: stream %d of %d is the one that layers compute; the runtime knows stream 0 of 2 to 16", active, streams)
		streams = 2
	}
	g.altup = &altup{streams: streams, width: h.width, spread: l.stacked("altup_proj", h.width, h.width, streams-1), merge: l.stacked("altup_unembd_proj", h.width, h.width, streams-1)}
	window, sliding := l.count("attention.sliding_window"), l.slidingLayers(h.layers, 5)
	global := l.rope(h, halves)
	const globalRope, localRope = 0, 1
	g.ropes = append(g.ropes, global, l.localRope(global))
	sources := sharedSources(sliding, l.sharedLayers(h.layers))
	sparsity := l.sparsities(h.layers)
	for i := range h.layers {
		h, p := h.layer(i), layerName(i)
		a := l.gemmaAttention(p, h, i, sources[i])
		if a.rope = globalRope; sliding[i] {
			a.rope, a.window = localRope, window
		}
		rank := l.rows(p + "laurel_l.weight")
		g.layers = append(g.layers, &gemma3nLayer{
			streams: streams, width: h.width, attn: a, sparsity: sparsity[i], input: l.perLayerGate(p, i, h, g.perLayer.size),
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), postAttn: l.rmsNorm(p+"post_attention_norm", h.width),
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), postFFN: l.rmsNorm(p+"post_ffw_norm", h.width), ffn: l.gatedFFN(p, h, gelu),
			down: l.linear(p+"laurel_l", h.width, rank), up: l.linear(p+"laurel_r", rank, h.width), laurelNorm: l.rmsNorm(p+"laurel_post_norm", h.width),
			router: l.linear(p+"altup_router", h.width, streams), routerNorm: l.rmsNorm(p+"altup_router_norm", h.width),
			predict: l.linear(p+"altup_predict_coef", streams, streams*streams), correct: l.linear(p+"altup_correct_coef", streams, streams),
			correctScale: l.vector(p+"altup_correct_scale.weight", h.width),
		})
	}
	return g.finish(l, h, l.rmsNorm("output_norm", h.width))
}

// sparsities reads activation_sparsity_scale: how many standard deviations above the mean gates must be in each layer, -Inf for any.
func (l *loader) sparsities(layers int) []float32 {
	const name = "activation_sparsity_scale"
	v, _ := l.value(name)
	list, ok := v.([]float32)
	if !ok || len(list) != layers {
		l.fail("metadata %s is %v, expected %d numbers", l.key(name), v, layers)
		return make([]float32, layers)
	}
	return list
}

// altup makes several residual streams of one and one of several. A token's row holds all streams one after the other.
type altup struct {
	streams, width int
	spread, merge  []linear // of each stream but the first, width -> width
}

// enter fills x, n rows of all streams, from one stream: the others are projections of the first, with its magnitude.
func (a *altup) enter(s *Session, x, first []float32, n int) {
	a.each(s, a.spread, n, func(int) []float32 { return first }, func(stream, i int, row []float32) {
		copyMagnitude(row, first[i*a.width:(i+1)*a.width])
		copy(x[(i*a.streams+stream)*a.width:], row)
	})
	for i := range n {
		copy(x[i*a.streams*a.width:], first[i*a.width:(i+1)*a.width])
	}
}

// leave fills dst with the mean of the first stream and projections of the others, with its magnitude.
func (a *altup) leave(s *Session, dst, x []float32, n int) {
	for i := range n {
		copy(dst[i*a.width:(i+1)*a.width], x[i*a.streams*a.width:])
	}
	mark := s.arena.mark()
	rows, first := s.arena.floats(n*a.width), s.arena.floats(n*a.width)
	copy(first, dst)
	a.each(s, a.merge, n, func(stream int) []float32 {
		for i := range n {
			copy(rows[i*a.width:(i+1)*a.width], x[(i*a.streams+stream)*a.width:])
		}
		return rows
	}, func(_, i int, row []float32) {
		copyMagnitude(row, first[i*a.width:(i+1)*a.width])
		kernel.AddBias(dst[i*a.width:(i+1)*a.width], row)
	})
	s.pool.Scale(dst, 1/float32(a.streams))
	s.arena.release(mark)
}

// each multiplies, for each stream but the first, n rows that from gives by its matrix and gives the results to f.
func (a *altup) each(s *Session, matrices []linear, n int, from func(stream int) []float32, f func(stream, i int, row []float32)) {
	mark := s.arena.mark()
	out := s.arena.floats(n * a.width)
	for j := range matrices {
		s.apply(from(j+1), n, output{out, &matrices[j]})
		for i := range n {
			f(j+1, i, out[i*a.width:(i+1)*a.width])
		}
	}
	s.arena.release(mark)
}

// copyMagnitude scales x so that the mean of its squares is that of like.
func copyMagnitude(x, like []float32) {
	const least = 1e-5
	kernel.Scale(x, rootMean(like)/max(rootMean(x), float32(math.Sqrt(least))))
}

func rootMean(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return float32(math.Sqrt(sum / float64(len(x))))
}

// gemma3nLayer is a layer of Gemma 3n; x has rows of all streams.
type gemma3nLayer struct {
	streams, width     int
	attn               *attention
	attnNorm, postAttn norm
	ffnNorm, postFFN   norm
	ffn                *ffn
	sparsity           float32
	down, up           linear // LAuReL: width -> rank -> width
	laurelNorm         norm
	router             linear // width -> streams: what is between -1 and 1 then mixes coefficients
	routerNorm         norm
	predict, correct   linear // streams -> streams x streams, and -> streams
	correctScale       []float32
	input              perLayerGate
}

func (g *gemma3nLayer) newState(positions int, kv gguf.Type) state {
	return g.attn.newState(positions, kv)
}

func (g *gemma3nLayer) stateBytes(positions int, kv gguf.Type) float64 {
	return g.attn.stateBytes(positions, kv)
}

func (g *gemma3nLayer) forward(s *Session, x, _ []float32, n int, own state) {
	mark := s.arena.mark()
	size := n * g.width
	active, h, out, laurel := s.arena.floats(size), s.arena.floats(size), s.arena.floats(size), s.arena.floats(size)
	coefficients := s.arena.floats(n * g.streams * g.streams)
	g.take(active, x, n)
	g.modalities(s, active, n, &g.predict, coefficients)
	g.mixStreams(x, coefficients, n)
	g.take(active, x, n)

	g.attnNorm.apply(s, h, active)
	low := s.arena.floats(n * g.down.w.Rows)
	s.apply(h, n, output{low, &g.down})
	s.apply(low, n, output{laurel, &g.up})
	g.laurelNorm.apply(s, laurel, laurel)
	s.pool.Add(laurel, h)
	g.attn.mix(s, out, h, n, own)
	g.postAttn.apply(s, out, out)
	s.pool.Add(out, active)
	s.pool.Add(out, laurel)
	s.pool.Scale(out, float32(math.Sqrt(0.5))) // attention and LAuReL

	g.ffnNorm.apply(s, h, out)
	g.feed(s, laurel, h, n)
	g.postFFN.apply(s, laurel, laurel)
	s.pool.Add(out, laurel)

	g.modalities(s, out, n, &g.correct, coefficients)
	g.correctStreams(s, x, out, coefficients, n)
	s.arena.release(mark)
}

// take copies the first stream.
func (g *gemma3nLayer) take(dst, x []float32, n int) {
	for i := range n {
		copy(dst[i*g.width:(i+1)*g.width], x[i*g.streams*g.width:])
	}
}

// modalities computes the coefficients of m from a stream.
func (g *gemma3nLayer) modalities(s *Session, active []float32, n int, m *linear, coefficients []float32) {
	mark := s.arena.mark()
	h, modes := s.arena.floats(len(active)), s.arena.floats(n*g.streams)
	g.routerNorm.apply(s, h, active)
	s.pool.Scale(h, 1/float32(g.width))
	s.apply(h, n, output{modes, &g.router})
	for i, v := range modes {
		modes[i] = float32(elementary.Tanh(float64(v)))
	}
	s.apply(modes, n, output{coefficients[:n*m.w.Rows], m})
	s.arena.release(mark)
}

// mixStreams adds to each stream j the streams i times coefficient j x streams + i.
func (g *gemma3nLayer) mixStreams(x, coefficients []float32, n int) {
	k := g.streams
	var old [16]float32
	for i := range n {
		row, c := x[i*k*g.width:], coefficients[i*k*k:][:k*k]
		for at := range g.width {
			for j := range k {
				old[j] = row[j*g.width+at]
			}
			for j := range k {
				sum := old[j]
				for m, v := range old[:k] {
					sum += float32(v * c[j*k+m])
				}
				row[j*g.width+at] = sum
			}
		}
	}
}

// feed is the feed-forward part, whose gates that are not far enough above their mean are 0.
func (g *gemma3nLayer) feed(s *Session, dst, x []float32, n int) {
	if math.IsInf(float64(g.sparsity), -1) {
		g.ffn.apply(s, dst, x, n)
		return
	}
	mark, hidden := s.arena.mark(), g.ffn.up.w.Rows
	gate, up := s.arena.floats(n*hidden), s.arena.floats(n*hidden)
	s.apply(x, n, output{gate, &g.ffn.gate}, output{up, &g.ffn.up})
	for i := range n {
		keepLargest(gate[i*hidden:(i+1)*hidden], g.sparsity)
	}
	s.pool.GeGLU(gate, up)
	s.apply(gate, n, output{dst, &g.ffn.down})
	s.arena.release(mark)
}

// keepLargest subtracts from x the mean and so many standard deviations; what is negative then becomes 0.
func keepLargest(x []float32, deviations float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		squares += float64(d * d)
	}
	cut := float32(mean + float64(math.Sqrt(squares/float64(len(x)))*float64(deviations)))
	for i, v := range x {
		x[i] = max(0, v-cut)
	}
}

// correctStreams adds what the layer computed beyond the prediction to all streams, each with its coefficient, and the layer's own input to
// all but the first.
func (g *gemma3nLayer) correctStreams(s *Session, x, out, coefficients []float32, n int) {
	mark := s.arena.mark()
	first, added := s.arena.floats(n*g.width), s.arena.floats(n*g.width)
	for i := range n {
		rows := x[i*g.streams*g.width:][:g.streams*g.width]
		innovation := out[i*g.width:][:g.width]
		kernel.AddScaled(innovation, rows[:g.width], -1)
		for j := range g.streams {
			kernel.AddScaled(rows[j*g.width:][:g.width], innovation, coefficients[i*g.streams+j]+1)
		}
		for at, v := range rows[:g.width] {
			first[i*g.width+at] = v * g.correctScale[at]
		}
	}
	g.input.apply(s, added, first, n)
	for i := range n {
		for j := 1; j < g.streams; j++ {
			kernel.AddBias(x[(i*g.streams+j)*g.width:][:g.width], added[i*g.width:][:g.width])
		}
	}
	s.arena.release(mark)
}
