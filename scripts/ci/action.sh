#!/usr/bin/env bash
# The steps of action.yml: setup, gate, comment. Inputs are INPUT_*, the rest is the runner's environment
# (GITHUB_*, RUNNER_*). Works in bash 3.2, which is macOS's.
#
#   CARAT            a carat to use; setup looks for one otherwise
#   CARAT_RELEASES   where releases are, for mirrors
set -euo pipefail

releases=${CARAT_RELEASES:-https://github.com/carat-llm/carat/releases/download}

# words NAME: what of a name may stand in paths, keys and markers; eval/ci.Marker does the same.
words() {
  local s
  s=$(printf '%s' "$1" | LC_ALL=C tr -cs 'A-Za-z0-9._' '-')
  s=${s#-}
  printf '%s' "${s%-}"
}

name=$(words "${INPUT_NAME:-gate}")
base=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/carat
directory=$base/gate-$name
comment_file=$directory/comment.md
cache=$base/cache-$name
cache_prefix=carat-${RUNNER_OS:-any}-${RUNNER_ARCH:-any}-gate-$name-

# say KIND MESSAGE: an annotation of the run.
say() {
  local s=$2
  s=${s//'%'/%25}
  s=${s//$'\r'/%0D}
  s=${s//$'\n'/%0A}
  printf '::%s title=carat::%s\n' "$1" "$s"
}

die() { # CODE MESSAGE
  say error "$2" >&2
  exit "$1"
}

# output KEY VALUE: VALUE is of one line.
output() {
  case $2 in *$'\n'* | *$'\r'*) die 5 "$1 has a line end in it: $2" ;; esac
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# sum: the SHA-256 of stdin.
sum() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

platform() {
  local os arch exe=
  case ${RUNNER_OS:-$(uname -s)} in
    Linux) os=linux ;;
    macOS | Darwin) os=darwin ;;
    Windows | MINGW* | MSYS*) os=windows exe=.exe ;;
    *) die 5 "there is no release of carat for ${RUNNER_OS:-$(uname -s)}" ;;
  esac
  case ${RUNNER_ARCH:-$(uname -m)} in
    X64 | x86_64 | amd64) arch=amd64 ;;
    ARM64 | arm64 | aarch64) arch=arm64 ;;
    *) die 5 "there is no release of carat for ${RUNNER_ARCH:-$(uname -m)}" ;;
  esac
  printf 'carat-%s-%s%s' "$os" "$arch" "$exe"
}

fetch() { # URL FILE
  curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output "$2" "$1" ||
    die 5 "cannot download $1"
}

# download VERSION SHA256 FILE: a release's binary, checked against SHA256, or the release's list when that is empty.
download() {
  local file want got
  case $1 in *[!A-Za-z0-9.+-]* | -*) die 2 "version is $1: it should be a release's name as v0.1.0" ;; esac
  file=$(platform)
  want=$2
  fetch "$releases/$1/$file" "$3"
  if [ -z "$want" ]; then
    fetch "$releases/$1/SHA256SUMS" "$3.sums"
    want=$(awk -v f="$file" '$2 == f || $2 == "*" f {print $1}' "$3.sums")
    [ -n "$want" ] || die 5 "SHA256SUMS of $1 does not list $file"
  fi
  got=$(sum <"$3")
  if [ "$got" != "$want" ]; then
    rm -f "$3"
    die 5 "$file of $1 has SHA-256 $got, expected $want"
  fi
  chmod +x "$3"
}

setup() {
  local carat=${CARAT:-} bin=$base/bin
  mkdir -p "$bin" "$cache"
  rm -rf "$directory" # a runner of one's own may have it from the last run
  mkdir -p "$directory"
  if [ -n "$carat" ]; then
    :
  elif [ -n "${INPUT_VERSION:-}" ]; then
    carat=$bin/$(platform)
    download "$INPUT_VERSION" "${INPUT_SHA256:-}" "$carat"
  elif carat=$(command -v carat); then
    :
  elif command -v go >/dev/null; then
    carat=$bin/carat
    (cd "$GITHUB_ACTION_PATH" && CGO_ENABLED=0 go build -trimpath -o "$carat" ./cmd/carat) ||
      die 5 "cannot build carat from the action's source; set version to download a release"
  else
    die 5 "there is no carat in PATH and no Go to build it with: set version to download a release"
  fi
  "$carat" --version || die 5 "$carat does not run here"
  output carat "$carat"
  output directory "$directory"
  output artifact "carat-$name"
  output cache_directory "$cache"
  output cache_prefix "$cache_prefix"
}

args=()

