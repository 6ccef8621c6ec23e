#!/usr/bin/env python3
"""Record in testdata/encoders/*/expected.json what must come of the checkpoints there.

    python3 scripts/checkpoints/encoders_expected.py LLAMA_CPP testdata/encoders [NAME...]

The SHA-256 are those of the files that the reference converter in the source tree LLAMA_CPP writes. Tokens, vectors and logits are
those of the transformers library in float32: of embedding models the pooled vectors of some texts (the activations of the first text's
tokens where the model says no pooling), of rerankers the logits of some texts after a query. Where transformers has no such class,
its model is written out below, after the code that is published with it.
Needs what that converter needs: torch, transformers, sentencepiece.
"""
import hashlib, json, logging, os, pathlib, runpy, sys, tempfile

llama_cpp, root = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path[:0] = [llama_cpp, llama_cpp + "/gguf-py"]

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file
import conversion.base

# The name of the pre-tokenizer is given: the vocabularies are too small to be known.
PRE = {"roberta": "gpt-2", "modernbert": "gpt-2", "qwen3": "qwen2", "eurobert": "qwen2"}
# config.json counts as it stands: what transformers 5 makes of it loses keys (nomic-moe), or adds one that the converter refuses.
RAW = ["nomic-moe", "eurobert"]
TEXTS = ["the inn and the ring", "on", "a ring, and inns? no", "", "ringing  Ａ x Éire, 世"]
QUERY, DOCUMENTS = "a ring?", ["the ring and the inn", "on an inn", "", "no ringing, no  rings"]


def convert(folder, outtype):
    """Runs the converter in a process of its own."""
    out = tempfile.mktemp(suffix=".gguf")
    child = os.fork()
    if child == 0:
        try:
            pre = next((v for k, v in PRE.items() if folder.name.startswith(k)), "bert-bge")
            conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
            if folder.name in RAW:
                raw = json.loads((folder / "config.json").read_text())
                conversion.base.ModelBase.load_hparams = staticmethod(lambda dir_model, is_mistral_format: dict(raw))
            sys.argv = ["convert", str(folder), "--outtype", outtype, "--outfile", out]
            runpy.run_path(llama_cpp + "/convert_hf_to_gguf.py", run_name="__main__")
        except BaseException as e:
            print(folder, outtype, repr(e), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"{folder}: the converter failed")
    out = pathlib.Path(out)
    sum = hashlib.sha256(out.read_bytes()).hexdigest()
    for f in out.parent.glob("*" + out.name):  # adapters beside it, too
        f.unlink()
    return sum


# ---- models that transformers does not have

class Written:
    """A model from its tensors by name, whose prefix is cut."""
    def __init__(self, folder, config, *prefixes):
        self.c, self.t = config, {}
        for name, t in load_file(folder / "model.safetensors").items():
            for p in prefixes:
                name = name.removeprefix(p)
            self.t[name.replace(".parametrizations.weight.original", ".weight")] = t.float()
        self.heads = config.get("n_head") or config["num_attention_heads"]

    def linear(self, x, name):
        return F.linear(x, self.t[name + ".weight"], self.t.get(name + ".bias"))

    def norm(self, x, name, eps):
        return F.layer_norm(x, x.shape[-1:], self.t[name + ".weight"], self.t[name + ".bias"], eps)

    def rms(self, x, name, eps):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * self.t[name + ".weight"]

    def attend(self, q, k, v, bias=0):
        n = q.shape[0]
        q, k, v = (x.view(n, self.heads, -1).transpose(0, 1) for x in (q, k, v))
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5 + bias
        return (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, -1)

    def turned(self, x, base, neighbours=False):
        n = x.shape[0]
        x = x.view(n, self.heads, -1)
        half = x.shape[-1] // 2
        angles = (torch.arange(n, dtype=torch.float32)[:, None] * base ** (-torch.arange(half, dtype=torch.float32) / half))[:, None]
        a, b = (x[..., ::2], x[..., 1::2]) if neighbours else (x[..., :half], x[..., half:])
        a, b = a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()
        return (torch.stack((a, b), -1).flatten(-2) if neighbours else torch.cat((a, b), -1)).reshape(n, -1)

    def embedded(self, ids, norm, eps):
        x = self.t["embeddings.word_embeddings.weight"][ids] + self.t["embeddings.token_type_embeddings.weight"][0]
        return self.norm(x, norm, eps)


class Jina2(Written):
    def __call__(self, ids):
        eps, n = self.c["layer_norm_eps"], len(ids)
        slopes = torch.tensor([2.0 ** (-8 * (h + 1) / self.heads) for h in range(self.heads)])  # heads are a power of 2
        distance = (torch.arange(n)[:, None] - torch.arange(n)[None]).abs()
        x = self.embedded(ids, "embeddings.LayerNorm", eps)
        for i in range(self.c["num_hidden_layers"]):
            p = f"encoder.layer.{i}."
            q, k, v = (self.linear(x, p + "attention.self." + w) for w in ("query", "key", "value"))
            x = self.norm(x + self.linear(self.attend(q, k, v, -slopes[:, None, None] * distance), p + "attention.output.dense"), p + "attention.output.LayerNorm", eps)
            gate, up = self.linear(x, p + "mlp.gated_layers").chunk(2, -1)
            x = self.norm(x + self.linear(F.gelu(gate) * up, p + "mlp.wo"), p + "mlp.layernorm", eps)
        return x


