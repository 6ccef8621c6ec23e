package arch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPublishedConfigs reads configs as they are published, of the keys those that matter, and looks at some of what they
// say in the file's metadata. Keys of published configs must not be refused.
func TestPublishedConfigs(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		want   map[string]any
	}{
		"gemma-2-27b": {`"architectures": ["Gemma2ForCausalLM"], "attn_logit_softcapping": 50.0, "cache_implementation": "hybrid", "final_logit_softcapping": 30.0,
			"head_dim": 128, "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 4608, "intermediate_size": 36864,
			"num_attention_heads": 32, "num_hidden_layers": 46, "num_key_value_heads": 16, "query_pre_attn_scalar": 144, "sliding_window": 4096, "sliding_window_size": 4096`,
			map[string]any{"attn_logit_softcapping": float32(50), "attention.sliding_window": uint32(4096)}},
		"gemma-2b": {`"architectures": ["GemmaForCausalLM"], "hidden_act": "gelu", "hidden_size": 2048, "intermediate_size": 16384, "num_attention_heads": 8,
			"num_hidden_layers": 18, "num_key_value_heads": 1, "head_dim": 256, "rope_scaling": null, "rope_theta": 10000.0`, map[string]any{"attention.key_length": uint32(256)}},
		"gemma-3-4b-it": {`"architectures": ["Gemma3ForConditionalGeneration"], "boi_token_index": 255999, "mm_tokens_per_image": 256, "text_config": {"hidden_size": 2560,
			"intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
			"vision_config": {"hidden_size": 1152, "num_hidden_layers": 27}`,
			map[string]any{"embedding_length": uint32(2560), "block_count": uint32(34), "attention.head_count": uint32(8), "rope.scaling.factor": float32(8), "context_length": uint32(131072)}},
		"embeddinggemma-300m": {`"architectures": ["Gemma3TextModel"], "_sliding_window_pattern": 6, "attn_logit_softcapping": null, "final_logit_softcapping": null, "head_dim": 256, "hidden_size": 768,
			"intermediate_size": 1152, "max_position_embeddings": 2048, "num_attention_heads": 3, "num_hidden_layers": 24, "num_key_value_heads": 1, "query_pre_attn_scalar": 256,
			"rope_local_base_freq": 10000.0, "rope_scaling": null, "sliding_window": 512, "use_bidirectional_attention": true`, map[string]any{"attention.sliding_window": uint32(512)}},
		"SmolVLM": {`"architectures": ["Idefics3ForConditionalGeneration"], "text_config": {"architectures": ["VLlama3ForCausalLM"], "head_dim": 64, "hidden_size": 2048, "intermediate_size": 8192,
			"model_type": "llama", "num_hidden_layers": 24, "num_key_value_heads": 32, "rope_theta": 273768.0, "vocab_size": 49155}, "vision_config": {"hidden_size": 1152}`,
			map[string]any{"attention.head_count": uint32(32), "embedding_length": uint32(2048)}},
		"Qwen2.5-VL-7B": {`"architectures": ["Qwen2_5_VLForConditionalGeneration"], "hidden_act": "silu", "hidden_size": 3584, "intermediate_size": 18944, "max_position_embeddings": 128000,
			"max_window_layers": 28, "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
			"use_sliding_window": false, "vision_config": {"depth": 32, "hidden_size": 1280}, "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "vocab_size": 152064`,
			map[string]any{"rope.dimension_sections": []int32{16, 24, 24, 0}, "embedding_length": uint32(3584)}},
		"Qwen3-Next-80B-A3B": {`"architectures": ["Qwen3NextForCausalLM"], "attention_bias": false, "decoder_sparse_step": 1, "full_attention_interval": 4, "head_dim": 256, "hidden_act": "silu",
			"hidden_size": 2048, "intermediate_size": 5120, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
			"linear_value_head_dim": 128, "max_position_embeddings": 262144, "mlp_only_layers": [], "moe_intermediate_size": 512, "norm_topk_prob": true, "num_attention_heads": 16,
			"num_experts": 512, "num_experts_per_tok": 10, "num_hidden_layers": 48, "num_key_value_heads": 2, "partial_rotary_factor": 0.25, "rope_scaling": null, "rope_theta": 10000000,
			"shared_expert_intermediate_size": 512, "use_sliding_window": false, "vocab_size": 151936`,
			map[string]any{"rope.dimension_count": uint32(64), "ssm.inner_size": uint32(4096), "expert_used_count": uint32(10)}},
		"Qwen3.5-35B-A3B": {`"architectures": ["Qwen3_5MoeForConditionalGeneration"], "text_config": {"attn_output_gate": true, "full_attention_interval": 4, "hidden_act": "silu", "hidden_size": 2048,
			"mlp_only_layers": [], "moe_intermediate_size": 512, "mtp_num_hidden_layers": 1, "num_experts": 256, "num_experts_per_tok": 8, "num_hidden_layers": 40, "rope_parameters":
			{"mrope_interleaved": true, "mrope_section": [11, 11, 10], "rope_type": "default", "rope_theta": 10000000, "partial_rotary_factor": 0.25}}, "vision_config": {"depth": 27}`,
			map[string]any{"rope.dimension_sections": []int32{11, 11, 10, 0}, "rope.dimension_count": uint32(64), "feed_forward_length": nil}},
		"DeepSeek-V3": {`"architectures": ["DeepseekV3ForCausalLM"], "aux_loss_alpha": 0.001, "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168, "kv_lora_rank": 512,
			"moe_layer_freq": 1, "n_group": 8, "norm_topk_prob": true, "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_nextn_predict_layers": 1, "max_position_embeddings": 163840,
			"rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096, "type": "yarn"},
			"scoring_func": "sigmoid", "topk_group": 4, "topk_method": "noaux_tc", "num_key_value_heads": 128`,
			map[string]any{"attention.key_length": uint32(576), "expert_gating_func": uint32(2), "block_count": uint32(61), "rope.scaling.yarn_log_multiplier": float32(0.1)}},
		"DeepSeek-V2-Lite": {`"architectures": ["DeepseekV2ForCausalLM"], "first_k_dense_replace": 1, "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408, "moe_layer_freq": 1,
			"n_group": 1, "topk_group": 1, "norm_topk_prob": false, "num_attention_heads": 16, "num_experts_per_tok": 6, "num_hidden_layers": 27, "q_lora_rank": null, "scoring_func": "softmax",
			"topk_method": "greedy", "vocab_size": 102400, "max_position_embeddings": 163840, "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707,
			"mscale_all_dim": 0.707, "original_max_position_embeddings": 4096, "type": "yarn"}`,
			map[string]any{"attention.q_lora_rank": nil, "expert_gating_func": uint32(1), "expert_weights_norm": nil, "leading_dense_block_count": uint32(1)}},
		"GLM-4.5-Air": {`"architectures": ["Glm4MoeForCausalLM"], "attention_bias": true, "first_k_dense_replace": 1, "head_dim": 128, "hidden_size": 4096, "n_group": 1, "num_hidden_layers": 46,
			"num_nextn_predict_layers": 1, "partial_rotary_factor": 0.5, "rope_scaling": null, "rope_theta": 1000000, "use_qk_norm": false, "topk_group": 1, "norm_topk_prob": true`,
			map[string]any{"block_count": uint32(47), "nextn_predict_layers": uint32(1), "rope.dimension_count": uint32(64)}},
		"GLM-4.7-Flash": {`"architectures": ["Glm4MoeLiteForCausalLM"], "attention_bias": false, "first_k_dense_replace": 1, "hidden_size": 2048, "n_group": 1, "num_hidden_layers": 47,
			"num_nextn_predict_layers": 1, "partial_rotary_factor": 1.0, "rope_scaling": null, "rope_theta": 1000000, "topk_method": "noaux_tc", "routed_scaling_factor": 1.8`,
			map[string]any{"block_count": uint32(48), "nextn_predict_layers": uint32(1), "attention.value_length_mla": uint32(256)}},
		"gpt-oss-20b in BF16": {`"architectures": ["GptOssForCausalLM"], "experts_per_token": 4, "initial_context_length": 4096, "swiglu_limit": 7.0, "num_hidden_layers": 24, "num_local_experts": 32,
			"rope_scaling": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0, "original_max_position_embeddings": 4096, "rope_type": "yarn", "truncate": false}`,
			map[string]any{"expert_count": uint32(32), "attention.sliding_window": uint32(128)}},
		"Ministral-3-8B": {`"architectures": ["Mistral3ForConditionalGeneration"], "model_type": "mistral3", "text_config": {"model_type": "ministral3", "head_dim": 128, "hidden_size": 4096, "num_hidden_layers": 34,
			"rope_parameters": {"beta_fast": 32.0, "beta_slow": 1.0, "factor": 16.0, "llama_4_scaling_beta": 0.1, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 16384,
			"rope_theta": 1000000.0, "rope_type": "yarn", "type": "yarn"}, "sliding_window": null}`, map[string]any{"attention.temperature_scale": float32(0.1)}},
		"Llama-4-Scout": {`"architectures": ["Llama4ForConditionalGeneration"], "text_config": {"attention_chunk_size": 8192, "attn_scale": 0.1, "attn_temperature_tuning": 4, "floor_scale": 8192,
			"intermediate_size": 8192, "intermediate_size_mlp": 16384, "interleave_moe_layer_step": 1, "no_rope_layers": [], "num_local_experts": 16, "rope_scaling": {"factor": 16.0,
			"high_freq_factor": 1.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "use_qk_norm": true}`,
			map[string]any{"feed_forward_length": uint32(16384), "expert_feed_forward_length": uint32(8192)}},
		"granite-4.0-h-tiny": {`"architectures": ["GraniteMoeHybridForCausalLM"], "attention_multiplier": 0.0078125, "embedding_multiplier": 12, "hidden_size": 1536, "init_method": "mup", "intermediate_size": 512,
			"layer_types": ["mamba", "mamba", "mamba", "attention"], "logits_scaling": 6, "mamba_chunk_size": 256, "mamba_d_conv": 4, "mamba_d_head": 64, "mamba_d_state": 128, "mamba_expand": 2,
			"mamba_n_groups": 1, "mamba_n_heads": 48, "max_position_embeddings": 131072, "normalization_function": "rmsnorm", "num_attention_heads": 12, "num_experts_per_tok": 6,
			"num_hidden_layers": 4, "num_key_value_heads": 4, "num_local_experts": 64, "position_embedding_type": "nope", "residual_multiplier": 0.22, "shared_intermediate_size": 1024, "vocab_size": 100352`,
			map[string]any{"attention.head_count_kv": []int32{0, 0, 0, 4}, "rope.scaling.finetuned": false, "context_length": uint32(1 << 20)}},
		"SmolLM3-3B": {`"architectures": ["SmolLM3ForCausalLM"], "max_window_layers": 28, "mlp_bias": false, "no_rope_layer_interval": 4, "num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0],
			"layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"], "pretraining_tp": 2, "rope_theta": 5000000.0, "sliding_window": null, "use_sliding_window": false`,
			map[string]any{"rope.freq_base": float32(5e6), "context_length": uint32(32768)}},
		"c4ai-command-r7b": {`"architectures": ["Cohere2ForCausalLM"], "head_dim": 128, "hidden_size": 4096, "layer_switch": 4, "logit_scale": 0.25, "num_attention_heads": 32, "num_hidden_layers": 32,
			"num_key_value_heads": 8, "order_of_interleaved_layers": "local_attn_first", "position_embedding_type": "rope_gptj", "rotary_pct": 1.0, "sliding_window": 4096, "sliding_window_pattern": 4,
			"use_embedding_sharing": true, "use_gated_activation": true, "use_parallel_block": true, "intermediate_size": 14336`, map[string]any{"rope.dimension_count": uint32(128)}},
		"EXAONE-4.0-32B": {`"architectures": ["Exaone4ForCausalLM"], "head_dim": 128, "hidden_size": 5120, "intermediate_size": 27392, "num_attention_heads": 40, "num_hidden_layers": 8, "num_key_value_heads": 8,
			"rope_scaling": {"factor": 16.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "sliding_window": 4096,
			"sliding_window_pattern": "LLLG"`, map[string]any{"attention.sliding_window_pattern": []bool{true, true, true, false, true, true, true, false}}},
		"ERNIE-4.5-21B-A3B": {`"architectures": ["Ernie4_5_MoeForCausalLM"], "hidden_size": 2560, "moe_capacity": [64, 64, 64], "moe_gate": "topk", "moe_k": 6, "moe_layer_end_index": 27, "moe_num_experts": 64,
			"moe_num_shared_experts": 2, "moe_use_aux_free": true, "num_hidden_layers": 28, "num_nextn_predict_layers": 1, "rope_scaling": null, "tie_word_embeddings": true`,
			map[string]any{"expert_shared_feed_forward_length": uint32(3072), "expert_used_count": uint32(6)}},
		"Hunyuan-0.5B": {`"architectures": ["HunYuanDenseV1ForCausalLM"], "attention_head_dim": 128, "cla_share_factor": 2, "head_dim": 128, "hidden_size": 1024, "max_position_embeddings": 262144, "num_attention_heads": 16,
			"num_experts": 1, "rope_scaling": {"alpha": 1000.0, "beta_fast": 32, "beta_slow": 1, "factor": 1.0, "mscale": 1.0, "mscale_all_dim": 0.0, "type": "dynamic"}, "tie_word_embeddings": true,
			"use_cla": false, "use_qk_norm": true`, map[string]any{"rope.freq_base": float32(11158840), "expert_count": nil, "rope.scaling.original_context_length": uint32(1 << 18)}},
		"LFM2-350M": {`"architectures": ["Lfm2ForCausalLM"], "block_auto_adjust_ff_dim": true, "block_dim": 1024, "block_ff_dim": 6656, "block_ffn_dim_multiplier": 1.0, "block_multiple_of": 256,
			"block_norm_eps": 1e-05, "block_use_swiglu": true, "conv_L_cache": 3, "conv_bias": false, "full_attn_idxs": [2, 5, 8, 10, 12, 14], "hidden_size": 1024, "norm_eps": 1e-05,
			"num_attention_heads": 16, "num_heads": 16, "num_hidden_layers": 16, "num_key_value_heads": 8, "rope_theta": 1000000.0, "theta": 1000000.0, "tie_embedding": true, "use_pos_enc": true`,
			map[string]any{"feed_forward_length": uint32(4608)}},
		"falcon-7b": {`"architectures": ["FalconForCausalLM"], "alibi": false, "apply_residual_connection_post_layernorm": false, "bias": false, "hidden_size": 4544, "layer_norm_epsilon": 1e-05, "multi_query": true,
			"new_decoder_architecture": false, "num_attention_heads": 71, "num_hidden_layers": 32, "parallel_attn": true, "vocab_size": 65024`, map[string]any{"attention.head_count_kv": uint32(1)}},
		"bloom-560m": {`"architectures": ["BloomForCausalLM"], "apply_residual_connection_post_layernorm": false, "attention_softmax_in_fp32": true, "n_embed": 1024, "n_layer": 24, "num_attention_heads": 16,
			"seq_length": 2048, "skip_bias_add": true`, map[string]any{"context_length": uint32(2048), "embedding_length": uint32(1024)}},
		"phi-2": {`"architectures": ["PhiForCausalLM"], "hidden_act": "gelu_new", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32, "num_key_value_heads": 32, "partial_rotary_factor": 0.4,
			"qk_layernorm": false, "rope_scaling": null`, map[string]any{"rope.dimension_count": uint32(32)}},
		"mamba-130m": {`"architectures": ["MambaForCausalLM"], "d_inner": 1536, "d_model": 768, "expand": 2, "fused_add_norm": true, "hidden_act": "silu", "hidden_size": 768, "intermediate_size": 1536, "n_layer": 24,
			"num_hidden_layers": 24, "pad_vocab_size_multiple": 8, "ssm_cfg": {}, "time_step_rank": 48, "vocab_size": 50280`, map[string]any{"ssm.time_step_rank": uint32(48)}},
		"flan-t5-small": {`"architectures": ["T5ForConditionalGeneration"], "d_ff": 1024, "d_kv": 64, "d_model": 512, "decoder_start_token_id": 0, "feed_forward_proj": "gated-gelu", "is_encoder_decoder": true,
			"n_positions": 512, "num_decoder_layers": 8, "num_heads": 6, "num_layers": 8, "tie_word_embeddings": false`, map[string]any{"decoder_block_count": uint32(8)}},
	} {
		t.Run(name, func(t *testing.T) {
			c0, err := parseConfig([]byte("{"+c.config+"}"), "config.json")
			require.NoError(t, err)
			f, _, cfg, err := Find(c0)
			require.NoError(t, err)
			spec := f.Describe(cfg)
			require.NoError(t, cfg.Err())
			got := map[string]any{}
			for _, kv := range spec.Metadata {
				got[kv.Key] = kv.Value
			}
			arch := f.Name
			if spec.Name != "" {
				arch = spec.Name
			}
			for k, v := range c.want {
				require.Equal(t, v, got[arch+"."+k], k)
			}
		})
	}
}
