package model

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/internal/mmap"
	"github.com/carat-llm/carat/runtime/kernel"
)

// buildT5 builds T5: an encoder of the input (see Session.Encode) and a decoder, whose tokens see the whole input, too. Scores are not
// scaled; what depends on the distance of tokens is added to them, the same in all layers of each.
func buildT5(l *loader) *graph {
	h := l.hparams()
	l.value("decoder_start_token_id") // for the caller
	buckets := l.count("attention.relative_buckets_count")
	const encoderBias, decoderBias = 1, 2
	g := &graph{source: &graph{width: h.width, norm: l.rmsNorm("enc.output_norm", h.width)}}
	g.biases = []positionBias{l.relativeBias("enc.", h.heads, buckets, true), l.relativeBias("dec.", h.heads, buckets, false)}
	for i := range h.layers {
		p := "enc." + layerName(i)
		a := l.t5Attention(p+"attn_", h)
		a.encoder, a.bias = true, encoderBias
		g.source.layers = append(g.source.layers, &block{
			attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a, ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.t5FFN(p, h),
		})
	}
	for i := range l.countOr("decoder_block_count", h.layers) {
		p := "dec." + layerName(i)
		a := l.t5Attention(p+"attn_", h)
		a.bias = decoderBias
		g.layers = append(g.layers, &block{attnNorm: l.rmsNorm(p+"attn_norm", h.width), mixer: a}, &block{
			attnNorm: l.rmsNorm(p+"cross_attn_norm", h.width), mixer: &crossAttention{l.t5Attention(p+"cross_attn_", h)},
			ffnNorm: l.rmsNorm(p+"ffn_norm", h.width), ffn: l.t5FFN(p, h),
		})
	}
	if !l.has("output.weight") {
		g.outputScale = float32(1 / math.Sqrt(float64(h.width))) // of models whose output is the embedding
	}
	return g.finish(l, h, l.rmsNorm("dec.output_norm", h.width))
}

func (l *loader) t5Attention(p string, h hparams) *attention {
	a := h.attention()
	a.scale, a.rope = 1, noRope
	a.q, a.k = l.linear(p+"q", h.width, h.heads*h.dim), l.linear(p+"k", h.width, h.kvHeads*h.dim)
	a.v, a.out = l.linear(p+"v", h.width, h.kvHeads*h.valueDim), l.linear(p+"o", h.heads*h.valueDim, h.width)
	return a
}

// t5FFN loads the feed-forward part: GELU with a gate in T5 1.1 and its like, ReLU without one in T5.
func (l *loader) t5FFN(p string, h hparams) feedForward {
	if l.has(p + "ffn_gate.weight") {
		return l.gatedFFN(p, h, gelu)
	}
	return l.plainFFN(p, h, relu)
}

// crossAttention is attention to the input of an encoder.
type crossAttention struct{ *attention }

// fill stores the keys and values of n rows of the encoder's result.
func (c *crossAttention) fill(s *Session, x []float32, n int, own state) {
	mark := s.arena.mark()
	k, v := s.arena.floats(n*c.kvHeads*c.dim), s.arena.floats(n*c.kvHeads*c.valueDim)
	s.apply(x, n, output{k, &c.k}, output{v, &c.v})
	s.storing = storing{own.(cache).Cache, k, v, n, 0}
	s.pool.Do((n+turnRows-1)/turnRows, &s.storing)
	s.arena.release(mark)
}

func (c *crossAttention) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	q, mixed := s.arena.floats(n*c.heads*c.dim), s.arena.floats(n*c.heads*c.valueDim)
	s.apply(x, n, output{q, &c.q})
	s.pool.Attend(mixed, q, n, s.done, own.(cache).Cache, kernel.Attention{Heads: c.heads, Scale: c.scale, Keys: s.sourceLen})
	s.apply(mixed, n, output{dst, &c.out})
	s.arena.release(mark)
}

