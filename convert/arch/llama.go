package arch

import (
	"math"

	"github.com/carat-llm/carat/gguf"
)

// llama covers Llama 1-3 and Mistral, which ggml runs with the same graph. Rows of queries and keys are
// reordered per head: ggml rotates neighbouring pairs here, transformers the two halves.
var llama = &Family{
	Classes: []string{"LlamaForCausalLM", "MistralForCausalLM"},
	Name:    "llama",
	Metadata: func(c *Config, fileType uint32) []gguf.KV {
		d := readDims(c, 0)
		k := decoderMetadata("llama", c, d, fileType, true)
		k.u32("vocab_size", d.vocab)
		k.u32("rope.dimension_count", d.headDim)
		return k.list
	},
	Extra: llama3Frequencies,
	Tensors: func(c *Config) []Tensor {
		d := readDims(c, 0)
		attn, mlp := biasIf(c.Bool("attention_bias")), biasIf(c.Bool("mlp_bias"))
		return decoderTensors(c, d, Transform{}, func(l layer) {
			l.norm("input_layernorm", "attn_norm", Transform{})
			l.attention(true, attn, attn)
			l.norm("post_attention_layernorm", "ffn_norm", Transform{})
			l.gatedFFN(mlp)
		})
	},
}

// llama3Frequencies is Llama 3.1's scaling of rotary frequencies, one factor for each pair of dimensions, in
// float32 as the reference computes it.
func llama3Frequencies(c *Config) ([]gguf.KV, []Extra) {
	s := c.Sub("rope_scaling")
	if s.String("rope_type") != "llama3" {
		return nil, nil
	}
	d := readDims(c, 0)
	base := c.Float("rope_theta", 10000)
	factor, low, high := s.Float("factor", 8), s.Float("low_freq_factor", 1), s.Float("high_freq_factor", 4)
	old := s.Float("original_max_position_embeddings", 8192)
	if high == low || low <= 0 || high <= 0 || factor <= 0 {
		c.fail("rope_scaling", "has factor %v, low_freq_factor %v and high_freq_factor %v: want positive numbers, the last two different", factor, low, high)
		return nil, nil
	}
	values := make([]float32, d.headDim/2)
	for i := range values {
		exponent := float32(2*i) / float32(d.headDim)
		freq := 1 / float32(math.Pow(base, float64(exponent)))
		wave := float32(2*math.Pi) / freq
		switch {
		case float64(wave) < old/high:
			values[i] = 1
		case float64(wave) > old/low:
			values[i] = float32(factor)
		default:
			smooth := (float32(old)/wave - float32(low)) / float32(high-low)
			values[i] = 1 / ((1-smooth)/float32(factor) + smooth)
		}
	}
	return nil, []Extra{{"rope_freqs.weight", values}}
}
