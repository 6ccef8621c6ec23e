#!/usr/bin/env bash
# Fails when generated files are not what their generators write. Nothing is changed.
set -euo pipefail
cd "$(dirname "$0")/.."
gen=quantize/codec/_gen
if ! go -C "$gen" mod download; then
  echo "generated files were not compared: the generator's modules are out of reach"
  exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/was" "$dir/new"
cp quantize/codec/gen_* "$dir/was"
go -C "$gen" run . "$dir/new"
diff -r "$dir/was" "$dir/new" || { echo "generated files differ: run go generate ./quantize/codec"; exit 1; }
