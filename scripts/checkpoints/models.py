"""The models that random_models.py makes: a tiny config of a class, the golden folder whose tokenizer it takes, and changes."""
import torch
import transformers as hf

SMALL = dict(vocab_size=400, hidden_size=64, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=512, bos_token_id=398, eos_token_id=399, pad_token_id=399)
SPM = dict(bos_token_id=2, eos_token_id=1, pad_token_id=0)


def of(config, model, **more):
    return lambda: getattr(hf, model)(getattr(hf, config)(**{**SMALL, **more}))


def random(*shape):
    return torch.randn(shape, dtype=torch.bfloat16) * 0.2


# ---- layers that predict further tokens, which transformers does not make

def glm_next(t):
    for k in [k for k in t if k.startswith("model.layers.2.")]:
        t[k.replace("layers.2.", "layers.3.")] = t[k] * 0.5
    p = "model.layers.3."
    t.update({p + "eh_proj.weight": random(64, 128), p + "enorm.weight": random(64), p + "hnorm.weight": random(64),
              p + "embed_tokens.weight": random(400, 64), p + "shared_head.head.weight": random(400, 64), p + "shared_head.norm.weight": random(64)})


def exaone_next(t):
    for k in list(t):
        for layer in ["model.layers.3.", "model.layers.0.mlp."]:  # attention of one, the dense part of the other
            if k.startswith(layer) and (".mlp." in k) == (".mlp." in layer):
                t["mtp.layers.0." + k.split(".", 3)[3]] = t[k] * 0.5
    t.update({"mtp.fc.weight": random(64, 128), "mtp.pre_fc_norm_embedding.weight": random(64), "mtp.pre_fc_norm_hidden.weight": random(64),
              "mtp.norm.weight": random(64)})


def turn_experts(t):
    for k in t:
        if k.endswith(("experts.gate_up_proj", "experts.down_proj")):
            t[k] = t[k].transpose(1, 2).contiguous()


def own_head(t):
    t["lm_head.weight"] = t["shared.weight"].clone()


# ---- models

def qwen3vlmoe():
    vision = dict(depth=1, hidden_size=32, intermediate_size=64, num_heads=2, patch_size=4, out_hidden_size=64, image_size=16,
                  deepstack_visual_indexes=[0], spatial_merge_size=2, temporal_patch_size=2)
    text = dict({k: v for k, v in SMALL.items() if "token_id" not in k}, moe_intermediate_size=48, num_hidden_layers=2, head_dim=16, num_experts=4,
                num_experts_per_tok=2, eos_token_id=397, pad_token_id=397, tie_word_embeddings=False,
                rope_parameters={"rope_type": "default", "rope_theta": 500000.0, "mrope_section": [4, 2, 2]})
    return hf.Qwen3VLMoeForConditionalGeneration(hf.Qwen3VLMoeConfig(text_config=text, vision_config=vision, tie_word_embeddings=False))


def llava():
    vision = hf.CLIPVisionConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=4, projection_dim=32)
    return hf.LlavaForConditionalGeneration(hf.LlavaConfig(text_config=hf.LlamaConfig(**SMALL, num_hidden_layers=2), vision_config=vision, image_token_index=390))


def t5(name, **more):
    return lambda: getattr(hf, name + "ForConditionalGeneration")(getattr(hf, name + "Config")(
        vocab_size=400, d_model=64, d_kv=16, d_ff=128, num_layers=2, num_decoder_layers=2, num_heads=4, decoder_start_token_id=0, **more))


SIX = ["sliding_attention"] * 5 + ["full_attention"]
GEMMA4 = dict(SPM, vocab_size=401, vocab_size_per_layer_input=401, head_dim=32, global_head_dim=64, sliding_window=16)
MOE = dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)

