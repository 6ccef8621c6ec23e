package model

import (
	"math"

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
			streams: streams, width: h.width, mixer: a, sparsity: sparsity[i], input: l.perLayerGate(p, i, h, g.perLayer.size),
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

// gemma3nLayer is a layer of Gemma 3n; x has rows of all streams.
type gemma3nLayer struct {
	mixer              // whose state is the layer's
	streams, width     int
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
	s.mix(g.mixer, out, h, n, own)
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
