package arch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWholeContextSizes: Gemma 4's sizes of layers that attend to the whole context, in both spellings.
func TestWholeContextSizes(t *testing.T) {
	const types = `"vocab_size_per_layer_input": 400, "layer_types": ["sliding_attention", "full_attention"], "head_dim": 16, "rope_parameters": {"full_attention": {"rope_type": "proportional", "rope_theta": 1e6}, "sliding_attention": {"rope_theta": 1e4}}, `
	for name, c := range map[string]struct {
		changes, err string
		head         uint32
		kv           any
	}{
		"published":   {`"global_head_dim": 32, "num_global_key_value_heads": 1`, "", 32, []int32{2, 1}},
		"per layer":   {`"per_layer_config": {"01": {"head_dim": 32, "num_key_value_heads": 1}}`, "", 32, []int32{2, 1}},
		"both":        {`"global_head_dim": 32, "per_layer_config": {"1": {"head_dim": 32}}`, "", 32, uint32(2)},
		"neither":     {`"vocab_size": 400`, "", 512, uint32(2)},
		"they differ": {`"global_head_dim": 64, "per_layer_config": {"1": {"head_dim": 32}}`, "per_layer_config.1.head_dim is 32, but global_head_dim of other layers is 64", 0, nil},
		"sliding":     {`"per_layer_config": {"0": {"head_dim": 32}}`, "per_layer_config.0 is not the number of a layer that attends to the whole context", 0, nil},
		"no number":   {`"per_layer_config": {"x": {"head_dim": 32}}`, "per_layer_config.x is not the number", 0, nil},
		"no object":   {`"per_layer_config": {"1": 3}`, "per_layer_config.1 must be an object", 0, nil},
		"other sizes": {`"per_layer_config": {"1": {"hidden_size": 3}}`, "per_layer_config.1.hidden_size is not supported", 0, nil},
		"odd values":  {`"global_head_dim": {"a": 1}, "per_layer_config": {"1": {"head_dim": {"a": 1}}}`, "global_head_dim must be a whole number", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			keys, _, config := describe(t, "Gemma4ForCausalLM", types+c.changes)
			if c.err != "" {
				require.ErrorContains(t, config.Err(), c.err)
				return
			}
			require.NoError(t, config.Err())
			require.Equal(t, c.head, keys["attention.key_length"])
			require.Equal(t, c.kv, keys["attention.head_count_kv"])
		})
	}
}