// positionBias makes what is added to scores in a session of so many positions, by head and distance.
type positionBias struct {
	heads, sides int // sides: 1 for tokens before only, 2 for those behind, too
	table        func(positions int) *kernel.Bias
}

func (b positionBias) bytes(positions int) float64 {
	return 4 * float64(b.heads*b.sides) * float64(positions)
}

// alibi is the bias of heads whose steepest slope is 2^-most; see kernel.ALiBi.
func alibi(heads int, most float64) positionBias {
	return positionBias{heads, 1, func(positions int) *kernel.Bias { return kernel.ALiBi(heads, positions, most) }}
}

// relativeBias loads blk.0.attn_rel_b: for each head a number for each bucket of distances.
func (l *loader) relativeBias(p string, heads, buckets int, encoder bool) positionBias {
	b, of := positionBias{heads: heads, sides: 1}, make([][]float32, buckets)
	if encoder {
		b.sides = 2
	}
	if m := l.matrix(p+"blk.0.attn_rel_b.weight", heads, buckets); m != nil {
		for i := range of {
			of[i] = make([]float32, heads)
			m.Row(of[i], i)
		}
	}
	b.table = func(positions int) *kernel.Bias {
		t := &kernel.Bias{Zero: positions - 1}
		for h := range heads {
			row := make([]float32, b.sides*positions)
			for i := range row {
				row[i] = of[bucket(i-t.Zero, buckets, encoder)][h]
			}
			t.Rows = append(t.Rows, row)
		}
		return t
	}
	return b
}

// bucket is that of a distance, the key's position minus the query's, as Raffel et al. (2020) have it: half of the buckets of a side for
// single distances, the others, ever wider, for distances up to 128. It is computed in float32, as transformers does, since a bucket more
// or less is at stake.
func bucket(distance, buckets int, encoder bool) int {
	const most = 128
	first := 0
	switch {
	case encoder:
		buckets /= 2
		if distance > 0 {
			first = buckets
		}
		distance = max(distance, -distance)
	default:
		distance = max(0, -distance)
	}
	exact := buckets / 2
	if distance < exact {
		return first + distance
	}
	log := func(x float32) float32 { return float32(elementary.Log(float64(x))) }
	wide := float32(log(float32(distance)/float32(exact))/log(most/float32(exact))) * float32(buckets-exact)
	return first + min(buckets-1, exact+int(wide))
}

// Encodes says whether the model has an encoder, to which a session must give the input before the sequence (see Session.Encode).
func (m *Model) Encodes() bool { return m.graph.source != nil }

// Encode empties the sequence and evaluates ids as the input that its tokens see, in place of the one before. The model must have an
// encoder, and the input may be as long as the session. After an error there is no input.
func (s *Session) Encode(ids []int32) error {
	g := s.model.graph
	if g.source == nil {
		return fmt.Errorf("%w: this model has no encoder", gguf.ErrUnsupported)
	}
	if len(ids) == 0 || len(ids) > s.max {
		return fmt.Errorf("%w: an input of %d tokens does not fit the session, which has %d", gguf.ErrInput, len(ids), s.max)
	}
	if err := s.checkIDs(ids); err != nil {
		return err
	}
	s.Reset()
	s.sourceLen = 0
	err := mmap.Guard(func() error { s.encode(ids); return nil })
	if err == nil {
		s.sourceLen = len(ids)
	}
	return err
}

func (s *Session) encode(ids []int32) {
	s.arena.reset()
	g, n := s.model.graph, len(ids)
	x := s.arena.floats(n * g.width)
	left, h := s.arena.floats(len(x)), s.arena.floats(len(x))
	g.embed(s, x, ids)
	clear(left)
	for i, l := range g.source.layers {
		l.forward(s, x, left, n, s.sourceStates[i])
	}
	s.pool.Add(x, left)
	g.source.norm.apply(s, h, x)
	for i, l := range g.layers {
		if c, ok := l.(*block).mixer.(*crossAttention); ok {
			c.fill(s, h, n, s.states[i])
		}
	}
}
