#!/usr/bin/env python3
"""Make testdata/encoders: tiny checkpoints of models that embed and rank texts.

    python3 scripts/checkpoints/encoders.py testdata/encoders

As make.py, of which it takes what both need: nothing but Python, always the same bytes, random weights. The configs and the
names of tensors are those of published models. encoders_expected.py records what must come of the folders.
"""
import base64, json, pathlib, struct, sys

from make import byte_level, dense, gemma3, main, pieces, sentencepiece, small, special, weights, CHATML, QWEN2_SPLIT

HIDDEN, FFN, LAYERS, HEADS, POSITIONS = 16, 24, 2, 2, 64


# ---- tokenizers

def word_piece():
    """BERT's, of letters and some words."""
    letters = "abcdefghijklmnopqrstuvwxyz.,?!0123456789"
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters if c.isalnum()), "the", "and", "##ing", "a ring".split()[1], "##er"]
    piece = lambda token, kind: {"SpecialToken": {"id": token, "type_id": kind}}
    text = lambda name, kind: {"Sequence": {"id": name, "type_id": kind}}
    tokenizer = {"version": "1.0", "truncation": None, "padding": None,
                 "added_tokens": [{"id": i, **special(vocab[i])} for i in range(5)],
                 "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
                 "pre_tokenizer": {"type": "BertPreTokenizer"},
                 "post_processor": {"type": "TemplateProcessing", "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
                                    "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 1), piece("[SEP]", 1)],
                                    "special_tokens": {t: {"id": t, "ids": [vocab.index(t)], "tokens": [t]} for t in ("[CLS]", "[SEP]")}},
                 "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
                 "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                           "vocab": {t: i for i, t in enumerate(vocab)}}}
    config = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]", "do_lower_case": True,
              "model_max_length": POSITIONS, "tokenizer_class": "BertTokenizer"}
    return len(vocab), {"tokenizer.json": tokenizer, "tokenizer_config.json": config}


def characters():
    """SentencePiece's map of characters that makes a full-width A an A: a trie of 256 units, then what they become."""
    units, text = [0] * 256, "Ａ".encode()
    offset = lambda of, at: (of ^ at) << 10
    units[0] = offset(1, 0)
    first, second, third = 1 ^ text[0], 2 ^ text[1], 3 ^ text[2]
    units[first] = offset(2, first) | text[0]
    units[second] = offset(3, second) | text[1]
    units[third] = offset(4, third) | 1 << 8 | text[2]
    units[4] = 1 << 31
    trie = struct.pack("<256I", *units)
    return struct.pack("<I", len(trie)) + trie + b"A\0"


