#!/usr/bin/env python3
"""Make testdata/checkpoints: one tiny checkpoint, or two, of every class that carat converts.

    python3 scripts/checkpoints/make.py testdata/checkpoints

Needs nothing but Python, and always makes the same bytes. The weights are random; norms are not 1 and biases not 0,
since a converter that forgets one should be seen. Keys of a config that equal the default of its class are there to
be taken away by tests. expected.py records what must come of the folders.
"""
import hashlib, json, pathlib, struct, sys

LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
WORDS = ["th", "in", "an", "er", "on", "the", "and", "ing"]


# ---- weights

def uniform(seed, n):
    """n numbers in [0, 1) by SplitMix64."""
    mask = (1 << 64) - 1
    for _ in range(n):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        yield (z ^ z >> 31) / 2**64


def weights(name, shape, kind):
    """BF16 bytes: about normal, as sums of four uniform numbers, which are the same on every machine."""
    n = 1
    for d in shape:
        n *= d
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    u = list(uniform(seed, 4 * n))
    base, scale = {"norm": (1, 0.3), "norm less one": (0, 0.3), "bias": (0, 0.4), "embedding": (0, 1),
                   "matrix": (0, 1.3 / shape[-1] ** 0.5)}[kind]
    out = bytearray()
    for i in range(n):
        v = base + scale * (sum(u[4 * i:4 * i + 4]) - 2) * 3 ** 0.5
        bits = struct.unpack("<I", struct.pack("<f", v))[0]
        out += struct.pack("<H", (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    return bytes(out)


def safetensors(path, folder, tensors, norm):
    header, data = {}, b""
    for name, shape in sorted(tensors):
        kind = "matrix"
        if name.endswith(".bias"):
            kind = "bias"
        elif len(shape) == 1:
            kind = norm
        elif "embed_tokens" in name or "wte" in name or "wpe" in name or "embeddings." in name:
            kind = "embedding"
        b = weights(folder + "/" + name, shape, kind)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(data), len(data) + len(b)]}
        data += b
    h = json.dumps({"__metadata__": {"format": "pt"}, **header}, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 8)
    path.write_bytes(struct.pack("<Q", len(h)) + h + data)


# ---- tokenizers

def special(content, flag=True):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": flag}


def byte_level(split, specials, ignore_merges=False, normalizer=None, post=None):
    """Byte-level BPE with an alphabet of ASCII, and the words above."""
    alphabet = ["Ċ", "Ġ"] + [chr(c) for c in range(33, 127)]
    merges, vocab = [], list(alphabet)
    for w in WORDS:
        left = next((w[:i] for i in range(len(w) - 1, 0, -1) if w[:i] in vocab and w[i:] in vocab))
        merges.append([left, w[len(left):]])
        vocab.append(w)
    for w in ["the", "and"]:
        merges.append(["Ġ", w])
        vocab.append("Ġ" + w)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": split == "gpt-2"}
    pre = level
    if split == "digits":
        pre = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {**level, "use_regex": True}]}
    elif split != "gpt-2":
        pre = {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated", "invert": False}, level]}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": len(vocab) + i, **special(s, f)} for i, (s, f) in enumerate(specials)],
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "decoder": {**level, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore_merges,
                      "vocab": {t: i for i, t in enumerate(vocab)}, "merges": merges}}


def bos_first(token, id):
    """The post-processor that puts token before every text."""
    return {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                     {"SpecialToken": {"id": token, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}}}


def pieces(first, all_bytes):
    """Pieces of a SentencePiece model: (text, score, type), with letters after the words that are made of them."""
    out = [(t, 0.0, 2 if t == "<unk>" else 3) for t in first]
    if all_bytes:
        out += [("<0x%02X>" % b, 0.0, 6) for b in range(256)]
    made = ["▁t", "he", "▁a", "in", "▁the", "an", "nd", "▁and", "▁s"]
    out += [(t, -float(i), 1) for i, t in enumerate(made)]
    out += [(t, -float(len(made) + i), 1) for i, t in enumerate("▁etaoinshrdlucmfwypvbgkjqxz.,'")]
    return out


