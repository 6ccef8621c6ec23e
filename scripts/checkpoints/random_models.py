#!/usr/bin/env python3
"""Make random checkpoints with the transformers library, and record what must come of them.

    python3 scripts/checkpoints/random_models.py LLAMA_CPP GOLDEN OUT [NAME...]
    CARAT_GOLDEN=OUT go test ./convert ./runtime/model -run 'TestGoldenArch|TestGoldenLogits'

OUT/golden/arch then has folders like those of GOLDEN: NAME with a checkpoint, NAME.expected.json with what the reference
converter in the source tree LLAMA_CPP writes for it, and the logits of transformers in float32. These are classes, and
parts of classes, that the golden data lack: convert/testdata/families.json has their configs. A tokenizer is that of a
folder of GOLDEN. Needs torch, transformers (5.24) and what the converter needs.
"""
import hashlib, json, math, os, pathlib, runpy, shutil, sys, tempfile, traceback

LLAMA_CPP, GOLDEN, OUT = sys.argv[1], pathlib.Path(sys.argv[2], "golden", "arch"), pathlib.Path(sys.argv[3], "golden", "arch")
sys.path[:0] = [LLAMA_CPP, LLAMA_CPP + "/gguf-py", os.path.dirname(os.path.abspath(__file__))]

import torch
import transformers
from models import MODELS


def convert(folder, outtype, pre, raw, patch):
    """What the reference converter writes: sum of the file, metadata, tensors. None where it refuses."""
    out = tempfile.mktemp(suffix=".gguf")
    child = os.fork()
    if child == 0:
        try:
            import conversion.base
            if pre:
                conversion.base.TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
            if raw:  # what older versions of transformers leave of a config that they do not know
                conversion.base.ModelBase.load_hparams = staticmethod(lambda folder, *_, **more: json.loads((folder / "config.json").read_text()))
            if patch:  # where it fails, or wants a tokenizer's own code, which there is none of
                patch(conversion.base.TextModel)
            sys.argv = ["convert", str(folder), "--outtype", outtype, "--outfile", out]
            runpy.run_path(LLAMA_CPP + "/convert_hf_to_gguf.py", run_name="__main__")
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        print(f"{folder.name}: the reference refuses it")
        return None
    import gguf
    reader, kv = gguf.GGUFReader(out), []
    for f in reader.fields.values():
        if not f.name.startswith("GGUF."):
            v = f.contents()
            if isinstance(v, list) and len(v) > 24:
                b = json.dumps(v, ensure_ascii=False, separators=(",", ":")).encode()
                v = {"len": len(v), "sha256_of_json": hashlib.sha256(b).hexdigest()}
            kv.append([f.name, [t.name for t in f.types], v])
    tensors = [[t.name, t.tensor_type.name, [int(d) for d in t.shape], hashlib.sha256(t.data.tobytes()).hexdigest()] for t in reader.tensors]
    sum = hashlib.sha256(pathlib.Path(out).read_bytes()).hexdigest()
    os.remove(out)
    return {"sha256": sum, "kv": kv, "tensors": tensors}


def randomize(model):
    """Weights that make all parts count: norms about 1, biases not 0."""
    g = torch.Generator().manual_seed(7)
    buffers = [(n, b) for n, b in model.named_buffers() if b.is_floating_point() and n in model.state_dict()]
    with torch.no_grad():
        for name, p in [*model.named_parameters(), *buffers]:
            r = torch.randn(p.shape, generator=g)
            if p.dim() <= 1:
                one = "norm" in name.lower() or name.endswith(("scale", "layer_scalar"))
                p.copy_(0.3 * r + (1 if one else 0))
            else:
                p.copy_(r if "embed" in name else r * 1.2 / math.sqrt(p.shape[-1]))


def logits(model, m):
    """Two texts. Of an encoder's the activations; of an encoder-decoder's the first 16 tokens are the input."""
    out, some = [], lambda rows: {str(i): [float(f"{v:.6g}") for v in rows[i].tolist()] for i in (0, len(rows) // 2, len(rows) - 1)}
    for seed in (1, 2):
        ids = torch.randint(3, 392, (32,), generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            if m.get("kind") == "encoder":
                out.append({"ids": ids.tolist(), "embeddings": some(model(ids[None]).last_hidden_state[0])})
                continue
            if m.get("kind") == "encoder-decoder":
                rows, read = model(input_ids=ids[None, :16], decoder_input_ids=ids[None, 16:]).logits[0], ids[16:]
            else:
                rows, read = model(input_ids=ids[None], use_cache=False).logits[0], ids
        p = rows.double().log_softmax(-1)
        out.append({"ids": ids.tolist(), "argmax": rows.argmax(-1).tolist(), "logsumexp": rows.double().logsumexp(-1).tolist(),
                    "target_logprob": [p[i, read[i + 1]].item() for i in range(len(read) - 1)], "logits": some(rows)})
    return out


def make(name):
    m, folder = MODELS[name], OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model = m["make"]()
    randomize(model)
    m.get("adjust", lambda model: None)(model)
    model.to(torch.bfloat16).save_pretrained(folder)
    kind = type(model)
    for f in ["tokenizer.json", "tokenizer_config.json", "tokenizer.model", "spiece.model", "special_tokens_map.json"]:
        if (GOLDEN / m["tokenizer"] / f).exists():
            (folder / f).write_bytes((GOLDEN / m["tokenizer"] / f).read_bytes())
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval() if "rename" in m else None
    if "change" in m or "rename" in m:  # tensors that transformers does not save, or saves otherwise than they are published
        from safetensors.torch import load_file, save_file
        tensors = load_file(folder / "model.safetensors")
        torch.manual_seed(3)
        (m.get("change") or m["rename"])(tensors)
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = {**json.loads((folder / "config.json").read_text()), **m.get("config", {})}
    config = {k: v for k, v in config.items() if v is not None or k not in m.get("config", {})}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    pre = json.loads((GOLDEN / (m["tokenizer"] + ".expected.json")).read_text())["pre"]
    files = {t: convert(folder, t, pre, "raw" in m, m.get("patch")) for t in ["f32", "bf16"]}
    model = model or kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    expected = {"class": config["architectures"][0], "pre": pre, "outtypes": {t: f for t, f in files.items() if f}, "logits": logits(model, m)}
    (OUT / (name + ".expected.json")).write_text(json.dumps(expected))
    print(name, flush=True)


torch.set_num_threads(1)
OUT.mkdir(parents=True, exist_ok=True)
for name in sys.argv[4:] or MODELS:
    make(name)
