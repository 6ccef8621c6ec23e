#!/usr/bin/env bash
# Checks that imports point downwards only (docs/architecture.md); .golangci.yml states the same rules.
set -euo pipefail
cd "$(dirname "$0")/.."
mod=$(go list -m)
bad=0
# deny WHERE WHAT [BUT]: no package below WHERE, but those below BUT, may import a path that matches WHAT.
deny() {
  local hits
  # shellcheck disable=SC2016 # a template of go list
  hits=$(go list -f '{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}' "./$1/..." | grep -E " ($2)" | grep -vE "^$mod/${3:-none}" || true)
  if [ -n "$hits" ]; then printf 'layers: %s must not import:\n%s\n' "$1" "$hits" >&2; bad=1; fi
}
deny gguf     "$mod/(quantize|convert|runtime|eval|cmd)"
deny internal "$mod/(quantize|convert|runtime|eval|cmd)"
deny quantize "$mod/(convert|runtime|eval|cmd)"
deny convert  "$mod/(runtime/(kernel|model|engine|generate|embed)|eval|cmd)"
for d in convert/arch convert/export convert/general convert/lora convert/pickle convert/prequant convert/safetensors; do deny "$d" "$mod/runtime"; done
deny runtime  "$mod/(convert|eval|cmd)"
deny eval     "$mod/(convert|cmd)"
deny eval/stats   "$mod/"
deny eval/softmax "$mod/(eval|gguf|runtime|quantize)"
deny eval/figure  "$mod/(eval/(run|text|job|report|gate|ci|logits)|runtime|quantize)"
deny eval/text    "$mod/(eval/(run|job|report|gate|ci|logits)|runtime|quantize)"
deny eval/run     "$mod/(eval/(job|report|gate|ci)|runtime|quantize)"
deny eval/logits  "$mod/(eval/(run|text|figure|job|report|gate|ci)|runtime|quantize)"
deny eval/report  "$mod/(eval/(gate|ci|job|run|page)|runtime)"
deny eval/page    "$mod/(eval/(gate|ci|job|run)|runtime|quantize|convert)"
deny eval/bench   "$mod/(eval/(report|gate|ci|job|run|page)|runtime)" eval/bench/run
deny eval/bench/run "$mod/eval/(report|gate|ci|job|page)"
deny eval/parity  "$mod/(eval/(report|gate|ci|job|run)|runtime)"
deny eval/gate    "$mod/(eval/(ci|job|page)|runtime)" eval/gate/run
deny eval/gate/run "$mod/eval/(ci|page)"
deny eval/ci      "$mod/(eval/(gate|job|page)|runtime)"
for d in gguf quantize convert runtime eval internal; do deny "$d" 'github.com/(urfave|schollz)/'; done
exit $bad
