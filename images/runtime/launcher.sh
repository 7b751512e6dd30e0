#!/bin/sh
# /app/runtime: what every container of this image runs (contract 0). It turns itself into the right program.
#
#   execute …   one bot: tini as PID 1 (reaps what bots leave behind), under it the agent
#   daemon …    keeps state and log of a bot beside it, or brings its code and state (contract 7)
#   bot-runner, bot-scheduler, query-server, gc …   a service, or a command to one: the runtime itself (src/commands)
#   version     name and version
#
# What follows is about bots: services keep their environment, and no bot runs in their containers.
# Credentials come in the container's environment and must not stay in anyone's: every process of a user can read the
# environment of every other one. They go to the agent over a pipe, as NAME=value lines, and this shell replaces itself, so
# PID 1 has none of them either. The pipe comes from a here-document: that holds with dash, while other shells may use a
# file, which PID 1 would keep readable. No value is ever an argument or part of a program text.

set -eu

fail() {
  printf 'Error: %s\n' "$1" >&2
  exit 1
}

# In a container of its own tini is PID 1 and passes signals on; beside a service (`docker exec`) nobody needs it.
runtime() {
  # So that a service and the commands to it agree.
  export THE0_DATA_DIR="${THE0_DATA_DIR-/var/the0/runtime}"
  # Bots are containers beside this one; nothing here could run them as child processes.
  export THE0_ENGINE="${THE0_ENGINE-docker}"
  # Less memory; images/services.ts says why and has the same.
  export MALLOC_ARENA_MAX=2
  set -- /app/node --max-semi-space-size=4 /app/services/src/commands/main.js "$@"
  [ $$ -ne 1 ] || set -- tini -- "$@"
  exec "$@"
}

usage() {
  printf 'Usage: /app/runtime execute [--query PATH] [--query-server-only] [--skip-sync] [--skip-query-server]\n'
  printf '       /app/runtime daemon init --bot-id ID [--code-path DIR] [--state-path DIR] [--code-file KEY]\n'
  printf '       /app/runtime daemon sync --bot-id ID [--state-path DIR] [--logs-path DIR] [--interval 60s] [--watch-done FILE] [--readiness-port PORT]\n'
  printf '       /app/runtime bot-runner | bot-scheduler | query-server | gc [--help]\n'
  printf '       /app/runtime ls | why | logs | query | restart | reset | down | up | deploy | settings [--help]\n'
  printf '       /app/runtime version\n'
  exit 0
}

case "${1-}" in
  bot-runner | bot-scheduler | query-server | gc) runtime "$@" ;;
  ls | why | logs | query | restart | reset | down | up | deploy | settings) runtime "$@" ;;
esac

# Of every command (contract 1.1).
for word in "$@"; do
  case "$word" in -h | --help) usage ;; esac
done

case "${1-}" in
  execute) ;;
  daemon)
    case "${2-}" in
      init | sync) ;;
      *) fail "\"daemon\" needs one of: init, sync" ;;
    esac
    ;;
  version)
    exec /app/node /app/agent.js version
    ;;
  '' | help) usage ;;
  controller)
    fail "this runtime does not work with Kubernetes yet, so it has no \"controller\"; with Docker it has bot-runner, bot-scheduler and query-server"
    ;;
  *)
    fail "unknown command \"$1\" for \"the0-runtime\": /app/runtime help shows all"
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
unset name value line

# Code and state of the bot are fetched by a process of its own, an errand (src/agent/prepare-errand.ts). Sent from here, it
# starts beside the agent instead of after it. Only for a plain "execute" with its code in the object store: in all other
# cases the agent sends it. What it answers comes over a pipe, again that of a here-document, to its other end.
early=''
case "$newline$secrets" in
  *"${newline}MINIO_ENDPOINT="*)
    [ "$*" = execute ] && [ -z "${QUERY_PATH-}${THE0_CODE_SOURCE-}" ] && [ -n "${CODE_FILE-}" ] && early=${THE0_INCARNATION-}
    ;;
esac
if [ -n "$early" ]; then
  exec 4<<ANSWER
ANSWER
  if [ -p /proc/self/fd/4 ]; then
    exec 5> /proc/self/fd/4
    THE0_SECRETS_FD=3 /app/node --v8-pool-size=0 /app/agent.js prepare launched code state 3<<SECRETS < /dev/null >&5 4<&- 5>&- &
$secrets
SECRETS
    export THE0_ERRAND="4 $! code state"
    exec 5>&-
  fi
fi
unset early

if [ -n "$secrets" ]; then
  export THE0_SECRETS_FD=3
  exec 3<<SECRETS
$secrets
SECRETS
fi
unset secrets newline

# One agent per bot, so its memory counts; together these save 3 MB of 12. Only what is hot for long is compiled to machine
# code, and what has not run lately is dropped whenever the agent collects its garbage, which it does when it has grown. Young
# garbage is collected when there is 0.1 MB of it: otherwise each agent whose bot is busy has 1 to 2 MB of it, at all times.
# For Node 22, which is the one in this image. They must be here: switched on while V8 runs, some of them end it.
memory='--expose-gc --bytecode-old-age=1 --max-semi-space-size=2 --v8-pool-size=0 --no-sparkplug --regexp-interpret-all'
memory="$memory --invocation-count-for-feedback-allocation=200 --invocation-count-for-turbofan=50000 --minor-gc-task-trigger=12"
# The C library gives large blocks back when they are freed. The agent keeps these from the bot.
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384 MALLOC_TRIM_THRESHOLD_=16384 MALLOC_TOP_PAD_=0

# -g: the signal goes to the agent's process group, in which the agent is alone: bots have groups of their own.
# shellcheck disable=SC2086 # These are several words.
exec tini -g -- /app/node $memory /app/agent.js "$@"