MODELS = {
    "gemma4-experts": dict(tokenizer="gemma4", make=of(
        "Gemma4TextConfig", "Gemma4ForCausalLM", num_hidden_layers=6, layer_types=SIX, hidden_size_per_layer_input=0, enable_moe_block=True, num_experts=4,
        top_k_experts=2, moe_intermediate_size=32, attention_k_eq_v=True, num_global_key_value_heads=1, **GEMMA4)),
    "gemma4-shared": dict(tokenizer="gemma4", make=of(
        "Gemma4TextConfig", "Gemma4ForCausalLM", num_hidden_layers=12, layer_types=SIX + SIX, hidden_size_per_layer_input=16, num_kv_shared_layers=6,
        use_double_wide_mlp=True, **GEMMA4)),
    "glm4moe-nextn": dict(tokenizer="glm4moe", change=glm_next, make=of(
        "Glm4MoeConfig", "Glm4MoeForCausalLM", num_hidden_layers=3, head_dim=16, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
        n_shared_experts=1, first_k_dense_replace=1, attention_bias=True, use_qk_norm=True, num_nextn_predict_layers=1)),
    "exaone-moe-nextn": dict(tokenizer="exaone-moe", change=exaone_next, make=of(
        "ExaoneMoeConfig", "ExaoneMoeForCausalLM", num_hidden_layers=4, num_shared_experts=1, first_k_dense_replace=1, sliding_window=16,
        sliding_window_pattern=4, num_nextn_predict_layers=1, **MOE)),
    "nemotron-h-experts": dict(tokenizer="nemotron-h", make=of(
        "NemotronHConfig", "NemotronHForCausalLM", head_dim=16, layers_block_type=["linear_attention", "moe", "full_attention", "moe"], mamba_num_heads=8,
        mamba_head_dim=16, n_groups=2, ssm_state_size=16, chunk_size=16, n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=32,
        moe_shared_expert_intermediate_size=48, routed_scaling_factor=2.5)),
    "qwen3vlmoe": dict(tokenizer="qwen3-vl", make=qwen3vlmoe, change=turn_experts),  # as published
    "llava": dict(tokenizer="llama", make=llava),
    "gemma-embedding": dict(tokenizer="gemma3", kind="encoder", make=of(
        "Gemma3TextConfig", "Gemma3TextModel", num_hidden_layers=7, head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
        use_bidirectional_attention=True, **SPM)),
    "mt5": dict(tokenizer="t5", kind="encoder-decoder", make=t5("MT5"), change=own_head, config={"tie_word_embeddings": False}),
    "umt5": dict(tokenizer="t5", kind="encoder-decoder", make=t5("UMT5")),
    "granitemoe-shared": dict(tokenizer="granitemoe", make=of(
        "GraniteMoeSharedConfig", "GraniteMoeSharedForCausalLM", num_hidden_layers=2, num_local_experts=4, num_experts_per_tok=2, shared_intermediate_size=48,
        embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=0.22, attention_multiplier=0.0625)),
    "vllama3": dict(tokenizer="llama", config={"architectures": ["VLlama3ForCausalLM"]}, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2)),
}


def exaone(t):  # EXAONE 3.5 is Llama under other names
    names = {"model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "model.layers.": "transformer.h.", "input_layernorm": "ln_1",
             "post_attention_layernorm": "ln_2", "self_attn.o_proj": "attn.attention.out_proj", "self_attn.": "attn.attention.",
             "mlp.gate_proj": "mlp.c_fc_0", "mlp.up_proj": "mlp.c_fc_1", "mlp.down_proj": "mlp.c_proj"}
    for k in list(t):
        to = k
        for a, b in names.items():
            to = to.replace(a, b)
        t[to] = t.pop(k)


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 1e6}
MODELS |= {
    "exaone": dict(tokenizer="exaone4", raw=True, rename=exaone, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2, rope_parameters=LLAMA3, rms_norm_eps=1e-5), config={
        "architectures": ["ExaoneForCausalLM"], "model_type": "exaone", "activation_function": "silu", "num_layers": 2, "layer_norm_epsilon": 1e-5,
        "rope_scaling": {k: v for k, v in LLAMA3.items() if k != "rope_theta"}, "rope_theta": 1e6, "rope_parameters": None, "hidden_act": None, "rms_norm_eps": None, "num_hidden_layers": None, "head_dim": None}),
    "iquestcoder": dict(tokenizer="llama", config={"architectures": ["IQuestCoderForCausalLM"]}, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2)),
    "youtu": dict(tokenizer="llama", make=of(
        "YoutuConfig", "YoutuForCausalLM", num_hidden_layers=2, pad_token_id=None, num_key_value_heads=4, q_lora_rank=32, kv_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=12)),
}


