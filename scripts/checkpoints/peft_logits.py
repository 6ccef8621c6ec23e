"""Logits of a checkpoint with an adapter, by PEFT on transformers: those of the first and of the last token.

    python peft_logits.py CHECKPOINT ADAPTER 1,5,9,33,2,7,40,11 > runtime/model/testdata/lora_logits.json
"""
import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, adapter, ids = sys.argv[1], sys.argv[2], [int(x) for x in sys.argv[3].split(",")]
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
with torch.no_grad():
    rows = model(torch.tensor([ids])).logits[0].tolist()
short = [[float("%.7g" % x) for x in row] for row in rows]
json.dump({"ids": ids, "logits": short[-1], "first": short[0]}, sys.stdout, separators=(",", ":"))
