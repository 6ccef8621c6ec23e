package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// perLayerInputs makes a short vector for each token and layer (Gemma 3n and 4): an embedding of the token added to a projection of
// its ordinary one.
type perLayerInputs struct {
	size, layers int
	embedding    *kernel.Matrix // vocab rows of layers x size
	proj         linear         // width -> layers x size
	norm         norm           // of a layer's part of the projection
	projScale    float32
}

// perLayerInputs loads what there is for vectors of embedding_length_per_layer_input elements; nil when that is 0.
func (l *loader) perLayerInputs(h hparams) *perLayerInputs {
	size := l.integerOr("embedding_length_per_layer_input", 0)
	if size == 0 {
		return nil
	}
	p := &perLayerInputs{size: size, layers: h.layers, projScale: float32(1 / math.Sqrt(float64(h.width)))}
	p.embedding = l.matrix("per_layer_token_embd.weight", h.layers*size, l.rows("token_embd.weight"))
	p.proj, p.norm = l.linear("per_layer_model_proj", h.width, h.layers*size), l.rmsNorm("per_layer_proj_norm", size)
	return p
}

// inputs are n rows of layers x size, valid until the arena is reset. x are the embeddings of ids.
func (p *perLayerInputs) inputs(s *Session, x []float32, ids []int32) []float32 {
	row := p.layers * p.size
	out := s.arena.floats(len(ids) * row)
	s.apply(x, len(ids), output{out, &p.proj})
	s.pool.Scale(out, p.projScale)
	p.norm.apply(s, out, out)
	mark := s.arena.mark()
	token := s.arena.floats(row)
	for i, id := range ids {
		p.embedding.Row(token, int(id))
		kernel.AddScaled(out[i*row:(i+1)*row], token, float32(math.Sqrt(float64(p.size))))
	}
	s.arena.release(mark)
	s.pool.Scale(out, float32(math.Sqrt(0.5)))
	return out
}

// perLayerGate adds post(proj(gelu(gate(x)) * input)) to the stream.
type perLayerGate struct {
	layer      int
	gate, proj linear // width -> size -> width
	post       norm
}

func (l *loader) perLayerGate(p string, layer int, h hparams, size int) perLayerGate {
	return perLayerGate{layer: layer, gate: l.linear(p+"inp_gate", h.width, size), proj: l.linear(p+"proj", size, h.width), post: l.rmsNorm(p+"post_norm", h.width)}
}

// apply computes what is added to the n rows of x into dst.
func (g *perLayerGate) apply(s *Session, dst, x []float32, n int) {
	mark, size := s.arena.mark(), g.gate.w.Rows
	low := s.arena.floats(n * size)
	s.apply(x, n, output{low, &g.gate})
	s.pool.GELU(low)
	row := len(s.perLayer) / n
	for i := range n {
		for j, v := range s.perLayer[i*row+g.layer*size:][:size] {
			low[i*size+j] *= v
		}
	}
	s.apply(low, n, output{dst, &g.proj})
	g.post.apply(s, dst, dst)
	s.arena.release(mark)
}
