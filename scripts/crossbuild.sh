#!/usr/bin/env bash
# Builds carat for every platform it is released for, and once each with the kernels' generic code only.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  echo "build $target"
  GOOS=${target%/*} GOARCH=${target#*/} go build -trimpath -o /dev/null ./cmd/carat
done
for tag in noasm purego; do
  echo "build -tags $tag"
  go build -tags "$tag" -o /dev/null ./cmd/carat
done
