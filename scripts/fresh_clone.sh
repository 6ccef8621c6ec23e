#!/usr/bin/env bash
# The README's two commands in a fresh clone. COLD=1 also uses an empty module cache.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
git clone -q . "$dir/carat"
cd "$dir/carat"
if [ "${COLD:-}" = 1 ]; then export GOMODCACHE="$dir/mod" GOCACHE="$dir/cache"; fi
go run ./cmd/carat build testdata/tiny-llama --type Q4_K_M --eval testdata/eval.txt -o tiny-Q4_K_M.gguf
test -s tiny-Q4_K_M.gguf
if [ "${SKIP_TESTS:-}" != 1 ]; then go test ./...; fi
