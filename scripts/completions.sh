#!/usr/bin/env bash
# Writes the completion scripts of all shells to a folder: scripts/completions.sh DIR
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:?usage: scripts/completions.sh DIR}
mkdir -p "$dir"
go build -trimpath -o "$dir/carat.tmp" ./cmd/carat
trap 'rm -f "$dir/carat.tmp"' EXIT
"$dir/carat.tmp" completion bash >"$dir/carat.bash"
"$dir/carat.tmp" completion zsh >"$dir/_carat"
"$dir/carat.tmp" completion fish >"$dir/carat.fish"
"$dir/carat.tmp" completion powershell >"$dir/carat.ps1"
