#!/usr/bin/env bash
# Runs every fuzz test for a short while: scripts/fuzz.sh [seconds each, default 5].
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz DIR NAME. On a busy machine go test may call the end of its own time a failure ("context deadline exceeded",
# without an input); a finding names the input that it has written.
fuzz() {
  go test -run '^$' -fuzz "^$2\$" -fuzztime "${seconds}s" -fuzzminimizetime 10x -parallel 2 "$1" 2>&1 | tee "$log" && return
  grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"
}

grep -rlE --include='*_test.go' '^func Fuzz' . | xargs -r -n1 dirname | sort -u | while read -r dir; do
  grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r name; do
    echo "fuzz $dir $name"
    fuzz "$dir" "$name"
  done
done
