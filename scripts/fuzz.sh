#!/usr/bin/env bash
# Runs every fuzz test for a short while: scripts/fuzz.sh [seconds each, default 5].
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r name; do
    echo "fuzz $dir $name"
    go test -run '^$' -fuzz "^$name\$" -fuzztime "${seconds}s" -fuzzminimizetime 10x -parallel 2 "$dir"
  done
done
