#!/usr/bin/env python3
"""Record in testdata/checkpoints/*/expected.json what must come of the checkpoints there.

    python3 scripts/checkpoints/expected.py LLAMA_CPP testdata/checkpoints [NAME...]

The SHA-256 are those of the files that the reference converter in the source tree LLAMA_CPP writes, the logits those
of the transformers library in float32. Needs what that converter needs: torch, transformers, sentencepiece.
Where carat differs from the converter on purpose, DIFFERS says why, and carat's own sum is kept as it stands.
"""
import hashlib, json, logging, os, pathlib, runpy, sys, tempfile

llama_cpp, root = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path[:0] = [llama_cpp, llama_cpp + "/gguf-py"]

import torch
import transformers
import conversion.base

PRE = {"llama": "smollm", "llama3-rope": "llama-bpe", "gpt2": "gpt-2", "olmoe": "gpt-2", "phi3": "gpt-2",
       "qwen2": "qwen2", "qwen2moe": "qwen2", "qwen3": "qwen2", "qwen3moe": "qwen2"}
Q8_0 = ["llama", "qwen2", "gpt2", "mixtral"]
DIFFERS = {"mistral-json": "scores say the order of merges, where the reference writes -1000 for all (docs/compatibility.md)"}


def convert(folder, outtype):
    """Runs the converter in a process of its own, with the name of the pre-tokenizer given: the vocabularies are too small to be known."""
    out = tempfile.mktemp(suffix=".gguf")
    child = os.fork()
    if child == 0:
        try:
            conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: PRE[folder.name]
            sys.argv = ["convert", str(folder), "--outtype", outtype, "--outfile", out]
            runpy.run_path(llama_cpp + "/convert_hf_to_gguf.py", run_name="__main__")
        except BaseException as e:
            print(folder, outtype, repr(e), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"{folder}: the converter failed")
    sum = hashlib.sha256(pathlib.Path(out).read_bytes()).hexdigest()
    os.remove(out)
    return sum


def logits(folder, n):
    """What transformers computes for n tokens: the likeliest next one at each position, some logits at three."""
    config = json.loads((folder / "config.json").read_text())
    ids = [(7 + 31 * i + i * i // 3) % config["vocab_size"] for i in range(n)]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        rows = model(torch.tensor([ids])).logits[0]
    some = [3, n // 2, n - 1]
    return {"ids": ids, "argmax": rows.argmax(-1).tolist(), "positions": some,
            "logits": [[float(f"{v:.6g}") for v in rows[i, ::7].tolist()] for i in some]}


logging.disable()
for folder in sorted(p for p in root.iterdir() if p.is_dir() and p.name in (sys.argv[3:] or os.listdir(root))):
    file = folder / "expected.json"
    old = json.loads(file.read_text()) if file.exists() else {}
    e = {"sha256": {t: convert(folder, t) for t in ["f32", "q8_0" if folder.name in Q8_0 else "bf16"]}}
    if folder.name in DIFFERS:
        e = {"sha256": old.get("sha256", {t: "" for t in e["sha256"]}), "reference": e["sha256"], "differs": DIFFERS[folder.name]}
    # The second text of longrope is longer than the original context, which takes other factors.
    e["logits"] = [logits(folder, n) for n in ([24, 40] if folder.name == "phi3-longrope" else [24])]
    file.write_text(json.dumps(e, separators=(",", ":")).replace('},"', '},\n"').replace(',"', ',\n"') + "\n")
    print(folder.name, flush=True)
