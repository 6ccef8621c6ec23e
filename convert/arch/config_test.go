package arch

import (
	"fmt"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// FuzzConfig lets families read any config.json: what it says may be wrong, but is never followed into a
// panic or an allocation of its size.
func FuzzConfig(f *testing.F) {
	seeds := []string{`{"architectures":["LlamaForCausalLM"],"num_hidden_layers":2,"hidden_size":8,"intermediate_size":16,
		"num_attention_heads":2,"vocab_size":9,"rms_norm_eps":1e-5,"max_position_embeddings":16,
		"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8}}`,
		`{"architectures":["GPT2LMHeadModel"],"n_layer":1,"n_embd":8,"n_head":2,"n_ctx":4,"n_positions":4,"vocab_size":5,"layer_norm_epsilon":1e-5}`,
		`{"architectures":["Phi3ForCausalLM"],"rope_scaling":{"type":"longrope","short_factor":[1],"long_factor":[]}}`,
		`{"architectures":["Gemma3ForCausalLM"],"rope_parameters":{"full_attention":{"rope_type":"yarn","factor":2},"sliding_attention":{"rope_theta":0}}}`,
		`{"architectures":["Qwen3ForCausalLM"],"rope_parameters":{"mrope_section":[1,2,3,4,5],"mscale":NaN,"rope_type":"yarn"}}`,
		`{"num_hidden_layers":2,"layer_types":["full_attention","sliding_attention"],"intermediate_size":[4,8],"num_experts":3,"text_config":{"hidden_size":8}}`,
		`{"num_hidden_layers":1,"hybrid_override_pattern":"E","mamba_num_heads":0,"num_kv_heads":3,"mlp_multipliers":[1],"attn_config":[]}`,
		`{"architectures":[1]}`}
	for _, seed := range seeds {
		for i := range families {
			f.Add([]byte(seed), uint8(i))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		family := families[int(which)%len(families)]
		c, err := parseConfig(b, "config.json")
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		if _, _, _, err := Find(c); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
		c = c.over(family)
		before := fmt.Sprint(c.values)
		family.Describe(c)
		if c.Err() != nil {
			require.ErrorIs(t, c.Err(), gguf.ErrInput)
		}
		require.Equal(t, before, fmt.Sprint(c.values), "a config is read only")
	})
}
