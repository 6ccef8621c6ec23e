#!/usr/bin/env bash
# Runs the tests of arithmetic for arm64 under qemu: its kernels against the specification, and that bytes and logits are
# those of amd64. Passes, and says so, where qemu-aarch64 is not installed (Debian: qemu-user).
#
#   scripts/qemu_arm64.sh                 # what CI runs
#   scripts/qemu_arm64.sh -run Products   # other tests of the same packages
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v qemu-aarch64 >/dev/null; then echo "arm64 was not tested: qemu-aarch64 is not here"; exit 0; fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# run PACKAGE CPU ARGS: the tests of a package, in its folder as go test does.
run() {
  local binary=$dir/${1//\//.} package=$1 cpu=$2
  shift 2
  [ -e "$binary" ] || GOARCH=arm64 CGO_ENABLED=0 go test -c -o "$binary" "./$package"
  echo "$package on $cpu"
  (cd "$package" && qemu-aarch64 -cpu "$cpu" "$binary" -test.short "${@/#-/-test.}")
}
if [ $# -gt 0 ]; then
  for package in internal/cpu internal/elementary quantize/codec runtime/kernel runtime/model; do run "$package" max "$@"; done
  exit 0
fi
run internal/cpu max
run internal/elementary max
run quantize/codec max -run 'Golden|Blocks' # all golden blocks when CARAT_GOLDEN is set
run runtime/kernel max
run runtime/kernel cortex-a72 -run 'Rounding|ExtremeCodes|Vectors' # ARMv8.0, which has no dot products
run runtime/model max -run Same
