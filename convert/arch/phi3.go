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
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		d := readDims(c, 0)
		k := &kvs{arch: "phi3"}
		k.u32("context_length", c.Int("max_position_embeddings", maxTokens))
		k.u32("rope.scaling.original_context_length", phi3Original(c))
		k.u32("embedding_length", d.hidden)
		k.u32("feed_forward_length", d.ffn)
		k.u32("block_count", d.layers)
		k.u32("attention.head_count", d.heads)
		k.u32("attention.head_count_kv", d.kvHeads)
		k.f32("attention.layer_norm_rms_epsilon", c.Float("rms_norm_eps", 1e-5))
		k.u32("rope.dimension_count", phi3Rotary(c, d))
		k.f32("rope.freq_base", c.Float("rope_theta", 10000))
		k.fileType(fileType)
		window := int64(0)
		if c.Has("sliding_window") {
			window = c.Int("sliding_window", maxTokens)
		}
		k.u32("attention.sliding_window", window)
		return k.list
	},
	Extra: phi3Factors,
	Tensors: func(c *Config) []Tensor {
		d := readDims(c, 0)
		return decoderTensors(c, d, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.add("self_attn.qkv_proj", "attn_qkv", []int64{(d.heads + 2*d.kvHeads) * d.headDim, d.hidden}, Transform{}, noBias)
			l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, noBias)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.add("mlp.gate_up_proj", "ffn_up", []int64{2 * d.ffn, d.hidden}, Transform{}, noBias)
			l.add("mlp.down_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, noBias)
		})
	},
}

func phi3Original(c *Config) int64 {
	return c.IntOr("original_max_position_embeddings", maxTokens, 4096)
}

// phi3Rotary is how many dimensions of a head are rotated.
func phi3Rotary(c *Config, d dims) int64 {
	return int64(c.Float("partial_rotary_factor", 1)*float64(d.hidden)) / d.heads
}

func phi3Factors(c *Config) ([]gguf.KV, []Extra) {
	s := c.Sub("rope_scaling")
	kind := s.String("rope_type")
	if kind == "" {
		kind = s.String("type")
	}
	if kind == "" {
		return nil, nil
	}
	original := float64(phi3Original(c))
	scale := float64(c.Int("max_position_embeddings", maxTokens)) / original
	attention := 1.0
	switch kind {
	case "longrope", "su":
		if scale > 1 {
			attention = math.Sqrt(1 + math.Log(scale)/math.Log(original))
		}
	case "yarn":
		if scale > 1 {
			attention = 0.1*math.Log(scale) + 1
		}
	default:
		c.fail("rope_scaling", "is of the unknown type %q: want longrope, su or yarn", kind)
	}
	n := phi3Rotary(c, readDims(c, 0)) / 2
	long, short := s.Floats("long_factor", n), s.Floats("short_factor", n)
	if s.err != nil && c.err == nil {
		c.err = s.err
	}
	return []gguf.KV{{Key: "phi3.rope.scaling.attn_factor", Value: float32(attention)}},
		[]Extra{{"rope_factors_long.weight", long}, {"rope_factors_short.weight", short}}
}
