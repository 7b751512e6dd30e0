#!/bin/sh
# /app/runtime: what every container of this image runs (contract 0). It turns itself into the right program.
#
#   execute …   one bot: tini as PID 1 (reaps what bots leave behind), under it the agent
#   version     name and version
#
# Credentials come in the container's environment and must not stay in anyone's: every process of a user can read the
# environment of every other one. They go to the agent over a pipe, as NAME=value lines, and this shell replaces itself, so
# PID 1 has none of them either. The pipe comes from a here-document: that holds with dash, while other shells may use a
# file, which PID 1 would keep readable. No value is ever an argument or part of a program text.

set -eu

fail() {
  printf 'Error: %s\n' "$1" >&2
  exit 1
}

case "${1-}" in
  execute) ;;
  version)
    exec /app/node /app/agent.js version
    ;;
  '' | help | -h | --help)
    printf 'Usage: /app/runtime execute [--query PATH] [--query-server-only] [--skip-sync] [--skip-query-server]\n'
    printf '       /app/runtime version\n'
    exit 0
    ;;
  daemon)
    fail '"daemon" has nothing to do yet: this image syncs with no object store'
    ;;
  bot-runner | bot-scheduler | query-server | controller | gc)
    fail "the service \"$1\" is not in this image, which runs bots only; use an image of the Go runtime for it"
    ;;
  *)
    fail "unknown command \"$1\" for \"the0-runtime\": it knows execute and version"
    ;;
esac

# Everything a bot has no business with: MINIO_* whatever it is, and the URLs that may hold passwords.
secrets=''
newline='
'
while IFS= read -r line; do
  name=${line#export }
  name=${name%%=*}
  case "$name" in
    *[!A-Z0-9_]*) continue ;;
    MINIO_* | NATS_URL | MONGO_URI) ;;
    *) continue ;;
  esac
  # Only a name that really is a variable: a line may come from the middle of another's value.
  eval "value=\${$name-}"
  [ -n "$value" ] && secrets="$secrets$name=$value$newline"
  unset "$name"
done <<EXPORTS
$(export -p)
EXPORTS
unset name value line newline

if [ -n "$secrets" ]; then
  export THE0_SECRETS_FD=3
  exec 3<<SECRETS
$secrets
SECRETS
fi
unset secrets

# -g: the signal goes to the agent's process group, in which the agent is alone: bots have groups of their own.
exec tini -g -- /app/node /app/agent.js "$@"