class Rotary(Written):
    """jina-embeddings-v3 and nomic-embed-text v2."""
    def __call__(self, ids):
        c = self.c
        eps, base, module = c.get("layer_norm_epsilon") or c["layer_norm_eps"], c["rotary_emb_base"], "attn" if "n_head" in c else "mixer"
        x = self.embedded(ids, "emb_ln", eps)
        for i in range(c.get("n_layer") or c["num_hidden_layers"]):
            p = f"encoder.layers.{i}."
            q, k, v = self.linear(x, p + module + ".Wqkv").chunk(3, -1)
            x = self.norm(x + self.linear(self.attend(self.turned(q, base), self.turned(k, base), v), p + module + ".out_proj"), p + "norm1", eps)
            y = self.experts(x, p + "mlp.") if p + "mlp.router.layer.weight" in self.t else self.linear(F.gelu(self.linear(x, p + "mlp.fc1")), p + "mlp.fc2")
            x = self.norm(x + y, p + "norm2", eps)
        return x

    def experts(self, x, p):
        """Without the bias behind them, which the converter leaves out."""
        n, f = self.c["num_experts"], self.c["n_inner"]
        w1, w2 = (self.t[p + "experts.mlp." + w].view(n, f, -1) for w in ("w1", "w2"))
        weights, chosen = self.linear(x, p + "router.layer").softmax(-1).topk(self.c["moe_top_k"])
        out = torch.zeros_like(x)
        for t in range(len(x)):
            for w, e in zip(weights[t], chosen[t]):
                out[t] += w * (F.gelu(w1[e] @ x[t]) @ w2[e])
        return out


class NeoBERT(Written):
    def __call__(self, ids):
        eps = self.c["norm_eps"]
        x = self.t["encoder.weight"][ids]
        for i in range(self.c["num_hidden_layers"]):
            p = f"transformer_encoder.{i}."
            # Rows of q, k and v are in turn within each head.
            q, k, v = (y.reshape(len(ids), -1) for y in self.linear(self.rms(x, p + "attention_norm", eps), p + "qkv").view(len(ids), self.heads, -1).chunk(3, -1))
            x = x + self.linear(self.attend(self.turned(q, 1e4, True), self.turned(k, 1e4, True), v), p + "wo")
            gate, up = self.linear(self.rms(x, p + "ffn_norm", eps), p + "ffn.w12").chunk(2, -1)
            x = x + self.linear(F.silu(gate) * up, p + "ffn.w3")
        return self.rms(x, "layer_norm", eps)


WRITTEN = {"jina2": Jina2, "jina3": Rotary, "nomic-moe": Rotary, "neobert": NeoBERT}


# ---- what models make of texts

def tokenizer_of(folder):
    if folder.name in WRITTEN:  # AutoTokenizer wants a class that it knows
        return transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    return transformers.AutoTokenizer.from_pretrained(folder)


def body(folder, config):
    if folder.name in WRITTEN:
        return WRITTEN[folder.name](folder, config, "roberta.", "model.")
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return lambda ids: model(torch.tensor([ids])).last_hidden_state[0]


def pooling(folder):
    if not (folder / "1_Pooling/config.json").exists():
        return None
    c = json.loads((folder / "1_Pooling/config.json").read_text())
    return next(k for k in ("cls_token", "mean_tokens", "lasttoken") if c["pooling_mode_" + k])


def vectors(folder, config):
    tokenizer, model, pool = tokenizer_of(folder), body(folder, config), pooling(folder)
    out = {"texts": TEXTS, "tokens": [], "vectors": []}
    for text in TEXTS if pool else TEXTS[:1]:
        ids = tokenizer(text)["input_ids"]
        if not ids:
            ids = tokenizer("x")["input_ids"]
        rows = model(ids)
        row = {"cls_token": rows[0], "mean_tokens": rows.mean(0), "lasttoken": rows[-1], None: rows.flatten()}[pool]
        for f in sorted(folder.glob("*_Dense/model.safetensors")):
            row = load_file(f)["linear.weight"].float() @ row
        if pool and "Normalize" in (folder / "modules.json").read_text():
            row = F.normalize(row, dim=0)
        out["tokens"].append(ids)
        out["vectors"].append(numbers(row))
    if not pool:
        out["texts"] = TEXTS[:1]
    return out


def scores(folder):
    tokenizer = tokenizer_of(folder)
    out = {"query": QUERY, "texts": DOCUMENTS, "tokens": [], "logits": []}
    if folder.name.startswith("qwen3"):
        from conversion.qwen import Qwen3Model
        import inspect
        template = eval("(" + inspect.getsource(Qwen3Model.set_gguf_parameters).split('"template":')[1].split("}])")[0] + ")")
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
        for text in DOCUMENTS:
            ids = tokenizer(template.replace("{query}", QUERY).replace("{document}", text), add_special_tokens=False)["input_ids"]
            logits = model(torch.tensor([ids])).logits[0, -1]
            out["tokens"].append(ids)
            out["logits"] += numbers(logits[yes] - logits[no])
        return out
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    for text in DOCUMENTS:
        pair = tokenizer([QUERY], [text], return_tensors="pt")
        out["tokens"].append(pair["input_ids"][0].tolist())
        out["logits"] += numbers(model(**pair).logits[0])
    return out


def numbers(t):
    return [float(f"{v:.7g}") for v in t.reshape(-1).tolist()]


logging.disable()
transformers.logging.set_verbosity_error()
torch.set_grad_enabled(False)
for folder in sorted(p for p in root.iterdir() if p.is_dir() and p.name in (sys.argv[3:] or os.listdir(root))):
    config = json.loads((folder / "config.json").read_text())
    file = folder / "expected.json"
    e = {"sha256": {t: convert(folder, t) for t in ("f32", "f16", "bf16", "q8_0")}}
    e.update(scores(folder) if "rank" in folder.name else vectors(folder, config))
    file.write_text(json.dumps(e, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"').replace('],"', '],\n"') + "\n")
    print(folder.name, flush=True)
