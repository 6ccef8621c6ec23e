package model

import (
	"reflect"
	"slices"
)

// neutral is the value of a key that asks for nothing: with it a graph that lacks the computation is right.
// Whatever the key, an empty list and the strings "" and "none" ask for nothing.
type neutral []float64

var (
	off    = neutral{0}    // counts and switches
	factor = neutral{0, 1} // factors, of which llama.cpp takes 0 for 1
	always = neutral{}     // no value is neutral
)

// holds reports whether v is neutral.
func (n neutral) holds(v any) bool {
	r := reflect.ValueOf(v)
	var f float64
	switch {
	case r.Kind() == reflect.Bool:
		if r.Bool() {
			f = 1
		}
	case r.CanInt():
		f = float64(r.Int())
	case r.CanUint():
		f = float64(r.Uint())
	case r.CanFloat():
		f = r.Float()
	default:
		return r.Len() == 0 || v == "none"
	}
	return slices.Contains(n, f)
}

// computedElsewhere lists the keys below <arch>. with which some architecture of llama.cpp computes. An architecture
// here either asks for a key, and then computes with it, or the model is refused by the key's name unless its value
// is neutral (see leftOver). Not listed, since they change nothing: rope.scaling.finetuned, tensor_data_layout,
// rope.scaling.original_context_length without YaRN, and rope.freq_base and rope.dimension_count without rope.
var computedElsewhere = map[string]neutral{
	"attention.causal":                       {1},
	"attention.clamp_kqv":                    off,
	"attention.max_alibi_bias":               off,
	"attention.scale":                        off,
	"attention.output_scale":                 factor,
	"attention.value_scale":                  factor,
	"attention.temperature_length":           off,
	"attention.temperature_scale":            off,
	"attention.sliding_window":               off,
	"attention.sliding_window_pattern":       off,
	"attention.shared_kv_layers":             off,
	"attention.chunk_size":                   off,
	"attention.rope_pattern":                 always,
	"attention.key_length_swa":               off,
	"attention.value_length_swa":             off,
	"attention.key_length_mla":               off,
	"attention.value_length_mla":             off,
	"attention.key_length_mla_swa":           off,
	"attention.value_length_mla_swa":         off,
	"attention.q_lora_rank":                  off,
	"attention.kv_lora_rank":                 off,
	"attention.kv_lora_rank_swa":             off,
	"attention.decay_lora_rank":              off,
	"attention.iclr_lora_rank":               off,
	"attention.value_residual_mix_lora_rank": off,
	"attention.gate_lora_rank":               off,
	"attention.output_lora_rank":             off,
	"attention.output_group_count":           off,
	"attention.group_norm_epsilon":           off,
	"attention.group_norm_groups":            off,
	"attention.relative_buckets_count":       off,
	"attention.compress_rope_freq_base":      off,
	"attention.compress_ratios":              always,
	"attention.recurrent_layers":             always,
	"attention.indexer.head_count":           off,
	"attention.indexer.key_length":           off,
	"attention.indexer.top_k":                off,
	"attention.indexer.block_size":           off,
	"attention.indexer.local_blocks":         off,
	"attention.indexer.types":                always,

	"rope.scale_linear":                factor,
	"rope.scaling.type":                always,
	"rope.scaling.factor":              factor,
	"rope.scaling.attn_factor":         factor,
	"rope.scaling.alpha":               off,
	"rope.scaling.yarn_log_multiplier": off,
	"rope.scaling.yarn_ext_factor":     off,
	"rope.scaling.yarn_attn_factor":    factor,
	"rope.scaling.yarn_beta_fast":      always,
	"rope.scaling.yarn_beta_slow":      always,
	"rope.global.freq_base":            always, // Ollama's names
	"rope.local.freq_base":             always,
	"rope.freq_base_swa":               always,
	"rope.freq_base_per_layer":         always,
	"rope.dimension_count_swa":         always,
	"rope.dimension_sections":          always,

	"expert_count":                      off,
	"expert_used_count":                 off,
	"expert_feed_forward_length":        off,
	"expert_shared_feed_forward_length": off,
	"expert_chunk_feed_forward_length":  off,
	"expert_shared_count":               off,
	"expert_latent_length":              off,
	"expert_group_count":                factor,
	"expert_group_used_count":           factor,
	"expert_group_scale":                off,
	"experts_per_group":                 off,
	"expert_weights_scale":              factor,
	"expert_weights_norm":               off,
	"expert_gating_func":                factor, // 1 is softmax
	"leading_dense_block_count":         off,
	"interleave_moe_layer_step":         factor,
	"moe_every_n_layers":                off,
	"moe_latent_size":                   off,
	"nextn_predict_layers":              off,

	"pooling_type":                     off,
	"classifier.output_labels":         always,
	"use_parallel_residual":            off,
	"logit_scale":                      factor,
	"residual_scale":                   factor,
	"embedding_scale":                  factor,
	"attn_logit_softcapping":           off,
	"router_logit_softcapping":         off,
	"final_logit_softcapping":          off,
	"swin_norm":                        off,
	"rescale_every_n_layers":           off,
	"token_shift_count":                off,
	"time_mix_extra_dim":               off,
	"time_decay_extra_dim":             off,
	"wkv.head_size":                    off,
	"full_attention_interval":          off,
	"embedding_length_out":             off,
	"embedding_length_per_layer_input": off,
	"attn_res.block_size":              off,
	"activation.situ_beta":             always,
	"activation_sparsity_scale":        always,
	"altup.active_idx":                 off,
	"altup.num_inputs":                 off,
	"n_deepstack_layers":               off,
	"deepstack_mapping":                always,
	"swiglu_clamp_exp":                 off,
	"swiglu_clamp_shexp":               off,
	"decoder_start_token_id":           always,
	"decoder_block_count":              off,
	"dense_2_feat_in":                  off,
	"dense_2_feat_out":                 off,
	"dense_3_feat_in":                  off,
	"dense_3_feat_out":                 off,
	"ssm.conv_kernel":                  off,
	"ssm.inner_size":                   off,
	"ssm.state_size":                   off,
	"ssm.time_step_rank":               off,
	"ssm.group_count":                  off,
	"ssm.dt_b_c_rms":                   off,
	"shortconv.l_cache":                off,
	"kda.head_dim":                     off,
	"hyper_connection.count":           off,
	"hash_layer_count":                 off,
	"hrm.layers_per_stack":             off,
	"posnet.block_count":               off,
	"convnext.block_count":             off,
}