def sentencepiece(all_pieces, all_bytes, model_type=2, charsmap=b""):
    """tokenizer.model in protobuf's encoding; model_type is 1 for unigrams, 2 for BPE."""
    def field(n, b):
        size, n = b"", n << 3 | 2
        length = len(b)
        while True:
            size += bytes([length & 127 | (128 if length > 127 else 0)])
            length >>= 7
            if not length:
                return bytes([n]) + size + b
    out = b""
    for text, score, kind in all_pieces:
        p = field(1, text.encode()) + b"\x15" + struct.pack("<f", score)
        out += field(1, p + (b"\x18" + bytes([kind]) if kind != 1 else b""))
    trainer = b"\x18" + bytes([model_type]) + (b"\x98\x02\x01" if all_bytes else b"")  # model_type, byte_fallback
    return out + field(2, trainer) + field(3, field(1, b"identity") + (field(2, charsmap) if charsmap else b""))


def fallback_json(all_pieces):
    """The same vocabulary as transformers 5 saves it: BPE with byte fallback, without tokenizer.model."""
    vocab = {t: i for i, (t, _, _) in enumerate(all_pieces)}
    merges = []
    for t, _, kind in all_pieces:
        if kind == 1 and len(t) > 1:
            cut = next(i for i in range(len(t) - 1, 0, -1) if t[:i] in vocab and t[i:] in vocab)
            merges.append([t[:cut], t[cut:]])
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, **special(t)} for i, (t, _, kind) in enumerate(all_pieces) if kind in (2, 3)],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
            "pre_tokenizer": None, "post_processor": bos_first("<s>", 1),
            "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": vocab, "merges": merges}}


# ---- tensors

def attention(p, c, bias=False, norms=None):
    h, heads = c["hidden_size"], c["num_attention_heads"]
    kv, d = c.get("num_key_value_heads", heads), c.get("head_dim") or h // heads
    out = [(p + "q_proj.weight", [heads * d, h]), (p + "k_proj.weight", [kv * d, h]),
           (p + "v_proj.weight", [kv * d, h]), (p + "o_proj.weight", [h, heads * d])]
    if bias:
        out += [(p + "q_proj.bias", [heads * d]), (p + "k_proj.bias", [kv * d]), (p + "v_proj.bias", [kv * d])]
    if bias == "all":
        out += [(p + "o_proj.bias", [h])]
    if norms == "head":
        out += [(p + "q_norm.weight", [d]), (p + "k_norm.weight", [d])]
    if norms == "all":
        out += [(p + "q_norm.weight", [heads * d]), (p + "k_norm.weight", [kv * d])]
    return out


def gated(p, h, f, names=("gate_proj", "up_proj", "down_proj"), bias=False):
    out = [(p + names[0] + ".weight", [f, h]), (p + names[1] + ".weight", [f, h]), (p + names[2] + ".weight", [h, f])]
    if bias:
        out += [(p + names[0] + ".bias", [f]), (p + names[1] + ".bias", [f]), (p + names[2] + ".bias", [h])]
    return out


def decoder(c, layer, norms=("input_layernorm", "post_attention_layernorm")):
    h = c["hidden_size"]
    out = [("model.embed_tokens.weight", [c["vocab_size"], h]), ("model.norm.weight", [h])]
    if not c.get("tie_word_embeddings", c["model_type"].startswith("gemma")):
        out.append(("lm_head.weight", [c["vocab_size"], h]))
    for n in range(c["num_hidden_layers"]):
        p = f"model.layers.{n}."
        out += [(p + x + ".weight", [h]) for x in norms] + layer(p)
    return out


