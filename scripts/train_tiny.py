#!/usr/bin/env python3
"""Train testdata/tiny-llama: a small, real language model of Llama shape, from text whose licence allows it.

    pip install torch tokenizers numpy
    python scripts/train_tiny.py --stories tinystories-sample.txt --book kjv.txt --eval-text testdata/eval.txt \
        --out testdata/tiny-llama --minutes 12 --batch 8 --length 128 --steps 4000

--stories is the sample of TinyStories, --book (repeatable) a text in the public domain. The last tenth of each
text is held out; a slice of that becomes the evaluation text. The seed fixes data order and initial weights, so the
same machine, thread count and library versions give the same model for the same --steps.
"""
import argparse, json, math, os, struct, time
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

HIDDEN, FFN, LAYERS, HEADS, KV_HEADS, HEAD_DIM, VOCAB, CTX, THETA, EPS = 256, 768, 4, 4, 2, 64, 2048, 512, 10000.0, 1e-5
BOS, EOS = "<|begin_of_text|>", "<|end_of_text|>"
# The pre-tokenizer of Llama 3.
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
         r"\s*[\r\n]+|\s+(?!\S)|\s+")


def train_tokenizer(texts):
    tok = Tokenizer(models.BPE(ignore_merges=True))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    # Ids 0..2045 are text, the two special tokens come last.
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=VOCAB - 2, show_progress=False,
                            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tok.add_special_tokens([BOS, EOS])
    return tok


class Norm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * self.weight


def rope(x, cos, sin):  # (batch, heads, time, dim), halves rotated as Hugging Face stores them
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(HIDDEN), Norm(HIDDEN)
        lin = lambda i, o: nn.Linear(i, o, bias=False)
        self.self_attn = nn.ModuleDict({"q_proj": lin(HIDDEN, HEADS * HEAD_DIM), "k_proj": lin(HIDDEN, KV_HEADS * HEAD_DIM),
                                        "v_proj": lin(HIDDEN, KV_HEADS * HEAD_DIM), "o_proj": lin(HEADS * HEAD_DIM, HIDDEN)})
        self.mlp = nn.ModuleDict({"gate_proj": lin(HIDDEN, FFN), "up_proj": lin(HIDDEN, FFN), "down_proj": lin(FFN, HIDDEN)})

    def forward(self, x, cos, sin, mask):
        b, t, _ = x.shape
        a, h = self.self_attn, self.input_layernorm(x)
        q = rope(a["q_proj"](h).view(b, t, HEADS, HEAD_DIM).transpose(1, 2), cos, sin)
        k = rope(a["k_proj"](h).view(b, t, KV_HEADS, HEAD_DIM).transpose(1, 2), cos, sin)
        v = a["v_proj"](h).view(b, t, KV_HEADS, HEAD_DIM).transpose(1, 2)
        k, v = (u.repeat_interleave(HEADS // KV_HEADS, 1) for u in (k, v))
        p = (q @ k.transpose(-1, -2) / math.sqrt(HEAD_DIM) + mask).softmax(-1)
        x = x + a["o_proj"]((p @ v).transpose(1, 2).reshape(b, t, -1))
        h = self.post_attention_layernorm(x)
        return x + self.mlp["down_proj"](F.silu(self.mlp["gate_proj"](h)) * self.mlp["up_proj"](h))


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCAB, HIDDEN)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm(HIDDEN)
        for n, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.04 / (math.sqrt(2 * LAYERS) if n.endswith(("o_proj.weight", "down_proj.weight")) else 1))
        inv = THETA ** (-torch.arange(0, HEAD_DIM, 2).float() / HEAD_DIM)
        ang = torch.outer(torch.arange(CTX).float(), inv)
        self.cos, self.sin = torch.cat((ang, ang), -1).cos(), torch.cat((ang, ang), -1).sin()
        self.mask = torch.full((CTX, CTX), float("-inf")).triu(1)

    def forward(self, ids):
        t = ids.shape[1]
        x = self.embed_tokens(ids)
        for l in self.layers:
            x = l(x, self.cos[:t], self.sin[:t], self.mask[:t, :t])
        return self.norm(x) @ self.embed_tokens.weight.T


def loss_of(model, ids):
    out = model(ids[:, :-1])
    return F.cross_entropy(out.reshape(-1, VOCAB), ids[:, 1:].reshape(-1))


def held_out(model, ids, n=256):
    model.eval()
    with torch.no_grad():
        rows = [ids[i:i + n + 1] for i in range(0, len(ids) - n - 1, n)][:24]
        v = loss_of(model, torch.stack(rows)).item()
    model.train()
    return v


def bf16(x):
    u = x.detach().float().contiguous().numpy().view(np.uint32)
    return ((u + 0x7FFF + ((u >> 16) & 1)) >> 16).astype(np.uint16)


