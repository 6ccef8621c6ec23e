package arch

import (
	"math"

	"github.com/carat-llm/carat/gguf"
)

// phi3 has fused projections, which stay fused, and factors for rotary frequencies beyond and within the
// original context.
var phi3 = &Family{
	Classes: []string{"Phi3ForCausalLM"},
	Name:    "phi3",
	Defaults: map[string]any{"vocab_size": 32064.0, "hidden_size": 3072.0, "intermediate_size": 8192.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 4096.0, "original_max_position_embeddings": 4096.0,
		"rms_norm_eps": 1e-5, "tie_word_embeddings": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		if d.headDim != d.hidden/d.heads {
			c.fail("head_dim", "is %d: GGUF files of this architecture have hidden_size / num_attention_heads, %d", d.headDim, d.hidden/d.heads)
		}
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}}, "partial_rotary_factor")
		r := readRope(c, d, 10000, c.IntOr("original_max_position_embeddings", maxTokens, 4096))
		r.only("default", "longrope")
		k, rotary := phi3Keys(c, d, r)
		s := decoderSpec(c, d, "phi3", k, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.add("self_attn.qkv_proj", "attn_qkv", []int64{(d.heads + 2*d.kvHeads) * d.headDim, d.hidden}, Transform{}, noBias)
			l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.add("mlp.gate_up_proj", "ffn_up", []int64{2 * d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.down_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		})
		s.Before, s.Computed = r.longFactors("phi3", d, rotary/2)
		return s
	},
}

// phi3Keys are Phi 3's, and how many dimensions of a head are rotated.
func phi3Keys(c *Config, d dims, r rope) (keys, int64) {
	rotary := int64(r.partial*float64(d.hidden)) / d.heads
	if rotary < 2 || rotary > d.headDim {
		c.fail("partial_rotary_factor", "is %v: %d of a head's %d dimensions would be rotated", r.partial, rotary, d.headDim)
		rotary = d.headDim
	}

	window := int64(0) // tells Phi-4, which has none, from the rest
	if c.Has("sliding_window") {
		window = c.Int("sliding_window", maxTokens)
	}
	k := keys{
		{"context_length", d.context},
		{"rope.scaling.original_context_length", r.original},
		{"embedding_length", d.hidden},
		{"feed_forward_length", d.ffn},
		{"block_count", d.layers},
		{"attention.head_count", d.heads},
		{"attention.head_count_kv", d.kvHeads},
		{"attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-5)},
		{"rope.dimension_count", rotary},
		{"rope.freq_base", r.theta},
		fileType,
		{"attention.sliding_window", window}}
	return k, rotary
}

// longFactors are LongRoPE's factors of n frequencies, and what it multiplies queries and keys by.
func (r rope) longFactors(arch string, d dims, n int64) ([]gguf.KV, []Computed) {
	if r.kind == "default" {
		return nil, nil
	}
	p, original := r.params, float64(r.original)
	scale := float64(d.context) / original
	attention := 1.0
	if scale > 1 {
		attention = math.Sqrt(1 + math.Log(scale)/math.Log(original))
	}
	// Of a factor or a magnitude of their own the reference writes nothing.
	if own := p.Float("factor", scale); own != scale && p.Float("attention_factor", 0) == 0 && own > 1 {
		p.note("factor", "is %v: the magnitude is computed from the context, %v, as the reference converter does", own, scale)
	}
	if own := p.Float("attention_factor", attention); math.Abs(own-attention) > 1e-6 {
		p.note("attention_factor", "is %v: %v is written, from the contexts, as the reference converter does", own, attention)
	}
	return []gguf.KV{{Key: arch + ".rope.scaling.attn_factor", Value: float32(attention)}},
		[]Computed{{"rope_factors_long.weight", p.Floats("long_factor", n)}, {"rope_factors_short.weight", p.Floats("short_factor", n)}}
}
