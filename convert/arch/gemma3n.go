package arch

import "math"

// gemma3n computes with four streams of activations (AltUp), has embeddings for each layer, and shares keys and values of
// its last layers.
var gemma3n = &Family{
	Classes: []string{"Gemma3nForCausalLM", "Gemma3nForConditionalGeneration"},
	Name:    "gemma3n",
	Defaults: map[string]any{"vocab_size": 262400.0, "vocab_size_per_layer_input": 262144.0, "hidden_size": 2048.0, "hidden_size_per_layer_input": 256.0,
		"intermediate_size": 16384.0, "num_hidden_layers": 35.0, "num_attention_heads": 8.0, "num_key_value_heads": 2.0, "head_dim": 256.0,
		"hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 32768.0, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
		"attention_bias": false, "sliding_window": 512.0, "final_logit_softcapping": 30.0, "altup_active_idx": 0.0, "altup_num_inputs": 4.0,
		"altup_correct_scale": true, "num_kv_shared_layers": 15.0, "laurel_rank": 64.0},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		ffn := c.perLayer("intermediate_size", d.layers)
		c.computes(map[string][]any{"hidden_activation": gemmaComputes["hidden_activation"], "attention_bias": {false}, "altup_num_inputs": {4.0}, "altup_correct_scale": {true}},
			"num_kv_shared_layers", "activation_sparsity_pattern", "final_logit_softcapping")
		r := gemmaRope(c, d)
		r.only("default", "linear", "dynamic", "yarn")
		each, rank, rows := c.Int("hidden_size_per_layer_input", maxWidth), c.Int("laurel_rank", maxWidth), c.Int("vocab_size_per_layer_input", d.vocab)
		shared := c.count("num_kv_shared_layers", d.layers)
		soft := c.Float("final_logit_softcapping", 0)
		sliding := c.sliding(d, 5)
		k := decoderKeys(c, d, r).with(key{"feed_forward_length", ffn})
		k = k.with(when(soft != 0, key{"final_logit_softcapping", soft})...)
		k = k.with(
			key{"attention.sliding_window", c.Int("sliding_window", maxTokens)},
			key{"altup.active_idx", c.count("altup_active_idx", 3)},
			key{"altup.num_inputs", c.Int("altup_num_inputs", 4)},
			key{"embedding_length_per_layer_input", each},
			key{"attention.shared_kv_layers", shared},
			key{"activation_sparsity_scale", c.sparsityScales(d)},
			key{"attention.sliding_window_pattern", sliding})
		s := decoderSpec(c, d, "gemma3n", k, Transform{}, func(l layer) {
			l.d.ffn = int64(ffn[l.n])
			l.norm("altup.router_norm", "altup_router_norm", Transform{})
			l.plain("altup.correct_output_scale", "altup_correct_scale.weight", []int64{d.hidden}, Transform{})
			l.add("altup.correction_coefs", "altup_correct_coef", []int64{4, 4}, Transform{}, noBias)
			l.add("altup.prediction_coefs", "altup_predict_coef", []int64{16, 4}, Transform{}, noBias)
			l.add("altup.modality_router", "altup_router", []int64{4, d.hidden}, Transform{}, noBias)
			l.add("laurel.linear_left", "laurel_l", []int64{rank, d.hidden}, Transform{}, noBias)
			l.add("laurel.linear_right", "laurel_r", []int64{d.hidden, rank}, Transform{}, noBias)
			l.norm("laurel.post_laurel_norm", "laurel_post_norm", Transform{})
			l.gemma(Transform{}, true)
			l.perLayerInput(each)
			if l.n >= d.layers-shared {
				l.optional("attn_k.weight", "attn_v.weight", "attn_k_norm.weight")
			}
		})
		s.Tensors = append(s.Tensors, perLayerTensors(d, each, rows)...)
		for _, t := range [][2]string{{"altup_projections", "altup_proj"}, {"altup_unembed_projections", "altup_unembd_proj"}} {
			s.Tensors = append(s.Tensors, Tensor{Source: "model." + t[0] + ".%d.weight", Name: t[1] + ".weight", Shape: []int64{d.hidden, d.hidden}, Experts: 3})
		}
		s.SpacePrefix = &noSpacePrefix
		return s
	},
}

