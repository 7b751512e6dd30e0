#!/usr/bin/env bash
# Does what the README says to a newcomer, in a fresh clone, and takes the printed curl line at its word.
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
cleanup() {
  if [ -n "${runtime:-}" ]; then kill -INT -- "-$runtime" 2>/dev/null || true; wait "$runtime" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

git clone --quiet "$project" "$work/clone"
cd "$work/clone"
set -m # a process group of its own, as a terminal gives it
(npm ci && npm start) >"$work/screen" 2>&1 &
runtime=$!
set +m

for _ in $(seq 600); do
  line=$(grep -m1 -oE '^ +curl .*' "$work/screen" || true)
  [ -n "$line" ] && break
  kill -0 "$runtime" 2>/dev/null || break
  sleep 0.2
done
cat "$work/screen"
[ -n "${line:-}" ] || { echo "the curl line never came"; exit 1; }

check() { # <what> <expected part> <command …>
  local what=$1 expected=$2 answer
  shift 2
  answer=$("$@" 2>&1) || { printf '%s failed:\n%s\n' "$what" "$answer"; exit 1; }
  case $answer in
    *"$expected"*) printf 'ok: %s\n' "$what" ;;
    *) printf '%s: no %s in\n%s\n' "$what" "$expected" "$answer"; exit 1 ;;
  esac
}
check 'the printed curl line' '"status":"ok"' bash -c "$line"
check 'ls' 'price-alerts' npx the0-runtime ls
check 'query' 'price' npx the0-runtime query price-alerts /price
check 'why' 'flaky-scalper' npx the0-runtime why flaky-scalper
check 'logs' 'BTC' npx the0-runtime logs price-alerts
check 'down' 'stopped' npx the0-runtime down
wait "$runtime" && echo 'ok: the runtime has ended with 0'
runtime=
