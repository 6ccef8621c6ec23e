#!/usr/bin/env python3
"""Make convert/pickle/testdata: tiny files as torch.save writes them, and the same tensors as safetensors.

    python3 scripts/checkpoints/make_bin.py convert/pickle/testdata

With --folders OUT DIR... it writes every checkpoint folder DIR again below OUT, with .bin files in place of its
safetensors. Needs torch and safetensors.
"""
import pathlib, shutil, sys
from collections import OrderedDict

import torch
from safetensors.torch import load_file, save_file


def numbers(*shape):
    n = 1
    for d in shape:
        n *= d
    return (torch.arange(n, dtype=torch.float32) * 0.37 - 3).reshape(shape)


def save(folder, name, saved, tensors, **how):
    torch.save(saved, folder / (name + ".bin"), **how)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, folder / (name + ".safetensors"))
    (folder / (name + ".safetensors")).chmod(0o644)


def files(folder):
    dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.int64,
              torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool]
    every = {str(t).split(".")[1]: numbers(2, 3).abs().to(t) for t in dtypes}
    save(folder, "dtypes", every, every)

    base = numbers(6, 8).to(torch.bfloat16)
    cube = numbers(3, 4, 5).half()
    views = OrderedDict(embed=base, head=base, transposed=base.t(), rows=base[1:5:2], columns=base[:, 2:6], every_second=base[:, ::2],
                        permuted=cube.permute(2, 0, 1), swapped=cube.transpose(0, 1), row=cube[1, 2], column=cube[1, :, 3],
                        scalar=numbers(1)[0], empty=numbers(0, 3), parameter=torch.nn.Parameter(numbers(2, 2)), ones=numbers(1, 1, 4).transpose(0, 1))
    views._metadata = OrderedDict({"": {"version": 1}})
    save(folder, "views", views, views)
    older = OrderedDict((k, v) for k, v in views.items() if k != "scalar")
    save(folder, "legacy", older, older, _use_new_zipfile_serialization=False)

    weight = {"weight": numbers(2, 4)}
    optimizer = {"state": {0: {"step": torch.tensor(5.0), "exp_avg": numbers(2, 4)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    save(folder, "nested", {"epoch": 3, "loss": 1.5, "seed": 2**70, "best": torch.tensor(1.0), "state_dict": weight, "optimizer": optimizer}, weight)


def folders(out, dirs):
    for d in dirs:
        to = out / d.name
        shutil.copytree(d, to, ignore=shutil.ignore_patterns("*.safetensors", "*.safetensors.index.json"))
        for f in d.glob("*.safetensors"):
            torch.save(load_file(f), to / ("pytorch_" + f.stem + ".bin"))
        for f in d.glob("*.safetensors.index.json"):
            (to / "pytorch_model.bin.index.json").write_text(f.read_text().replace('"model-', '"pytorch_model-').replace(".safetensors", ".bin"))


if sys.argv[1] == "--folders":
    folders(pathlib.Path(sys.argv[2]), [pathlib.Path(d) for d in sys.argv[3:]])
else:
    files(pathlib.Path(sys.argv[1]))