def save_safetensors(path, model):
    tensors = sorted(("model." + n, bf16(p)) for n, p in model.named_parameters())
    head, off = {"__metadata__": {"format": "pt"}}, 0
    for n, t in tensors:
        head[n] = {"dtype": "BF16", "shape": list(t.shape), "data_offsets": [off, off + t.nbytes]}
        off += t.nbytes
    h = json.dumps(head, separators=(",", ":")).encode()
    h += b" " * (-len(h) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(h)) + h)
        for _, t in tensors:
            f.write(t.tobytes())


def save(out, model, tok):
    os.makedirs(out, exist_ok=True)
    bos, eos = tok.token_to_id(BOS), tok.token_to_id(EOS)
    dump = lambda name, v: open(os.path.join(out, name), "w").write(json.dumps(v, indent=2) + "\n")
    dump("config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": FFN,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM,
        "hidden_act": "silu", "max_position_embeddings": CTX, "rms_norm_eps": EPS, "rope_theta": THETA, "rope_scaling": None,
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True, "vocab_size": VOCAB,
        "bos_token_id": bos, "eos_token_id": eos, "torch_dtype": "bfloat16"})
    dump("generation_config.json", {"bos_token_id": bos, "eos_token_id": eos})
    special = {str(i): {"content": c, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
               for i, c in ((bos, BOS), (eos, EOS))}
    dump("tokenizer_config.json", {"add_bos_token": True, "added_tokens_decoder": special, "bos_token": BOS, "eos_token": EOS,
                                   "clean_up_tokenization_spaces": False, "model_max_length": CTX,
                                   "tokenizer_class": "PreTrainedTokenizerFast"})
    tok.save(os.path.join(out, "tokenizer.json"))
    save_safetensors(os.path.join(out, "model.safetensors"), model)


def sample(model, tok, prompt, n, temperature, seed):
    g = torch.Generator().manual_seed(seed)
    ids = [tok.token_to_id(BOS)] + tok.encode(prompt).ids
    with torch.no_grad():
        for _ in range(n):
            p = (model(torch.tensor([ids[-CTX:]]))[0, -1] / temperature).softmax(-1)
            ids.append(torch.multinomial(p, 1, generator=g).item())
    return tok.decode(ids)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--stories", required=True)
    a.add_argument("--book", action="append", default=[])
    a.add_argument("--out", required=True)
    a.add_argument("--eval-text", required=True)
    a.add_argument("--minutes", type=float, default=20, help="stop after this long")
    a.add_argument("--steps", type=int, default=3000, help="length of the learning-rate schedule")
    a.add_argument("--batch", type=int, default=16)
    a.add_argument("--length", type=int, default=160)
    a.add_argument("--stories-share", type=float, default=0.5)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=2)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)

    texts = [open(p, encoding="utf-8").read() for p in [a.stories] + a.book]
    cuts = [t.rfind("\n", 0, int(len(t) * 0.9)) + 1 for t in texts]
    train, held = [t[:c] for t, c in zip(texts, cuts)], [t[c:] for t, c in zip(texts, cuts)]
    with open(a.eval_text, "w", encoding="utf-8") as f:
        f.write(held[0][:20000].rsplit("\n", 1)[0] + "\n")
        for t in held[1:]:
            f.write("\n" + t[:12000 // len(held[1:])].rsplit("\n", 1)[0] + "\n")
    # Only as much book as stories shapes the vocabulary.
    tok = train_tokenizer([train[0]] + [t[:len(train[0])] for t in train[1:]])
    ids = [torch.tensor(tok.encode(t).ids) for t in train]
    val = [torch.tensor(tok.encode(t).ids) for t in held]
    print("tokens", [len(i) for i in ids], "held out", [len(v) for v in val], flush=True)

    model = Llama()
    print("parameters", sum(p.numel() for p in model.parameters()), flush=True)
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0}], lr=0, betas=(0.9, 0.95))
    bos = tok.token_to_id(BOS)
    start, best = time.time(), float("inf")
    for step in range(a.steps):
        # The schedule follows whichever ends first, steps or minutes.
        part = max(step / a.steps, (time.time() - start) / (60 * a.minutes))
        if part >= 1:
            break
        lr = 2e-3 * min(1, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * part)))
        for g in opt.param_groups:
            g["lr"] = lr
        rows = []
        for _ in range(a.batch):
            src = 0 if len(ids) == 1 or rng.random() < a.stories_share else int(rng.integers(1, len(ids)))
            at = int(rng.integers(0, len(ids[src]) - a.length))
            rows.append(torch.cat((torch.tensor([bos]), ids[src][at:at + a.length])))
        loss = loss_of(model, torch.stack(rows))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 50 == 49:
            v = [held_out(model, x) for x in val]
            print(f"step {step + 1} {time.time() - start:.0f}s lr {lr:.5f} loss {loss.item():.3f} held out", [round(x, 3) for x in v], flush=True)
            if v[0] < best or part > 0.9:
                best = min(best, v[0])
                save(a.out, model, tok)
    save(a.out, model, tok)
    for i, p in enumerate(["Once upon a time", "One day, a little", "And the king said"]):
        print("---", sample(model, tok, p, 60, 0.7, i))
    print("final held out", [held_out(model, x) for x in val])


if __name__ == "__main__":
    main()