# ---- classes that transformers does not have, as others under their names

def renamed(t, names):
    for k in list(t):
        to = k
        for a, b in names.items():
            to = to.replace(a, b)
        t[to] = t.pop(k)


def internlm2(t):  # for each head of keys its queries, keys and values
    renamed(t, {"model.embed_tokens": "model.tok_embeddings", "lm_head": "output", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
                "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.down_proj": "feed_forward.w2", "mlp.up_proj": "feed_forward.w3"})
    for n in range(2):
        q, k, v = (t.pop(f"model.layers.{n}.self_attn.{x}_proj.weight").view(2, -1, 16, 64) for x in "qkv")
        t[f"model.layers.{n}.attention.wqkv.weight"] = torch.cat([q, k, v], 1).view(-1, 64).contiguous()


def kormo(t):
    renamed(t, {"input_layernorm": "pre_attention_layernorm", "post_attention_layernorm": "pre_mlp_layernorm"})


def same(t):
    pass


def pack(t, name, to):
    for k in [k for k in t if k.endswith("q_proj.weight")]:
        p = k[:-len("self_attn.q_proj.weight")]
        t[p + to] = torch.cat([t.pop(p + f"self_attn.{x}_proj.weight") for x in "qkv"])


def baichuan(t):
    pack(t, "self_attn", "self_attn.W_pack.weight")


def not_forever(text):  # the converter of 2026 calls itself for all other tensors
    from conversion.baichuan import BaichuanModel
    whole = BaichuanModel.modify_tensors
    BaichuanModel.modify_tensors = lambda self, data, name, bid: (whole if "W_pack" in name else text.modify_tensors)(self, data, name, bid)


def plain_vocab(text):
    from conversion.hunyuan import HunYuanMoEModel
    HunYuanMoEModel.set_vocab = lambda self: self._set_vocab_gpt2()


def no_shared_gate(model):  # sigmoid(0) is a half
    for n, p in model.named_parameters():
        if "shared_expert_gate" in n:
            p.data.zero_()


def halve_shared(t):
    for k in list(t):
        if "shared_expert_gate" in k:
            del t[k]
        elif "shared_expert.down_proj" in k:
            t[k] = t[k] * 0.5
    renamed(t, {"shared_expert.": "shared_experts."})


def bailing(t):
    if any("shared_expert." in k for k in t):
        halve_shared(t)
    pack(t, "self_attn", "attention.query_key_value.weight")
    renamed(t, {"model.embed_tokens": "model.word_embeddings", "self_attn.o_proj": "attention.dense", "self_attn.q_norm": "attention.query_layernorm",
                "self_attn.k_norm": "attention.key_layernorm", "mlp.gate.e_score_correction_bias": "mlp.gate.expert_bias"})


PLAIN = {"rope_parameters": None, "head_dim": None, "attention_bias": None, "mlp_bias": None}
LONG = {"rope_type": "longrope", "factor": 1.0, "short_factor": [1 + n / 8 for n in range(8)], "long_factor": [1 + n / 2 for n in range(8)]}
RAW = dict(raw=True, tokenizer="tinyllama-spm")
SOFT = dict(num_hidden_layers=3, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, shared_expert_intermediate_size=64, mlp_only_layers=[0], qkv_bias=False)
NO_SHARED = {"shared_expert_intermediate_size": None, "mlp_only_layers": None, "decoder_sparse_step": None, "qkv_bias": None, "layer_types": None, "use_sliding_window": None,
             "sliding_window": None, "max_window_layers": None, "first_k_dense_replace": 1, **PLAIN}
