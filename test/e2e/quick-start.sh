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

for _ in $(seq 3000); do
  line=$(grep -m1 -oE '^ +curl .*' "$work/screen" || true)
  [ -n "$line" ] && break
  kill -0 "$runtime" 2>/dev/null || break
  sleep 0.2
done
cat "$work/screen"
[ -n "${line:-}" ] || { echo "the curl line never came"; exit 1; }

check() { # <what> <expected part> <command …>; on a busy machine a bot may take its time for its first words
  local what=$1 expected=$2 answer end=$((SECONDS + 90))
  shift 2
  while [ "$SECONDS" -lt "$end" ]; do
    answer=$("$@" 2>&1) && case $answer in *"$expected"*) printf 'ok: %s\n' "$what"; return ;; esac
    sleep 0.5
  done
  printf '%s failed, or there is no %s in\n%s\n' "$what" "$expected" "$answer"
  exit 1
}
check 'the printed curl line' '"status":"ok"' bash -c "$line"
check 'ls' 'price-alerts' npx the0-runtime ls
check 'query' 'price' npx the0-runtime query price-alerts /price
check 'why' 'flaky-scalper' npx the0-runtime why flaky-scalper
check 'logs' 'BTC' npx the0-runtime logs price-alerts
check 'down' 'stopped' npx the0-runtime down
wait "$runtime" && echo 'ok: the runtime has ended with 0'
runtime=
