#!/usr/bin/env python3
"""Train small models of other families than Llama, for the rows of scripts/quality.

    pip install torch transformers safetensors
    python scripts/train_families.py --text stories.txt --text more.txt --tokenizer testdata/tiny-llama --out DIR --minutes 6

qwen3 has norms of heads, gpt2 biases and learned positions, moe experts of which two of eight are used. Rows are multiples
of 256, so that K-quants suit them. The seed fixes data and initial weights, so that the same machine, thread count and library
versions give the same models for the same --steps. Texts that are evaluated do not belong among --text.
"""
import argparse, math, os, shutil, time
import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

CTX = 512


def models(vocab, bos, eos):
    shared = dict(vocab_size=vocab, bos_token_id=bos, eos_token_id=eos)
    qwen = dict(shared, hidden_size=256, intermediate_size=768, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
                head_dim=64, max_position_embeddings=CTX, tie_word_embeddings=False)
    return {
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**qwen)),
        "gpt2": lambda: GPT2LMHeadModel(GPT2Config(n_embd=256, n_layer=4, n_head=4, n_positions=CTX, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **shared)),
        "moe": lambda: Qwen3MoeForCausalLM(Qwen3MoeConfig(**dict(qwen, moe_intermediate_size=256, num_experts=8, num_experts_per_tok=2,
                                                                 decoder_sparse_step=1, norm_topk_prob=True, output_router_logits=True))),
    }


def train(model, ids, a):
    torch.manual_seed(a.seed)
    order = torch.Generator().manual_seed(a.seed)
    opt = torch.optim.AdamW(model.parameters(), lr=a.rate, betas=(0.9, 0.95), weight_decay=0.05)
    begin, model_loss = time.time(), 0.0
    model.train()
    for step in range(a.steps):
        share = max(step / a.steps, (time.time() - begin) / (60 * a.minutes))
        if share >= 1:
            break
        for g in opt.param_groups:
            g["lr"] = a.rate * min(1, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
        at = torch.randint(0, len(ids) - a.length - 1, (a.batch,), generator=order)
        x = torch.stack([ids[i:i + a.length] for i in at])
        loss = model(input_ids=x, labels=x).loss
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        model_loss = loss.item()
        if step % 50 == 0:
            print(f"  step {step}  loss {model_loss:.3f}  {time.time() - begin:.0f} s", flush=True)
    return model_loss


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--text", action="append", required=True)
    p.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    p.add_argument("--out", required=True)
    p.add_argument("--only", action="append", default=[], help="qwen3, gpt2 or moe; all when not given")
    p.add_argument("--minutes", type=float, default=6, help="of each model, at most")
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--length", type=int, default=128)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    tok = PreTrainedTokenizerFast(tokenizer_file=os.path.join(a.tokenizer, "tokenizer.json"))
    bos, eos = (tok.convert_tokens_to_ids(t) for t in ("<|begin_of_text|>", "<|end_of_text|>"))
    ids = torch.tensor(sum((tok.encode(open(t, encoding="utf-8").read(), add_special_tokens=False) for t in a.text), []))
    print(f"{len(ids)} tokens", flush=True)
    for name, make in models(len(tok), bos, eos).items():
        if a.only and name not in a.only:
            continue
        torch.manual_seed(a.seed)
        model = make()
        print(f"{name}: {sum(x.numel() for x in model.parameters()) / 1e6:.1f} million weights", flush=True)
        loss = train(model, ids, a)
        dir = os.path.join(a.out, name)
        model.to(torch.bfloat16).save_pretrained(dir)
        for f in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if os.path.exists(os.path.join(a.tokenizer, f)):
                shutil.copy(os.path.join(a.tokenizer, f), dir)
        print(f"{name}: loss {loss:.3f}, written to {dir}", flush=True)


if __name__ == "__main__":
    main()