def unigrams(model_file):
    """XLM-RoBERTa's: tokenizer.json, and the SentencePiece model it was made of, in which the first tokens are others."""
    words = ["▁", "▁the", "▁and", "▁ring", "ing", "▁in", "er", "▁inn"] + [c for c in "▁abcdefghijklmnopqrstuvwxyzA.,?!"[1:]]
    pieces = [(w, -1.0 - i / 8) for i, w in enumerate(words)]
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
    tokenizer = {"version": "1.0", "truncation": None, "padding": None,
                 "added_tokens": [{"id": i, **special(t), "lstrip": t == "<mask>"} for i, (t, _) in enumerate(vocab) if t[0] == "<"],
                 "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(characters()).decode()},
                 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "prepend_scheme": "always"}]},
                 "post_processor": roberta_pairs("TemplateProcessing"),
                 "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True, "prepend_scheme": "always"},
                 "model": {"type": "Unigram", "unk_id": 3, "vocab": [list(v) for v in vocab], "byte_fallback": False}}
    config = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
              "mask_token": {"__type": "AddedToken", **special("<mask>"), "lstrip": True}, "clean_up_tokenization_spaces": True,
              "model_max_length": POSITIONS, "tokenizer_class": "XLMRobertaTokenizer"}
    files = {"tokenizer.json": tokenizer, "tokenizer_config.json": config}
    if model_file:
        files["sentencepiece.bpe.model"] = sentencepiece([("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), *((t, s, 1) for t, s in pieces)], False, 1, characters())
    return len(vocab), files


def roberta_pairs(kind):
    if kind == "RobertaProcessing":
        return {"type": kind, "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": True, "add_prefix_space": False}
    piece = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}
    text = lambda name: {"Sequence": {"id": name, "type_id": 0}}
    return {"type": kind, "single": [piece("<s>"), text("A"), piece("</s>")], "pair": [piece("<s>"), text("A"), piece("</s>"), piece("</s>"), text("B"), piece("</s>")],
            "special_tokens": {t: {"id": t, "ids": [i], "tokens": [t]} for t, i in (("<s>", 0), ("</s>", 2))}}


def roberta_bpe():
    """RoBERTa's, whose special tokens come first."""
    tok = byte_level("gpt-2", [], post=roberta_pairs("RobertaProcessing"))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *tok["model"]["vocab"], "<mask>"]
    tok["model"]["vocab"] = {t: i for i, t in enumerate(tokens)}
    tok["added_tokens"] = [{"id": i, **special(t), "lstrip": t == "<mask>"} for i, t in enumerate(tokens) if t[0] == "<" and len(t) > 1]
    config = {"add_prefix_space": False, "bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
              "mask_token": "<mask>", "model_max_length": POSITIONS, "tokenizer_class": "RobertaTokenizer"}
    return len(tokens), {"tokenizer.json": tok, "tokenizer_config.json": config}


def modern_bpe():
    """ModernBERT's."""
    specials = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tok = byte_level("gpt-2", [(t, True) for t in specials])
    ids = {t["content"]: t["id"] for t in tok["added_tokens"]}
    piece = lambda token, kind: {"SpecialToken": {"id": token, "type_id": kind}}
    text = lambda name, kind: {"Sequence": {"id": name, "type_id": kind}}
    tok["post_processor"] = {"type": "TemplateProcessing", "single": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0)],
                             "pair": [piece("[CLS]", 0), text("A", 0), piece("[SEP]", 0), text("B", 0), piece("[SEP]", 0)],
                             "special_tokens": {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in ("[CLS]", "[SEP]")}}
    config = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]", "model_max_length": POSITIONS,
              "model_input_names": ["input_ids", "attention_mask"], "tokenizer_class": "PreTrainedTokenizerFast"}
    return max(ids.values()) + 1, ids, {"tokenizer.json": tok, "tokenizer_config.json": config}


def qwen():
    """Qwen 3's, with the words of a reranker; the embedding models' ends texts with <|endoftext|>."""
    tok = byte_level(QWEN2_SPLIT, [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True)], normalizer={"type": "NFC"})
    vocab, merges = tok["model"]["vocab"], tok["model"]["merges"]
    at = len(vocab)
    for left, right in [("n", "o"), ("y", "e"), ("ye", "s")]:
        merges.append([left, right])
        vocab[left + right] = at
        at += 1
    for i, t in enumerate(tok["added_tokens"]):
        t["id"] = at + i
    return at, tok, {"tokenizer.json": tok, "tokenizer_config.json": {
        "add_bos_token": False, "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "chat_template": CHATML,
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tok["added_tokens"]}, "tokenizer_class": "Qwen2Tokenizer"}}


# ---- tensors

def both(name, *shape):
    return [(name + ".weight", list(shape)), (name + ".bias", list(shape[:1]))]


def bert_layer(p):
    return (both(p + "attention.self.query", HIDDEN, HIDDEN) + both(p + "attention.self.key", HIDDEN, HIDDEN) + both(p + "attention.self.value", HIDDEN, HIDDEN)
            + both(p + "attention.output.dense", HIDDEN, HIDDEN) + both(p + "attention.output.LayerNorm", HIDDEN)
            + both(p + "intermediate.dense", FFN, HIDDEN) + both(p + "output.dense", HIDDEN, FFN) + both(p + "output.LayerNorm", HIDDEN))


def bert(c, prefix, layer=bert_layer, pooler=False):
    p = prefix + "embeddings."
    out = [(p + "word_embeddings.weight", [c["vocab_size"], HIDDEN]), (p + "token_type_embeddings.weight", [c["type_vocab_size"], HIDDEN]), *both(p + "LayerNorm", HIDDEN)]
    if c.get("position_embedding_type", "absolute") == "absolute":
        out.append((p + "position_embeddings.weight", [c["max_position_embeddings"], HIDDEN]))
    for n in range(LAYERS):
        out += layer(f"{prefix}encoder.layer.{n}.")
    return out + (both(prefix + "pooler.dense", HIDDEN, HIDDEN) if pooler else [])


def masked_lm(c, p="cls.predictions."):
    return both(p + "transform.dense", HIDDEN, HIDDEN) + both(p + "transform.LayerNorm", HIDDEN) + [(p + "bias", [c["vocab_size"]])]


