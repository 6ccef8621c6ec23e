#!/usr/bin/env bash
# Builds the container image and tries it, where docker is there.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! docker info >/dev/null 2>&1; then echo "docker is not here: the image was not built"; exit 0; fi
docker build -q -t carat:test .
docker run --rm --network none --read-only carat:test version
# It reads what is mounted, as a user without rights, and has what TLS needs.
docker run --rm --network none -v "$PWD/testdata:/work:ro" carat:test inspect tiny-llama --tensors=false
[ "$(docker inspect -f '{{.Config.User}}' carat:test)" = 65532:65532 ]
id=$(docker create carat:test)
trap 'docker rm "$id" >/dev/null' EXIT
docker cp "$id:/etc/ssl/certs/ca-certificates.crt" - | tar -t