MODELS |= {
    "internlm2": dict(RAW, rename=internlm2, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2), config={
        **PLAIN, "architectures": ["InternLM2ForCausalLM"], "model_type": "internlm2", "bias": False, "rope_theta": 10000.0, "rope_scaling": {"type": "dynamic", "factor": 2.0}}),
    "internlm3": dict(RAW, rename=same, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2, head_dim=32), config={
        "rope_parameters": None, "architectures": ["InternLM3ForCausalLM"], "model_type": "internlm3", "bias": False, "qkv_bias": False}),
    "kormo": dict(raw=True, tokenizer="qwen2", rename=kormo, make=of("LlamaConfig", "LlamaForCausalLM", num_hidden_layers=2), config={
        "architectures": ["KORMoForCausalLM"], "model_type": "kormo"}),
    "orion": dict(RAW, rename=same, make=of("StableLmConfig", "StableLmForCausalLM", num_hidden_layers=2, partial_rotary_factor=1.0, rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 1.0}), config={
        **PLAIN, "architectures": ["OrionForCausalLM"], "model_type": "orion", "rms_norm_eps": 1e-5, "layer_norm_eps": None, "partial_rotary_factor": None,
        "use_parallel_residual": None, "use_qkv_bias": None, "qk_layernorm": None}),
    "baichuan": dict(RAW, patch=not_forever, rename=baichuan, make=of("LlamaConfig", "LlamaForCausalLM", hidden_size=32, intermediate_size=48, num_key_value_heads=4, num_hidden_layers=32), config={
        **PLAIN, "architectures": ["BaichuanForCausalLM"], "model_type": "baichuan", "num_key_value_heads": None, "z_loss_weight": 0}),
    "minicpm": dict(RAW, rename=same, make=of(
        "GraniteConfig", "GraniteForCausalLM", num_hidden_layers=2, embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=1.4 / 2 ** 0.5, attention_multiplier=0.25), config={
        **PLAIN, "architectures": ["MiniCPMForCausalLM"], "model_type": "minicpm", "scale_emb": 12, "scale_depth": 1.4, "dim_model_base": 8,
        "embedding_multiplier": None, "logits_scaling": None, "residual_multiplier": None, "attention_multiplier": None}),
    "minicpm4": dict(RAW, rename=same, make=of(
        "GraniteConfig", "GraniteForCausalLM", num_hidden_layers=2, embedding_multiplier=12.0, logits_scaling=8.0, residual_multiplier=1.4 / 2 ** 0.5, attention_multiplier=0.25,
        max_position_embeddings=20, rope_parameters={**LONG, "original_max_position_embeddings": 20, "rope_theta": 1e4}), config={
        **PLAIN, "architectures": ["MiniCPMForCausalLM"], "model_type": "minicpm", "scale_emb": 12, "scale_depth": 1.4, "dim_model_base": 8, "rope_theta": 1e4,
        "rope_scaling": {**LONG, "original_max_position_embeddings": 20}, "embedding_multiplier": None, "logits_scaling": None, "residual_multiplier": None, "attention_multiplier": None}),
    "deepseek": dict(tokenizer="qwen2", raw=True, adjust=no_shared_gate, rename=halve_shared, make=of("Qwen2MoeConfig", "Qwen2MoeForCausalLM", norm_topk_prob=False, **SOFT), config={
        **NO_SHARED, "architectures": ["DeepseekForCausalLM"], "model_type": "deepseek", "num_experts": None, "n_routed_experts": 4, "n_shared_experts": 2, "scoring_func": "softmax"}),
    "bailingmoe": dict(tokenizer="qwen2", raw=True, adjust=no_shared_gate, rename=bailing, make=of("Qwen2MoeConfig", "Qwen2MoeForCausalLM", norm_topk_prob=True, **{**SOFT, "mlp_only_layers": []}), config={
        **NO_SHARED, "architectures": ["BailingMoeForCausalLM"], "model_type": "bailing_moe", "num_shared_experts": 2, "norm_head": False, "first_k_dense_replace": 0, "rope_theta": 1e4}),
    "bailingmoe2": dict(tokenizer="qwen2", raw=True, rename=bailing, make=of(
        "Glm4MoeConfig", "Glm4MoeForCausalLM", num_hidden_layers=3, head_dim=16, n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=32, n_shared_experts=1, n_group=4, topk_group=2,
        first_k_dense_replace=1, attention_bias=False, use_qk_norm=True, norm_topk_prob=True, routed_scaling_factor=2.5, partial_rotary_factor=0.5), config={
        "rope_parameters": None, "attention_bias": None, "architectures": ["BailingMoeV2ForCausalLM"], "model_type": "bailing_moe_v2", "n_routed_experts": None, "num_experts": 8,
        "n_shared_experts": None, "num_shared_experts": 1, "score_function": "sigmoid", "rope_theta": 1e4, "num_nextn_predict_layers": 0, "partial_rotary_factor": 0.5}),
    "hunyuan-moe": dict(tokenizer="hunyuan-dense", patch=plain_vocab, config={"moe_intermediate_size": [32, 32], "moe_topk": [2, 2], "num_shared_expert": [1, 1]}, make=of(
        "HunYuanMoEV1Config", "HunYuanMoEV1ForCausalLM", num_hidden_layers=2, intermediate_size=32, num_experts=4, moe_topk=[2, 2], head_dim=16)),
}