def dense(c, bias=False, norms=None, ffn_bias=False):
    return decoder(c, lambda p: attention(p + "self_attn.", c, bias, norms)
                   + gated(p + "mlp.", c["hidden_size"], c["intermediate_size"], bias=ffn_bias))


def moe(c, module, width, names=("gate_proj", "up_proj", "down_proj"), bias=False, norms=None, shared=0):
    h, n = c["hidden_size"], c.get("num_experts") or c["num_local_experts"]

    def layer(p):
        out = attention(p + "self_attn.", c, bias, norms) + [(p + module + "gate.weight", [n, h])]
        for e in range(n):
            out += gated(p + module + f"experts.{e}.", h, width, names)
        if shared:
            out += gated(p + "mlp.shared_expert.", h, shared) + [(p + "mlp.shared_expert_gate.weight", [1, h])]
        return out
    return decoder(c, layer)


def gemma3(c):
    return decoder(c, lambda p: attention(p + "self_attn.", c, norms="head") + gated(p + "mlp.", c["hidden_size"], c["intermediate_size"]),
                   ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"))


def phi3(c):
    h, f, d = c["hidden_size"], c["intermediate_size"], c["hidden_size"] // c["num_attention_heads"]
    return decoder(c, lambda p: [(p + "self_attn.qkv_proj.weight", [(c["num_attention_heads"] + 2 * c["num_key_value_heads"]) * d, h]),
                                 (p + "self_attn.o_proj.weight", [h, h]), (p + "mlp.gate_up_proj.weight", [2 * f, h]), (p + "mlp.down_proj.weight", [h, f])])


def gpt2(c):
    w = c["n_embd"]
    out = [("transformer.wte.weight", [c["vocab_size"], w]), ("transformer.wpe.weight", [c["n_positions"], w]),
           ("transformer.ln_f.weight", [w]), ("transformer.ln_f.bias", [w])]
    for n in range(c["n_layer"]):
        for name, *shape in [("ln_1", w), ("attn.c_attn", w, 3 * w), ("attn.c_proj", w, w), ("ln_2", w), ("mlp.c_fc", w, 4 * w), ("mlp.c_proj", 4 * w, w)]:
            p = f"transformer.h.{n}.{name}."
            out += [(p + "weight", shape), (p + "bias", shape[-1:])]
    return out


# ---- folders

CARD = """---
license: apache-2.0
language:
- en
- de
tags:
- tiny
- text-generation
base_model: carat-llm/Random-1B
---
Random weights, to test a converter with.
"""
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def small(model_type, hidden, layers, heads, kv, ffn, vocab, positions=64, **more):
    return {"model_type": model_type, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv,
            "intermediate_size": ffn, "vocab_size": vocab, "max_position_embeddings": positions, "hidden_act": "silu",
            "torch_dtype": "bfloat16", **more}


def folders():
    """Yields name, class, config, tensors, the tokenizer's files, further files."""
    llama_spm = pieces(["<unk>", "<s>", "</s>"], True)
    short_spm = pieces(["<unk>", "<s>", "</s>"], False)
    spm_config = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"}
    spm_specials = {"added_tokens_decoder": {str(i): special(t) for i, t in enumerate(["<unk>", "<s>", "</s>"])}}
    qwen = byte_level(QWEN2_SPLIT, [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<tool_call>", False)], normalizer={"type": "NFC"})
    qwen_files = {"tokenizer.json": qwen, "tokenizer_config.json": {
        "add_bos_token": False, "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": CHATML,
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in qwen["added_tokens"]}, "tokenizer_class": "Qwen2Tokenizer"}}
    qwen_size = 112  # two more than the tokens: padding
    gpt = byte_level("gpt-2", [("<|endoftext|>", True)])
    gpt_files = {"tokenizer.json": gpt, "tokenizer_config.json": {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer"}}
    end = 106

    tok = byte_level("digits", [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True)])
    c = small("llama", 32, 1, 4, 2, 48, 110, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False, attention_bias=False, mlp_bias=False,
              bos_token_id=107, eos_token_id=108, pad_token_id=106)
    yield "llama", "LlamaForCausalLM", c, dense(c), {"tokenizer.json": tok, "tokenizer_config.json": {
        "add_prefix_space": False, "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>", "chat_template": CHATML,
        "tokenizer_class": "GPT2Tokenizer"}}, {"README.md": CARD, "generation_config.json": {"temperature": 0.6, "top_k": 20, "top_p": 0.9}}

    first = "<|begin_of_text|>"
    tok = byte_level(LLAMA3_SPLIT, [(first, True), ("<|end_of_text|>", True)], ignore_merges=True, post=bos_first(first, end))
    c = small("llama", 16, 2, 2, 1, 24, 108, rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=True, attention_bias=True, mlp_bias=True,
              bos_token_id=end, eos_token_id=end + 1, rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                                    "original_max_position_embeddings": 32})
    yield "llama3-rope", "LlamaForCausalLM", c, dense(c, bias="all", ffn_bias=True), {"tokenizer.json": tok, "tokenizer_config.json": {
        "bos_token": first, "eos_token": "<|end_of_text|>", "tokenizer_class": "PreTrainedTokenizerFast"}}, {}

    c = small("mistral", 16, 1, 2, 1, 24, 300, head_dim=12, rms_norm_eps=1e-5, rope_theta=1000.0, sliding_window=None, tie_word_embeddings=False,
              bos_token_id=1, eos_token_id=2)
    yield "mistral", "MistralForCausalLM", c, dense(c), {"tokenizer.model": sentencepiece(llama_spm, True), "tokenizer_config.json": {
        **spm_config, "added_tokens_decoder": {**spm_specials["added_tokens_decoder"], "298": special("[TOOL]"), "299": special("[extra]", False)}}}, {}

    c = small("mistral", 16, 1, 2, 2, 24, len(llama_spm), rms_norm_eps=1e-6, rope_theta=10000.0, sliding_window=None, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)
    yield "mistral-json", "MistralForCausalLM", c, dense(c), {"tokenizer.json": fallback_json(llama_spm), "tokenizer_config.json": {**spm_config, **spm_specials}}, {}

    vocab = len(short_spm)
    c = small("mixtral", 16, 2, 2, 1, 16, vocab, rms_norm_eps=1e-5, rope_theta=1e6, sliding_window=None, tie_word_embeddings=False, num_experts_per_tok=2,
              num_local_experts=4, bos_token_id=1, eos_token_id=2)
    yield "mixtral", "MixtralForCausalLM", c, moe(c, "block_sparse_moe.", 16, ("w1", "w3", "w2")), {
        "tokenizer.model": sentencepiece(short_spm, False), "tokenizer_config.json": {**spm_config, **spm_specials}}, {}

    c = small("qwen2", 32, 1, 4, 2, 48, qwen_size, rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True, use_sliding_window=False, sliding_window=32,
              max_window_layers=1, eos_token_id=108)
    yield "qwen2", "Qwen2ForCausalLM", c, dense(c, bias=True), qwen_files, {}

    c = small("qwen2_moe", 16, 2, 2, 2, 32, qwen_size, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False, decoder_sparse_step=1,
              moe_intermediate_size=12, shared_expert_intermediate_size=24, num_experts_per_tok=2, num_experts=3, norm_topk_prob=False, mlp_only_layers=[],
              use_sliding_window=False, eos_token_id=108)
    yield "qwen2moe", "Qwen2MoeForCausalLM", c, moe(c, "mlp.", 12, bias=True, shared=24), qwen_files, {}

    c = small("qwen3", 16, 2, 2, 1, 24, qwen_size, head_dim=12, rms_norm_eps=1e-6, rope_theta=1000.0, tie_word_embeddings=True, attention_bias=False,
              use_sliding_window=False, eos_token_id=108, rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})
    yield "qwen3", "Qwen3ForCausalLM", c, dense(c, norms="head"), qwen_files, {}

    c = small("qwen3_moe", 16, 2, 2, 1, 32, qwen_size, head_dim=8, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False, decoder_sparse_step=1,
              moe_intermediate_size=12, num_experts_per_tok=2, num_experts=4, norm_topk_prob=True, mlp_only_layers=[], attention_bias=False,
              use_sliding_window=False, eos_token_id=108)
    yield "qwen3moe", "Qwen3MoeForCausalLM", c, moe(c, "mlp.", 12, norms="head"), qwen_files, {}

    c = small("olmoe", 16, 2, 2, 2, 12, end + 1, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False, num_experts_per_tok=2, num_experts=4,
              norm_topk_prob=False, attention_bias=False, clip_qkv=None, bos_token_id=end, eos_token_id=end)
    yield "olmoe", "OlmoeForCausalLM", c, moe(c, "mlp.", 12, norms="all"), gpt_files, {}

    gemma_spm = pieces(["<pad>", "<eos>", "<bos>", "<unk>"], False)
    c = small("gemma3_text", 16, 6, 2, 1, 16, len(gemma_spm), head_dim=8, query_pre_attn_scalar=8, rms_norm_eps=1e-6, rope_theta=1e6, rope_local_base_freq=10000.0,
              rope_scaling={"rope_type": "linear", "factor": 2.0}, sliding_window=4, hidden_activation="gelu_pytorch_tanh", attention_bias=False,
              layer_types=["sliding_attention"] * 5 + ["full_attention"], pad_token_id=0, eos_token_id=1, bos_token_id=2)
    del c["hidden_act"]
    yield "gemma3", "Gemma3ForCausalLM", c, gemma3(c), {"tokenizer.model": sentencepiece(gemma_spm, False), "tokenizer_config.json": {
        "add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
        "tokenizer_class": "GemmaTokenizer", "added_tokens_decoder": {}}}, {}

    c = small("phi3", 16, 2, 2, 1, 24, end + 1, original_max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=100.0, partial_rotary_factor=0.5,
              sliding_window=None, tie_word_embeddings=True, bos_token_id=end, eos_token_id=end, pad_token_id=end)
    yield "phi3", "Phi3ForCausalLM", c, phi3(c), gpt_files, {}

    c = small("phi3", 16, 2, 2, 2, 24, vocab, original_max_position_embeddings=32, rms_norm_eps=1e-5, rope_theta=10000.0, sliding_window=63,
              tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=0,
              rope_scaling={"type": "longrope", "short_factor": [1.0, 1.1, 1.25, 1.5], "long_factor": [1.5, 2.5, 3.5, 5.0]})
    yield "phi3-longrope", "Phi3ForCausalLM", c, phi3(c), {"tokenizer.model": sentencepiece(short_spm, False), "tokenizer_config.json": {
        **spm_config, **spm_specials}}, {}

    c = {"model_type": "gpt2", "n_embd": 32, "n_layer": 1, "n_head": 4, "n_positions": 64, "n_ctx": 64, "n_inner": None, "vocab_size": end + 1,
         "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "bos_token_id": end, "eos_token_id": end, "torch_dtype": "bfloat16"}
    yield "gpt2", "GPT2LMHeadModel", c, gpt2(c), gpt_files, {}


def main(out, folders):
    for name, cls, config, tensors, tokenizer, more in folders:
        d = out / name
        d.mkdir(parents=True, exist_ok=True)
        for file, content in {"config.json": {"architectures": [cls], **config}, **tokenizer, **more}.items():
            (d / file).parent.mkdir(exist_ok=True)
            if isinstance(content, (dict, list)):
                flat = file == "tokenizer.json"
                content = json.dumps(content, ensure_ascii=False, indent=None if flat else 1, separators=(",", ":") if flat else (",", ": ")) + "\n"
            (d / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        safetensors(d / "model.safetensors", name, tensors, "norm less one" if "gemma" in name else "norm")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), folders())