// perLayerInput adds what a layer does with its own embeddings.
func (l layer) perLayerInput(each int64) {
	l.add("per_layer_input_gate", "inp_gate", []int64{each, l.d.hidden}, Transform{}, noBias)
	l.add("per_layer_projection", "proj", []int64{l.d.hidden, each}, Transform{}, noBias)
	l.norm("post_per_layer_input_norm", "post_norm", Transform{})
}

// perLayerTensors are the embeddings of all layers, each of which has so many, and what they come from. There may be less
// rows than tokens: the rest, which stand for images and sounds, are zeros.
func perLayerTensors(d dims, each, rows int64) []Tensor {
	all := d.layers * each
	embedding := Tensor{Source: "model.embed_tokens_per_layer.weight", Name: "per_layer_token_embd.weight", Shape: []int64{rows, all}}
	if rows < d.vocab {
		embedding.As = []int64{d.vocab, all}
		embedding.Order = func(r, _ int64) int64 {
			if r < rows {
				return r
			}
			return Zeros
		}
	}
	return []Tensor{embedding,
		{Source: "model.per_layer_model_projection.weight", Name: "per_layer_model_proj.weight", Shape: []int64{all, d.hidden}},
		{Source: "model.per_layer_projection_norm.weight", Name: "per_layer_proj_norm.weight", Shape: []int64{each}}}
}

// optional makes tensors of this layer that were added such as may be absent.
func (l layer) optional(names ...string) {
	for i := range *l.out {
		for _, n := range names {
			if (*l.out)[i].Name == l.name(n) {
				(*l.out)[i].Optional = true
			}
		}
	}
}

// gemmaRope has a base of its own for layers with a sliding window.
func gemmaRope(c *Config, d dims) rope {
	r := readRope(c, d, 1e6, 0)
	if r.localSWA == 0 {
		r.localSWA = c.positive("rope_local_base_freq", 10000)
	}
	return r
}

// sliding is which layers attend to a sliding window: all but every so many if the config does not say.
func (c *Config) sliding(d dims, every int64) []bool {
	out, types := make([]bool, d.layers), c.List("layer_types")
	if types != nil && int64(len(types)) != d.layers {
		c.fail("layer_types", "has %d entries, but there are %d layers", len(types), d.layers)
		return out
	}
	for n := range out {
		out[n] = (int64(n)+1)%every != 0
		if types != nil {
			out[n] = types[n] == "sliding_attention"
		}
	}
	return out
}

// perLayer reads a number for each layer, or one for all.
func (c *Config) perLayer(key string, layers int64) []int32 {
	out := make([]int32, layers)
	list, ok := c.value(key).([]any)
	if ok && int64(len(list)) != layers {
		c.fail(key, "has %d entries, but there are %d layers", len(list), layers)
	}
	for n := range out {
		switch {
		case !ok:
			out[n] = int32(c.Int(key, maxWidth))
		case n < len(list):
			v, isNumber := list[n].(float64)
			if !isNumber || v < 1 || v > maxWidth || v != math.Trunc(v) {
				c.fail(key, "must hold whole numbers between 1 and %d (got %v)", maxWidth, list[n])
				v = 1
			}
			out[n] = int32(v)
		}
		out[n] = max(out[n], 1)
	}
	return out
}

// sparsityScales are how many standard deviations above the mean activations must be to count: the normal distribution's
// quantiles of the shares that do not, in float32 as torch computes them. Where all count that is minus infinity.
func (c *Config) sparsityScales(d dims) []float32 {
	shares := make([]float32, d.layers)
	switch v := c.value("activation_sparsity_pattern").(type) {
	case []any:
		if s := c.Floats("activation_sparsity_pattern", d.layers); s != nil {
			shares = s
		}
	case nil:
		for n := range min(10, len(shares)) {
			shares[n] = 0.95
		}
	case float64:
		for n := range shares {
			shares[n] = float32(v)
		}
	default:
		c.fail("activation_sparsity_pattern", "must be a number for each layer (got %v)", v)
	}
	for n, p := range shares {
		if p < 0 || p >= 1 {
			c.fail("activation_sparsity_pattern", "must hold numbers from 0 to below 1 (got %v)", p)
		}
		shares[n] = float32(float32(math.Erfinv(float64(2*p-1))) * float32(math.Sqrt2))
	}
	return shares
}
