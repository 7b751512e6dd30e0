#!/bin/sh
# Brings a NATS server for the tests of the desired state: built from source by the Go module proxy, once.
# Does nothing where it is there already. The tests start it themselves (test/services/nats.ts).
set -eu

version=v2.12.1
bin=${XDG_CACHE_HOME:-$HOME/.cache}/the0-services/bin

if [ -x "$bin/nats-server" ]; then
  echo "nats: $bin/nats-server is there already"
  exit 0
fi
command -v go >/dev/null || {
  echo "nats: needs Go to build it" >&2
  exit 1
}
echo "nats: building $version"
mkdir -p "$bin"
CGO_ENABLED=0 GOBIN="$bin" GOFLAGS="-trimpath -buildvcs=false" go install -ldflags="-s -w" "github.com/nats-io/nats-server/v2@$version"
echo "nats: $bin/nats-server is ready"
