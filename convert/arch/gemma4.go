package arch

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// gemma4 has longer heads in layers that attend to the whole context, of which a part is rotated; possibly experts beside
// the feed-forward part, embeddings for each layer, and shared keys and values.
var gemma4 = &Family{
	Classes: []string{"Gemma4ForCausalLM", "Gemma4ForConditionalGeneration"},
	Name:    "gemma4",
	Defaults: map[string]any{"vocab_size": 262144.0, "vocab_size_per_layer_input": 262144.0, "hidden_size": 2304.0, "hidden_size_per_layer_input": 256.0,
		"intermediate_size": 9216.0, "num_hidden_layers": 30.0, "num_attention_heads": 8.0, "num_key_value_heads": 4.0, "head_dim": 256.0,
		"hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072.0, "rms_norm_eps": 1e-6,
		"tie_word_embeddings": true, "attention_bias": false, "sliding_window": 512.0, "num_kv_shared_layers": 0.0, "attention_k_eq_v": false,
		"rope_parameters": map[string]any{"sliding_attention": map[string]any{"rope_theta": 1e4},
			"full_attention": map[string]any{"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6}},
		"enable_moe_block": false, "use_double_wide_mlp": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(gemmaComputes, "num_kv_shared_layers", "final_logit_softcapping", "use_bidirectional_attention", "per_layer_config", "partial_rotary_factor")
		r := gemmaRope(c, d)
		r.only("proportional")
		g := readGemma4(c, d)
		soft := c.Float("final_logit_softcapping", 0)
		k := textKeys(c, d, r).with(when(soft != 0, key{"final_logit_softcapping", soft})...)
		k = k.with(
			key{"attention.sliding_window", c.Int("sliding_window", maxTokens)},
			key{"attention.shared_kv_layers", g.shared},
			key{"embedding_length_per_layer_input", g.each},
			key{"attention.sliding_window_pattern", g.sliding},
			key{"attention.key_length", g.head},
			key{"attention.value_length", g.head},
			key{"attention.key_length_swa", d.headDim},
			key{"attention.value_length_swa", d.headDim})
		if c.Has("moe_intermediate_size") {
			k = k.with(key{"expert_feed_forward_length", c.Int("moe_intermediate_size", maxWidth)})
		}
		k = k.with(when(c.Bool("use_double_wide_mlp"), key{"feed_forward_length", g.ffn})...)
		k = k.with(when(g.kvGiven, key{"attention.head_count_kv", g.kv})...)
		k = k.with(key{"rope.dimension_count", g.head}, key{"rope.dimension_count_swa", d.headDim})
		s := decoderSpec(c, d, "gemma4", k, Transform{}, func(l layer) {
			l.d.ffn, l.d.kvHeads = int64(g.ffn[l.n]), int64(g.kv[l.n])
			if !g.sliding[l.n] {
				l.d.headDim = g.head
			}
			l.gemma(Transform{}, true)
			if l.n >= d.layers-g.shared {
				l.optional("attn_k.weight", "attn_v.weight", "attn_k_norm.weight")
			} else if !g.sliding[l.n] && c.Bool("attention_k_eq_v") {
				l.optional("attn_v.weight") // values are keys there
			}
			l.plain("layer_scalar", "layer_output_scale.weight", []int64{1}, Transform{})
			if g.each > 0 {
				l.perLayerInput(g.each)
			}
			if c.Bool("enable_moe_block") {
				l.gemmaExperts(experts(c), c.Int("moe_intermediate_size", maxWidth))
			}
		})
		if g.each > 0 {
			s.Tensors = append(s.Tensors, perLayerTensors(d, g.each, c.Int("vocab_size_per_layer_input", d.vocab))...)
		}
		s.Computed = []Computed{{"rope_freqs.weight", g.factors(r.partial)}}
		return s
	},
}

// gemma4Sizes are those that differ from layer to layer.
type gemma4Sizes struct {
	head, each, shared int64 // of heads that see the whole context; of a layer's embeddings; layers that share keys and values
	sliding            []bool
	ffn, kv            []int32
	kvGiven            bool // the config says how many heads of keys these layers have
}

// wholeContextSizes is the config with the sizes of layers that attend to the whole context under their published names, where
// transformers 5 has written them for each layer: per_layer_config is {"5": {"head_dim": 512}, ...}.
func (c *Config) wholeContextSizes(sliding []bool) *Config {
	names := map[string]string{"head_dim": "global_head_dim", "num_key_value_heads": "num_global_key_value_heads"}
	each := c.Sub("per_layer_config")
	for _, layer := range slices.Sorted(maps.Keys(each.values)) {
		n, err := strconv.Atoi(layer)
		if err != nil || n < 0 || n >= len(sliding) || sliding[n] {
			each.fail(layer, "is not the number of a layer that attends to the whole context: only those may have sizes of their own")
			return c
		}
		for key, v := range each.Sub(layer).values {
			name := names[key]
			if name == "" {
				each.Sub(layer).fail(key, "is not supported: layers may differ in head_dim and num_key_value_heads")
				return c
			}
			if first := c.value(name); first != nil && !reflect.DeepEqual(first, v) {
				each.Sub(layer).fail(key, "is %v, but %s of other layers is %v: GGUF files have one number for all that attend to the whole context", v, name, first)
				return c
			}
			c = c.with(name, v)
		}
	}
	return c
}

func readGemma4(c *Config, d dims) gemma4Sizes {
	c = c.wholeContextSizes(c.sliding(d, 6))
	g := gemma4Sizes{head: c.IntOr("global_head_dim", maxWidth, 512), each: c.count("hidden_size_per_layer_input", maxWidth), shared: c.count("num_kv_shared_layers", d.layers),
		sliding: c.sliding(d, 6), ffn: make([]int32, d.layers), kv: make([]int32, d.layers)}
	g.kvGiven = c.Has("num_global_key_value_heads")
	full := c.IntOr("num_global_key_value_heads", maxWidth, d.kvHeads)
	for n := range d.layers {
		g.ffn[n], g.kv[n] = int32(d.ffn), int32(d.kvHeads)
		if n >= d.layers-g.shared && c.Bool("use_double_wide_mlp") {
			g.ffn[n] *= 2
		}
		if !g.sliding[n] {
			g.kv[n] = int32(full)
		}
	}
	return g
}

// factors of rotary frequencies are 1 for the share that is rotated, and so large for the rest that it does not turn.
func (g gemma4Sizes) factors(share float64) []float32 {
	out := make([]float32, g.head/2)
	turn := int(float64(g.head) * share / 2)
	for i := range out {
		if out[i] = 1; i >= turn {
			out[i] = 1e30
		}
	}
	return out
}

// gemmaExperts adds experts beside the feed-forward part, with gate and up in one tensor.
func (l layer) gemmaExperts(n, width int64) {
	hidden := l.d.hidden
	l.add("router.proj", "ffn_gate_inp", []int64{n, hidden}, Transform{}, noBias)
	l.plain("router.scale", "ffn_gate_inp.scale", []int64{hidden}, Transform{})
	l.plain("router.per_expert_scale", "ffn_down_exps.scale", []int64{n}, Transform{})
	l.plain("experts.gate_up_proj", "ffn_gate_up_exps.weight", []int64{n, 2 * width, hidden}, Transform{})
	l.plain("experts.down_proj", "ffn_down_exps.weight", []int64{n, hidden, width}, Transform{})
	l.norm("pre_feedforward_layernorm_2", "pre_ffw_norm_2", Transform{})
	l.norm("post_feedforward_layernorm_1", "post_ffw_norm_1", Transform{})
	l.norm("post_feedforward_layernorm_2", "post_ffw_norm_2", Transform{})
}
