#!/usr/bin/env python3
"""Compare a folder of `carat export --to mlc` with what MLC LLM's own loader and quantizer make of the same checkpoint.

    carat export CHECKPOINT --to mlc --scheme q4f16_1 -o EXPORTED
    scripts/export/mlc_check.py MLC_LLM CHECKPOINT EXPORTED

MLC_LLM is a checkout of github.com/mlc-ai/mlc-llm, of which the Python code is used: its map of parameters, and its quantizer,
which apache-tvm compiles for the CPU. MLC's compiled library is not needed. The exported folder is read by TVM's own reader of
tensor-cache.json. Every parameter must be there once, with the same shape, type and bytes, and the fields of
mlc-chat-config.json that gen_config takes from the model must be the same. Needs apache-tvm, numpy, pydantic and safetensors.
"""

import json
import sys
import types
from pathlib import Path


def load_mlc(root):
    """Import mlc_llm's modules without its __init__, which wants the compiled library."""
    package = types.ModuleType("mlc_llm")
    package.__path__ = [str(root / "python" / "mlc_llm")]
    sys.modules["mlc_llm"] = package
    import tvm
    from tvm import relax
    from tvm.relax.frontend import nn

    if not hasattr(relax, "Constant"):  # newer than this mlc_llm
        relax.Constant = object

    class Shape:
        def __init__(self, p):
            self.shape, self.dtype = tuple(p.shape), str(p.dtype)

    def export_tvm(self, spec, debug=False, allow_extern=False):  # the names and shapes alone: no graph is built
        named = [(n, Shape(p)) for n, p in self.named_parameters()]
        return (None, named, None) if allow_extern else (None, named)

    nn.Module.export_tvm = export_tvm
    from mlc_llm.loader import LOADER
    from mlc_llm.model import MODELS
    from mlc_llm.quantization import QUANTIZATION

    return tvm, MODELS, QUANTIZATION, LOADER


def main():
    root, checkpoint, exported = map(Path, sys.argv[1:4])
    tvm, models, quantizations, loaders = load_mlc(root)
    from tvm.contrib import tvmjs
    from tvm.target import Target

    chat = json.loads((exported / "mlc-chat-config.json").read_text())
    model, quantization = models[chat["model_type"]], quantizations[chat["quantization"]]
    config = model.config.from_file(checkpoint / "config.json")
    built, quantize_map = model.quantize[quantization.kind](config, quantization)
    expected = {n: p for n, p in built.named_parameters()}
    device = tvm.cpu()
    index = checkpoint / "model.safetensors.index.json"
    with Target("llvm"):
        loader = loaders["huggingface-safetensor"](
            path=index if index.exists() else checkpoint / "model.safetensors",
            extern_param_map=model.source["huggingface-safetensor"](config, quantization),
            quantize_param_map=quantize_map,
        )
        theirs = {name: p.numpy() for name, p in loader.load(device=device)}
    ours, _ = tvmjs.load_tensor_cache(str(exported), device)
    ours = {name: p.numpy() for name, p in ours.items()}
    bad = sorted(set(expected) ^ set(ours)) + sorted(set(theirs) ^ set(ours))
    same = 0
    for name, want in theirs.items():
        got = ours.get(name)
        if got is None or got.dtype != want.dtype or got.shape != want.shape or got.tobytes() != want.tobytes():
            bad.append(name)
        else:
            same += 1
    fields = config.asdict()
    for key in ("kwargs", "max_batch_size"):
        fields.pop(key, None)
    fields.get("text_config", {}).pop("kwargs", None)
    own = chat["model_config"]
    differ = {k: (fields.get(k), own.get(k)) for k in {*fields, *own} - {"max_batch_size"} if fields.get(k) != own.get(k)}
    model.config.from_dict(own)  # as the compiler reads it
    print(f"{checkpoint.name}: {same} of {len(theirs)} tensors have the same bytes, differing {bad}, config differs in {differ}")
    sys.exit(bool(bad))


main()