def distilbert(c, prefix):
    p = prefix + "embeddings."
    out = [(p + "word_embeddings.weight", [c["vocab_size"], HIDDEN]), (p + "position_embeddings.weight", [c["max_position_embeddings"], HIDDEN]), *both(p + "LayerNorm", HIDDEN)]
    for n in range(LAYERS):
        p = f"{prefix}transformer.layer.{n}."
        for x in "qkv":
            out += both(p + f"attention.{x}_lin", HIDDEN, HIDDEN)
        out += both(p + "attention.out_lin", HIDDEN, HIDDEN) + both(p + "sa_layer_norm", HIDDEN)
        out += both(p + "ffn.lin1", FFN, HIDDEN) + both(p + "ffn.lin2", HIDDEN, FFN) + both(p + "output_layer_norm", HIDDEN)
    return out


def nomic(c):
    h, f = c["n_embd"], c["n_inner"]
    out = [("embeddings.word_embeddings.weight", [c["vocab_size"], h]), ("embeddings.token_type_embeddings.weight", [c["type_vocab_size"], h]), *both("emb_ln", h)]
    for n in range(c["n_layer"]):
        p = f"encoder.layers.{n}."
        out += both(p + "norm1", h) + both(p + "norm2", h)
        every = c.get("moe_every_n_layers", 0)
        if not every:
            out += [(p + "attn.Wqkv.weight", [3 * h, h]), (p + "attn.out_proj.weight", [h, h])]
            out += [(p + f"mlp.{x}.weight", [f, h]) for x in ("fc11", "fc12")] + [(p + "mlp.fc2.weight", [h, f])]
            continue
        out += both(p + "attn.Wqkv", 3 * h, h) + both(p + "attn.out_proj", h, h)
        if n % every == 1:
            out += [(p + "mlp.router.layer.weight", [c["num_experts"], h]), (p + "mlp.experts.bias", [h]),
                    (p + "mlp.experts.mlp.w1", [c["num_experts"] * f, h]), (p + "mlp.experts.mlp.w2", [c["num_experts"] * f, h])]
        else:
            out += both(p + "mlp.fc1", f, h) + both(p + "mlp.fc2", h, f)
    return out


def jina2_layer(p):
    return (both(p + "attention.self.query", HIDDEN, HIDDEN) + both(p + "attention.self.key", HIDDEN, HIDDEN) + both(p + "attention.self.value", HIDDEN, HIDDEN)
            + both(p + "attention.output.dense", HIDDEN, HIDDEN) + both(p + "attention.output.LayerNorm", HIDDEN)
            + [(p + "mlp.gated_layers.weight", [2 * FFN, HIDDEN])] + both(p + "mlp.wo", HIDDEN, FFN) + both(p + "mlp.layernorm", HIDDEN))


def jina3(c):
    """Weights that adapters change hold them beside themselves, one for each task."""
    rank, tasks = c["lora_rank"], len(c["lora_adaptations"])

    def adapted(name, rows, cols, bias=True):
        p = name + ".parametrizations.weight."
        out = [(p + "original", [rows, cols]), (p + "0.lora_A", [tasks, rank, cols]), (p + "0.lora_B", [tasks, rows, rank])]
        return out + ([(name + ".bias", [rows])] if bias else [])
    p = "roberta.embeddings."
    out = [(p + "word_embeddings.parametrizations.weight.original", [c["vocab_size"], HIDDEN]), (p + "word_embeddings.parametrizations.weight.0.lora_A", [tasks, rank, c["vocab_size"]]),
           (p + "word_embeddings.parametrizations.weight.0.lora_B", [tasks, HIDDEN, rank]),
           (p + "token_type_embeddings.parametrizations.weight.original", [1, HIDDEN]), (p + "token_type_embeddings.parametrizations.weight.0.lora_A", [tasks, rank, 1]),
           (p + "token_type_embeddings.parametrizations.weight.0.lora_B", [tasks, HIDDEN, rank]), *both("roberta.emb_ln", HIDDEN)]
    for n in range(LAYERS):
        p = f"roberta.encoder.layers.{n}."
        out += adapted(p + "mixer.Wqkv", 3 * HIDDEN, HIDDEN) + adapted(p + "mixer.out_proj", HIDDEN, HIDDEN) + both(p + "norm1", HIDDEN)
        out += adapted(p + "mlp.fc1", FFN, HIDDEN) + adapted(p + "mlp.fc2", HIDDEN, FFN) + both(p + "norm2", HIDDEN)
    return out + adapted("roberta.pooler.dense", HIDDEN, HIDDEN)


