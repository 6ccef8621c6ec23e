#!/usr/bin/env python3
"""Record the defaults of transformers' config classes, which carat's must be.

    go test ./convert/arch -run TestDefaults -classes | python3 scripts/checkpoints/defaults.py convert/arch/testdata/defaults.json

Reads class names, a line each. Of a multimodal class it takes the config of the text model. Lists are left out but for the
kinds of layers that a class names: transformers derives the others from the numbers.
"""
import json, math, sys

import transformers

NOISE = {"transformers_version", "architectures", "output_hidden_states", "return_dict", "dtype", "chunk_size_feed_forward", "is_encoder_decoder", "problem_type",
         "output_attentions", "_name_or_path", "use_cache", "initializer_range", "output_router_logits", "router_aux_loss_coef", "attention_dropout"}


def plain(v):
    if isinstance(v, float) and math.isinf(v):
        return 1e300 if v > 0 else -1e300
    return v


out, missing = {}, []
for name in (line.strip() for line in sys.stdin):
    if not name:
        continue
    cls = getattr(transformers, name, None)
    if cls is None:
        missing.append(name)
        continue
    config = cls.config_class()
    config = config.get_text_config(decoder=True) if hasattr(config, "text_config") else config
    values = {k: plain(v) for k, v in config.to_dict().items() if k not in NOISE and "dropout" not in k}
    out[name] = {k: v for k, v in sorted(values.items()) if not isinstance(v, list) and (not isinstance(v, dict) or k == "rope_parameters")}
    if "layers_block_type" in values:
        out[name]["layers_block_type"] = values["layers_block_type"]
with open(sys.argv[1], "w") as f:
    f.write("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(out.items())) + "\n}\n")
print(len(out), "classes; transformers", transformers.__version__, "does not have", ", ".join(missing), file=sys.stderr)
