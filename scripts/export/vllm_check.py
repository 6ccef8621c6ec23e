#!/usr/bin/env python3
"""Compare a folder of `carat export --to vllm` with its own decoded weights, in transformers with compressed-tensors.

    carat export MODEL --to vllm --scheme w4a16 -o EXPORTED
    carat convert EXPORTED --outtype f32 -o decoded.gguf
    carat convert decoded.gguf --to hf --outtype f32 -o DECODED
    scripts/export/vllm_check.py EXPORTED DECODED

The exported model's weights are decompressed by compressed-tensors and not by carat; activations are not quantized in either
model, so that their logits are those of the weights. Needs torch, transformers and compressed-tensors.
"""

import sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM, CompressedTensorsConfig


def main():
    exported, decoded = sys.argv[1:3]
    config = AutoConfig.from_pretrained(exported)
    q = config.quantization_config
    for group in q["config_groups"].values():
        group["input_activations"] = None
    a = AutoModelForCausalLM.from_pretrained(exported, config=config, dtype=torch.float32,
                                             quantization_config=CompressedTensorsConfig(run_compressed=False)).eval()
    b = AutoModelForCausalLM.from_pretrained(decoded, dtype=torch.float32).eval()
    for p in b.parameters():  # compressed-tensors multiplies codes and scales in the type of the scales
        p.data = p.data.to(config.dtype).float()
    theirs, own = a.state_dict(), b.state_dict()
    worst = max((theirs[n].float() - own[n].float()).abs().max().item() for n in own if n in theirs)
    missing = sorted(n for n in own if n not in theirs)
    ids = torch.arange(3, 67).reshape(2, 32) % b.config.vocab_size
    with torch.no_grad():
        x, y = a(ids).logits, b(ids).logits
    print(f"{len(own)} tensors, missing {missing}, weights differ by {worst:.3g}, logits by {(x - y).abs().max().item():.3g} of {y.abs().max().item():.3g}")
    sys.exit(bool(missing) or worst > 0 or not torch.allclose(x, y, atol=1e-4))


main()