def modernbert(c):
    h, f = c["hidden_size"], c["intermediate_size"]
    out = [("model.embeddings.tok_embeddings.weight", [c["vocab_size"], h]), ("model.embeddings.norm.weight", [h]), ("model.final_norm.weight", [h])]
    for n in range(c["num_hidden_layers"]):
        p = f"model.layers.{n}."
        out += [(p + "attn_norm.weight", [h])] if n else []
        out += [(p + "attn.Wqkv.weight", [3 * h, h]), (p + "attn.Wo.weight", [h, h]), (p + "mlp_norm.weight", [h]), (p + "mlp.Wi.weight", [2 * f, h]), (p + "mlp.Wo.weight", [h, f])]
    return out


def eurobert(c):
    return [(n.removeprefix("model."), s) for n, s in dense(c) if n != "lm_head.weight"]


def neobert(c):
    h, f = c["hidden_size"], 2 * c["intermediate_size"] // 3
    out = [("model.encoder.weight", [c["vocab_size"], h]), ("model.layer_norm.weight", [h])]
    for n in range(c["num_hidden_layers"]):
        p = f"model.transformer_encoder.{n}."
        out += [(p + "attention_norm.weight", [h]), (p + "qkv.weight", [3 * h, h]), (p + "wo.weight", [h, h]), (p + "ffn_norm.weight", [h]),
                (p + "ffn.w12.weight", [2 * f, h]), (p + "ffn.w3.weight", [h, f])]
    return out


# ---- folders

def pools(mode, normalize=True):
    """What sentence-transformers says of a model."""
    parts = [("Transformer", ""), ("Pooling", "1_Pooling")] + ([("Normalize", "2_Normalize")] if normalize else [])
    return {"modules.json": [{"idx": i, "name": str(i), "path": path, "type": "sentence_transformers.models." + t} for i, (t, path) in enumerate(parts)],
            "1_Pooling/config.json": {"word_embedding_dimension": HIDDEN, **{f"pooling_mode_{m}": m == mode for m in ("cls_token", "mean_tokens", "max_tokens", "lasttoken")}}}


def behind(*widths):
    """Dense layers behind the pooling, each in a folder of its own, for modules.json and the files."""
    files, modules = {}, []
    for i, (cols, rows) in enumerate(zip(widths, widths[1:])):
        folder = f"{i + 2}_Dense"
        data = weights(folder, [rows, cols], "matrix")
        header = json.dumps({"linear.weight": {"dtype": "BF16", "shape": [rows, cols], "data_offsets": [0, len(data)]}}, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        files[folder + "/model.safetensors"] = struct.pack("<Q", len(header)) + header + data
        files[folder + "/config.json"] = {"in_features": cols, "out_features": rows, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}
        modules.append({"idx": i + 2, "name": str(i + 2), "path": folder, "type": "sentence_transformers.models.Dense"})
    return files, modules


def base(model_type, vocab, **more):
    return {"model_type": model_type, "vocab_size": vocab, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": FFN,
            "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
            "layer_norm_eps": 1e-12, "initializer_range": 0.02, "torch_dtype": "float32", **more}


ONE = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}


