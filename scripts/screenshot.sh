#!/usr/bin/env bash
# Screenshots of a report's page to look at, wide and narrow, light and dark:
#   scripts/screenshot.sh REPORT.html [FOLDER, default a temporary one] [HEIGHT, default 4200]
# Headless windows are never narrower than about 500 pixels, so the narrow ones show the page in a frame of 390.
set -euo pipefail
page=$(realpath "$1")
out=${2:-$(mktemp -d)}
height=${3:-4200}
chromium=${CHROMIUM:-chromium}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
shot() { # NAME WIDTH HEIGHT SCHEME URL
  "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$work/profile" --hide-scrollbars --force-device-scale-factor=1 \
    --blink-settings=preferredColorScheme="$4" --window-size="$2,$3" --screenshot="$out/$1.png" "$5" 2>/dev/null
  echo "$out/$1.png"
}
tall=$((height * 2))
printf '<!DOCTYPE html><style>body{margin:0;background:#888}iframe{border:0;width:390px;height:%dpx}</style><iframe src="file://%s"></iframe>' "$tall" "$page" > "$work/narrow.html"
shot wide-light 1280 "$height" 1 "file://$page"
shot wide-dark 1280 "$height" 0 "file://$page"
shot narrow-light 500 "$tall" 1 "file://$work/narrow.html"
shot narrow-dark 500 "$tall" 0 "file://$work/narrow.html"