LONG4 = {**LONG, "short_factor": LONG["short_factor"][:4], "long_factor": LONG["long_factor"][:4]}
FLAT3 = {"rope_parameters": None, "head_dim": None}
MINI3 = dict(num_hidden_layers=2, pad_token_id=None, num_key_value_heads=4, q_lora_rank=32, kv_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=16,
             scale_emb=12, scale_depth=1.4, dim_model_base=256, hidden_act="silu")
MODELS |= {
    "minicpm3": dict(RAW, rename=same, make=of("MiniCPM3Config", "MiniCPM3ForCausalLM", **MINI3), config={**FLAT3}),
    "minicpm3-long": dict(RAW, rename=same, make=of("MiniCPM3Config", "MiniCPM3ForCausalLM", **{
        **MINI3, "max_position_embeddings": 20, "rope_parameters": {**LONG4, "original_max_position_embeddings": 20, "rope_theta": 1e4}}),
        config={**FLAT3, "rope_scaling": {**LONG4, "original_max_position_embeddings": 20}}),
}


def kimi():  # K2.5: DeepSeek V3 inside another
    return hf.DeepseekV3Config(**{**SMALL, "num_key_value_heads": 4}, num_hidden_layers=2, q_lora_rank=32, kv_lora_rank=24, qk_rope_head_dim=8, qk_nope_head_dim=16, v_head_dim=12,
                               n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1, moe_intermediate_size=32, first_k_dense_replace=1)


def inside(t):
    for k in list(t):
        t["language_model." + k] = t.pop(k)
    t["vision_tower.patch_embed.proj.weight"], t["mm_projector.proj.0.weight"] = random(8, 8), random(8, 8)


MODELS |= {
    "kimi": dict(raw=True, tokenizer="deepseek3", rename=inside, make=lambda: hf.DeepseekV3ForCausalLM(kimi()), config={
        **dict.fromkeys(kimi().to_dict()), "architectures": ["KimiK25ForConditionalGeneration"], "model_type": "kimi_k25",
        "text_config": {k: v for k, v in kimi().to_dict().items() if v not in (None, "") and k != "architectures"}}),
}
