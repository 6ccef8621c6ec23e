package arch

import (
	"math"
	"slices"
)

// hunyuan has norms of queries and keys, behind the rotation. For long contexts it takes a larger base of frequencies.
var hunyuan = &Family{
	Classes: []string{"HunYuanDenseV1ForCausalLM"},
	Name:    "hunyuan-dense",
	Defaults: map[string]any{"vocab_size": 290943.0, "hidden_size": 4096.0, "intermediate_size": 11008.0, "num_hidden_layers": 32.0,
		"num_attention_heads": 32.0, "hidden_act": "silu", "max_position_embeddings": 2048.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
		"attention_bias": false},
	Describe: func(c *Config) *Spec {
		d := readDims(c, headGiven)
		c.computes(map[string][]any{"hidden_act": silu["hidden_act"], "attention_bias": {false}, "mlp_bias": {false}, "num_experts": {1.0}}, "use_qk_norm", "use_cla")
		r := yarnRope(c, d, 10000, "alpha", "beta_fast", "beta_slow", "mscale", "mscale_all_dim")
		var scaled keys
		if r.kind == "dynamic" {
			r.kind = "default"
			dim := float64(d.headDim)
			base := r.theta * math.Pow(r.params.positive("alpha", 50), dim/(dim-2))
			if r.theta != 10000 || d.context != 32<<10 && d.context != 256<<10 {
				c.fail("max_position_embeddings", "is %d, and rope_theta %v: of this scaling only 32768 or 262144 and 10000 are supported", d.context, r.theta)
			}
			scaled = keys{
				{"rope.freq_base", base},
				{"rope.scaling.type", "none"},
				{"rope.scaling.factor", 1.0},
				{"rope.scaling.original_context_length", int64(256 << 10)},
				{"context_length", int64(256 << 10)}}
		}
		k := decoderKeys(c, d, r).with(scaled...)
		k = slices.DeleteFunc(k, func(k key) bool { return k.name == "expert_count" }) // a single one is none
		s := decoderSpec(c, d, "hunyuan-dense", k, Transform{}, func(l layer) {
			l.llama(false, noBias, noBias, noBias)
			l.add("self_attn.query_layernorm", "attn_q_norm", []int64{d.headDim}, Transform{}, noBias)
			l.add("self_attn.key_layernorm", "attn_k_norm", []int64{d.headDim}, Transform{}, noBias)
		})
		if c.Bool("tie_word_embeddings") {
			s = s.withoutHead()
		}
		return s
	},
}