# lines TEXT PREFIX: appends PREFIX and each line of TEXT that is not empty to args.
lines() {
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    line=${line#"${line%%[![:space:]]*}"}
    line=${line%"${line##*[![:space:]]}"}
    [ -z "$line" ] || args+=("$2$line")
  done <<<"$1"
}

gate() {
  local code=0 d=$directory
  cd -- "${INPUT_WORKING_DIRECTORY:-.}" || die 2 "there is no working-directory $INPUT_WORKING_DIRECTORY"
  args=(gate "--report=$d/report.json" "--html=$d/report.html" "--markdown=$d/report.md" "--junit=$d/junit.xml"
    "--sarif=$d/findings.sarif" "--cyclonedx=$d/bom.cdx.json" "--intoto=$d/statements.intoto.jsonl" "--card=$d/card.md"
    "--svg=$d/pareto.svg" "--csv=$d/figures.csv" "--cache=$cache" --github)
  lines "${INPUT_POLICY:-}" --policy=
  lines "${INPUT_REFERENCE:-}" --reference=
  lines "${INPUT_TYPE:-}" --type=
  lines "${INPUT_PROFILE:-}" --profile=
  lines "${INPUT_TEXT:-}" --text=
  lines "${INPUT_OUTPUT:-}" -o=
  lines "${INPUT_BASELINE:-}" --baseline=
  lines "${INPUT_THREADS:-}" --threads=
  case ${INPUT_OUTPUT:-} in
    "") ;;
    /* | [A-Za-z]:*) output model "$INPUT_OUTPUT" ;;
    *) output model "$PWD/$INPUT_OUTPUT" ;;
  esac
  case ${INPUT_FAIL_ON:-inconclusive} in
    inconclusive | fail) ;;
    never) args+=(--warn-only) ;;
    *) die 2 "fail-on is $INPUT_FAIL_ON: it should be inconclusive, fail or never" ;;
  esac
  lines "${INPUT_ARGS:-}" ""
  if [ -n "${INPUT_MODEL:-}" ]; then args+=(-- "$INPUT_MODEL"); fi

  CARAT_COMMENT_FILE=$comment_file CARAT_GATE_NAME=${INPUT_NAME:-gate} "$CARAT" "${args[@]}" || code=$?

  grep -q '^verdict[=<]' "$GITHUB_OUTPUT" || output verdict error
  output exit_code "$code"
  output cache_key "$cache_prefix$(cd "$cache" && find . -type f -exec wc -c {} + | grep -v ' total$' | LC_ALL=C sort | sum)"
  if [ ! -s "$comment_file" ]; then
    printf '<!-- carat:gate:%s -->\n**carat could not judge the model** (exit code %s): the log of the step says why.\n' \
      "$name" "$code" >"$comment_file"
  fi
  if [ "$code" = 3 ] && [ "${INPUT_FAIL_ON:-}" = fail ]; then
    say warning "inconclusive: let through because fail-on is fail"
    exit 0
  fi
  exit "$code"
}

# api METHOD PATH [FILE]: a call of GitHub's REST interface. The token is not on the command line, which others could see.
api() {
  local data=()
  if [ $# -gt 2 ]; then data=(--data-binary "@$3"); fi
  curl --fail --silent --show-error --request "$1" --header @<(printf 'Authorization: Bearer %s\n' "$INPUT_TOKEN") \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    ${data[@]+"${data[@]}"} "${GITHUB_API_URL:-https://api.github.com}/repos/$GITHUB_REPOSITORY/$2"
}

# comment posts comment_file, or replaces the comment of the same marker and author. A comment that cannot be posted is
# no reason to fail: a pull request from a fork has no right to.
comment() {
  local number marker page=1 list id=''
  if [ ! -s "$comment_file" ]; then
    say notice "no comment: there is no report"
    return
  fi
  number=$(jq -r '.pull_request.number // (.issue | select(.pull_request) | .number) // empty' "$GITHUB_EVENT_PATH")
  if [ -z "$number" ]; then
    say notice "no comment: this run is not of a pull request"
    return
  fi
  marker=$(head -n 1 "$comment_file")
  jq -Rs '{body: .}' <"$comment_file" >"$comment_file.json"
  while :; do
    if ! list=$(api GET "issues/$number/comments?per_page=100&page=$page") || ! jq -e 'type == "array"' <<<"$list" >/dev/null; then
      say warning "no comment: those of the pull request cannot be read, the token needs the permission pull-requests: write"
      return
    fi
    id=$(jq -r --arg marker "$marker" --arg author "${INPUT_COMMENT_AUTHOR:-github-actions[bot]}" \
      '[.[] | select(.user.login == $author and (.body // "" | startswith($marker)))][0].id // empty' <<<"$list")
    if [ -n "$id" ] || [ "$(jq length <<<"$list")" -lt 100 ]; then break; fi
    page=$((page + 1))
  done
  if [ -n "$id" ]; then
    api PATCH "issues/comments/$id" "$comment_file.json" >/dev/null && return
  else
    api POST "issues/$number/comments" "$comment_file.json" >/dev/null && return
  fi
  say warning "the comment could not be posted: the token needs the permission pull-requests: write, which runs for forks do not have"
}

case ${1:-} in
  setup | gate | comment) "$1" ;;
  *)
    echo "usage: action.sh setup|gate|comment" >&2
    exit 2
    ;;
esac
