#!/usr/bin/env bash
# Fails when generated files are not what their generators write. Nothing is changed.
set -euo pipefail
cd "$(dirname "$0")/.."
go run ./eval/report/schema eval /dev/stdout | diff docs/report.schema.json - || { echo "docs/report.schema.json differs: run go generate ./eval/report"; exit 1; }
go run ./scripts/clidoc | diff docs/cli.md - || { echo "docs/cli.md differs: run go run ./scripts/clidoc > docs/cli.md"; exit 1; }
for package in quantize/codec runtime/kernel; do
  gen=$package/_gen
  if ! go -C "$gen" mod download; then
    echo "generated files were not compared: the generators' modules are out of reach"
    exit 0
  fi
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  mkdir "$dir/was" "$dir/new"
  cp "$package"/gen_* "$dir/was"
  go -C "$gen" run . "$dir/new"
  go -C "$gen" test ./...
  diff -r "$dir/was" "$dir/new" || { echo "generated files differ: run go generate ./$package"; exit 1; }
  rm -rf "$dir"
done
