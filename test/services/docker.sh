#!/bin/sh
# Brings a real Docker Engine, and debootstrap for the test image, to a bare Debian or Ubuntu machine and starts the engine.
# Does nothing where one answers already.
# Needs root and the distribution's package mirror; no image registry is needed.
set -eu

log=${DOCKERD_LOG:-/var/log/the0-dockerd.log}
socket=/var/run/docker.sock

say() { echo "docker: $*"; }
# Asks the engine itself: the command line alone may be there without one.
answers() { [ -S "$socket" ] && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

missing=
command -v dockerd >/dev/null || answers || missing="$missing docker.io"
command -v iptables >/dev/null || answers || missing="$missing iptables"
# For the base of the test image (npm run image).
command -v debootstrap >/dev/null || missing="$missing debootstrap"

if [ -z "$missing" ] && answers; then
  say "engine $(docker version --format '{{.Server.Version}}') answers already"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  say "must run as root to install${missing:-} and to start the engine" >&2
  exit 1
fi
if [ -n "$missing" ]; then
  say "installing$missing"
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
# The package may have started it; give it a moment before starting our own.
if ! answers; then
  say "starting dockerd, log in $log"
  nohup setsid dockerd >"$log" 2>&1 </dev/null &
fi
tries=0
until answers; do
  tries=$((tries + 1))
  if [ "$tries" -gt 360 ]; then
    say "dockerd does not answer after 3 min; the end of its log:" >&2
    tail -n 20 "$log" >&2 || true
    exit 1
  fi
  sleep 0.5
done
say "engine $(docker version --format '{{.Server.Version}}') is ready"
