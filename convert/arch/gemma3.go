package arch

import "math"

var noSpacePrefix = false

// gemma3 has norms before and after attention and FFN, stored less one; five of six layers attend to a
// sliding window only.
var gemma3 = &Family{
	Classes: []string{"Gemma3ForCausalLM"},
	Name:    "gemma3",
	Defaults: map[string]any{"vocab_size": 262208.0, "hidden_size": 2304.0, "intermediate_size": 9216.0, "num_hidden_layers": 26.0,
		"num_attention_heads": 8.0, "num_key_value_heads": 4.0, "head_dim": 256.0, "hidden_activation": "gelu_pytorch_tanh",
		"max_position_embeddings": 131072.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "attention_bias": false,
		"query_pre_attn_scalar": 256.0, "sliding_window": 4096.0, "sliding_window_pattern": 6.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		// The older name of the activation is passed over, as transformers does.
		c.computes(map[string][]any{"hidden_activation": {"gelu_pytorch_tanh", "gelu_new"}, "attention_bias": {false}},
			"query_pre_attn_scalar", "final_logit_softcapping")
		c.gemmaScale(d)
		c.gemmaPattern(d)
		r := readRope(c, d, 1e6, 0)
		r.only("default", "linear", "dynamic", "yarn")
		if p := c.Sub("rope_scaling"); r.kind != "default" && p.Has("type") && !p.Has("rope_type") {
			// transformers 5 puts rope_type: default in front of it.
			p.note("type", "is %s: transformers does not read it for this class, and neither does the reference converter; rope_type would be read", r.kind)
			r.kind = "default"
		}
		if r.localSWA == 0 {
			r.localSWA = c.positive("rope_local_base_freq", 10000)
		}
		soft := c.Float("final_logit_softcapping", 0)
		k := decoderKeys(c, d, r).with(when(soft != 0, key{"final_logit_softcapping", soft})...)
		k = k.with(key{"attention.sliding_window", c.Int("sliding_window", maxTokens)})
		one := Transform{Values: plusOne}
		s := decoderSpec(c, d, "gemma3", k, one, func(l layer) {
			l.norm("input_layernorm", "attn_norm", one)
			l.attention(false, noBias, noBias)
			l.headNorms(one)
			l.norm("post_attention_layernorm", "post_attention_norm", one)
			l.norm("pre_feedforward_layernorm", "ffn_norm", one)
			l.gatedFFN(noBias)
			l.norm("post_feedforward_layernorm", "post_ffw_norm", one)
		})
		s.SpacePrefix = &noSpacePrefix
		return s
	},
}

// gemmaScale checks what attention is scaled by. No key of GGUF says it: llama.cpp takes the length of a head, and
// in the model of 62 layers (27B) the width of a head's share of the embedding.
func (c *Config) gemmaScale(d dims) {
	want := d.headDim
	if d.layers == 62 {
		want = d.hidden / d.heads
	}
	if scale := c.positive("query_pre_attn_scalar", 256); math.Abs(scale-float64(want)) > 1e-6*scale {
		c.fail("query_pre_attn_scalar", "is %v: GGUF runtimes scale the attention of this model by 1/sqrt(%d)", scale, want)
	}
}

// gemmaPattern checks which layers slide. GGUF runtimes take every sixth for one that attends to all.
func (c *Config) gemmaPattern(d dims) {
	types := c.List("layer_types")
	if types != nil && int64(len(types)) != d.layers {
		c.fail("layer_types", "has %d entries, but there are %d layers", len(types), d.layers)
		return
	}
	pattern := c.IntOr("sliding_window_pattern", maxLayers, 6)
	for n := range d.layers {
		full := (n+1)%pattern == 0
		if types != nil {
			full = types[n] == "full_attention"
		}
		if full != ((n+1)%6 == 0) {
			c.fail("layer_types", "or sliding_window_pattern makes layer %d differ from what GGUF runtimes compute: of every six layers the first five attend to a sliding window", n)
			return
		}
	}
}