def folders():
    """Yields what make.folders does."""
    size, files = word_piece()
    c = base("bert", size, position_embedding_type="absolute", pad_token_id=0)
    yield "bert-mlm", "BertForMaskedLM", c, bert(c, "bert.") + masked_lm(c), files, pools("mean_tokens")
    c = base("bert", size, position_embedding_type="absolute", pad_token_id=0, **ONE)
    yield "bert-rank", "BertForSequenceClassification", c, bert(c, "bert.", pooler=True) + both("classifier", 1, HIDDEN), files, {}
    c = {"model_type": "distilbert", "vocab_size": size, "dim": HIDDEN, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": FFN, "activation": "gelu",
         "max_position_embeddings": POSITIONS, "sinusoidal_pos_embds": False, "dropout": 0.1, "pad_token_id": 0, "torch_dtype": "float32"}
    yield "distilbert", "DistilBertModel", c, distilbert(c, ""), files, pools("mean_tokens")
    yield "distilbert-mlm", "DistilBertForMaskedLM", c, distilbert(c, "distilbert.") + both("vocab_transform", HIDDEN, HIDDEN) + both("vocab_layer_norm", HIDDEN) + [
        ("vocab_projector.bias", [size])], files, {}
    c = {**c, **ONE}
    yield "distilbert-rank", "DistilBertForSequenceClassification", c, distilbert(c, "distilbert.") + both("pre_classifier", HIDDEN, HIDDEN) + both("classifier", 1, HIDDEN), files, {}
    c = {"model_type": "nomic_bert", "vocab_size": size + 1, "n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_inner": FFN, "n_positions": 8192, "max_trained_positions": 2048,
         "activation_function": "swiglu", "type_vocab_size": 2, "layer_norm_epsilon": 1e-12, "rotary_emb_base": 1000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
         "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "causal": False, "prenorm": False, "qkv_proj_bias": False, "mlp_fc1_bias": False, "mlp_fc2_bias": False,
         "parallel_block": False, "use_rms_norm": False, "tie_word_embeddings": True, "torch_dtype": "float32",
         # What transformers reads; published configs leave it to the defaults of the class, which are the model's sizes.
         "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": FFN}
    yield "nomic", "NomicBertModel", c, nomic(c), files, pools("mean_tokens", False)
    c = base("bert", size, position_embedding_type="alibi", feed_forward_type="geglu", attn_implementation="torch", emb_pooler="mean", pad_token_id=0)
    c["auto_map"] = {"AutoConfig": "jinaai/jina-bert-implementation--configuration_bert.JinaBertConfig"}
    yield "jina2", "JinaBertModel", c, bert(c, "", jina2_layer, pooler=True), files, pools("mean_tokens")
    c = {"model_type": "neobert", "vocab_size": size, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": 36, "max_length": POSITIONS,
         "norm_eps": 1e-5, "dropout": 0, "embedding_init_range": 0.02, "decoder_init_range": 0.02, "pad_token_id": 0, "torch_dtype": "float32"}
    yield "neobert", "NeoBERT", c, neobert(c), files, {}

    size, files = roberta_bpe()
    c = base("roberta", size, layer_norm_eps=1e-5, type_vocab_size=1, max_position_embeddings=POSITIONS + 2, bos_token_id=0, pad_token_id=1, eos_token_id=2)
    yield "roberta", "RobertaModel", c, bert(c, "", pooler=True), files, pools("mean_tokens", False)
    c = {**c, **ONE}
    yield "roberta-rank", "RobertaForSequenceClassification", c, bert(c, "roberta.") + both("classifier.dense", HIDDEN, HIDDEN) + both("classifier.out_proj", 1, HIDDEN), files, {}

    for name, cls, model_file in [("xlm-roberta", "XLMRobertaModel", True), ("xlm-roberta-rank", "XLMRobertaForSequenceClassification", False)]:
        size, files = unigrams(model_file)
        c = base("xlm-roberta", size, layer_norm_eps=1e-5, type_vocab_size=1, max_position_embeddings=POSITIONS + 2, bos_token_id=0, pad_token_id=1, eos_token_id=2,
                 position_embedding_type="absolute")
        if model_file:
            yield name, cls, c, bert(c, "", pooler=True), files, pools("cls_token")
        else:
            c.update(ONE)
            yield name, cls, c, bert(c, "roberta.") + both("classifier.dense", HIDDEN, HIDDEN) + both("classifier.out_proj", 1, HIDDEN), files, {}
    c = base("xlm-roberta", size, layer_norm_eps=1e-5, type_vocab_size=1, max_position_embeddings=POSITIONS + 2, bos_token_id=0, pad_token_id=1, eos_token_id=2,
             position_embedding_type="rotary", rotary_emb_base=20000.0, lora_adaptations=["retrieval.query", "separation"], lora_rank=2, lora_alpha=1, lora_main_params_trainable=False,
             task_instructions={"retrieval.query": "find: ", "separation": ""}, use_flash_attn=True)
    yield "jina3", "XLMRobertaModel", c, jina3(c), files, pools("mean_tokens")
    c = {"model_type": "nomic_bert", "vocab_size": size, "n_embd": HIDDEN, "n_layer": 4, "n_head": HEADS, "n_inner": FFN, "n_positions": 2048, "max_trained_positions": 2048,
         "activation_function": "gelu", "type_vocab_size": 1, "layer_norm_epsilon": 1e-5, "rotary_emb_base": 10000, "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False,
         "rotary_emb_scale_base": None, "rotary_scaling_factor": None, "causal": False, "prenorm": False, "qkv_proj_bias": True, "mlp_fc1_bias": True, "mlp_fc2_bias": True,
         "parallel_block": False, "use_rms_norm": False, "num_experts": 3, "moe_every_n_layers": 2, "moe_top_k": 2, "moe_normalize_expert_weights": False, "ffn_div": 1,
         "expert_choice_router": False, "moe_impl": "megablocks", "num_shared_experts": 0, "pad_token_id": 1, "tie_word_embeddings": True, "torch_dtype": "float32"}
    yield "nomic-moe", "NomicBertModel", c, nomic(c), files, pools("mean_tokens")

    size, ids, files = modern_bpe()
    c = {"model_type": "modernbert", "vocab_size": size, "hidden_size": HIDDEN, "intermediate_size": FFN, "num_hidden_layers": 4, "num_attention_heads": HEADS, "hidden_activation": "gelu",
         "max_position_embeddings": POSITIONS, "norm_eps": 1e-5, "norm_bias": False, "attention_bias": False, "mlp_bias": False, "global_rope_theta": 160000.0, "local_rope_theta": 10000.0,
         "global_attn_every_n_layers": 3, "local_attention": 8, "classifier_activation": "gelu", "classifier_bias": False, "decoder_bias": True, "cls_token_id": ids["[CLS]"],
         "bos_token_id": ids["[CLS]"], "sep_token_id": ids["[SEP]"], "eos_token_id": ids["[SEP]"], "pad_token_id": ids["[PAD]"], "torch_dtype": "float32"}
    head = [("head.dense.weight", [HIDDEN, HIDDEN]), ("head.norm.weight", [HIDDEN])]
    c["classifier_pooling"] = "mean"
    yield "modernbert-mlm", "ModernBertForMaskedLM", c, modernbert(c) + head, files, {}
    yield "modernbert-rank", "ModernBertForSequenceClassification", {**c, **ONE}, modernbert(c) + head + both("classifier", 1, HIDDEN), files, {}
    yield "modernbert-rank-cls", "ModernBertForSequenceClassification", {**c, **ONE, "classifier_pooling": "cls"}, modernbert(c) + head + both("classifier", 1, HIDDEN), files, {}

    at, tok, files = qwen()
    c = small("qwen3", HIDDEN, LAYERS, HEADS, 1, FFN, at + 3, 512, head_dim=12, rms_norm_eps=1e-6, rope_theta=1e6, tie_word_embeddings=True, attention_bias=False,
              use_sliding_window=False, bos_token_id=at, eos_token_id=at)
    post = {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "<|endoftext|>", "type_id": 1}}],
            "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [at], "tokens": ["<|endoftext|>"]}}}
    yield "qwen3-reranker", "Qwen3ForCausalLM", c, dense(c, norms="head"), files, {}
    yield "qwen3-embedding", "Qwen3ForCausalLM", c, dense(c, norms="head"), {**files, "tokenizer.json": {**tok, "post_processor": post}}, pools("lasttoken")
    c = {**small("eurobert", HIDDEN, LAYERS, HEADS, 1, FFN, at + 3, rms_norm_eps=1e-5, rope_theta=250000, tie_word_embeddings=False, attention_bias=False, mlp_bias=False,
                 bos_token_id=at, eos_token_id=at + 1, pad_token_id=at + 1, mask_token_id=at + 2), "torch_dtype": "float32"}
    yield "eurobert", "EuroBertModel", c, eurobert(c), files, {}

    tokens = pieces(["<pad>", "<eos>", "<bos>", "<unk>"], True)
    c = {**small("gemma3_text", HIDDEN, 6, HEADS, 1, FFN, len(tokens), head_dim=8, query_pre_attn_scalar=8, rms_norm_eps=1e-6, rope_theta=1e6, rope_local_base_freq=10000.0, sliding_window=8,
                 hidden_activation="gelu_pytorch_tanh", attention_bias=False, use_bidirectional_attention=True,
                 layer_types=["sliding_attention"] * 5 + ["full_attention"], pad_token_id=0, eos_token_id=1, bos_token_id=2), "torch_dtype": "float32"}
    del c["hidden_act"]
    files, modules = behind(HIDDEN, 40, HIDDEN)
    pooled = pools("mean_tokens")
    pooled["modules.json"] = pooled["modules.json"][:2] + modules + [{**pooled["modules.json"][2], "idx": 4, "name": "4", "path": "4_Normalize"}]
    yield "embeddinggemma", "Gemma3TextModel", c, [t for t in gemma3(c) if t[0] != "lm_head.weight"], {
        "tokenizer.model": sentencepiece(tokens, True), "tokenizer_config.json": {
            "add_bos_token": True, "add_eos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
            "tokenizer_class": "GemmaTokenizer", "added_tokens_decoder": {}}}, {**pooled, **files}


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), folders())
