#!/bin/sh
# Brings Docker Compose for the test of images/compose: built from source by the Go module proxy, once. `go install` refuses it
# (its module excludes others), so it is built from a module of its own.
# Does nothing where it is there already. The test runs it itself (test/e2e/compose.test.ts).
set -eu

version=v2.39.4
bin=${XDG_CACHE_HOME:-$HOME/.cache}/the0-services/bin

if [ -x "$bin/docker-compose" ]; then
  echo "compose: $bin/docker-compose is there already"
  exit 0
fi
command -v go >/dev/null || {
  echo "compose: needs Go to build it" >&2
  exit 1
}
echo "compose: building $version"
mkdir -p "$bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init compose >/dev/null 2>&1
go get "github.com/docker/compose/v2/cmd@$version" 2>/dev/null
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o "$bin/docker-compose.new" github.com/docker/compose/v2/cmd
mv "$bin/docker-compose.new" "$bin/docker-compose"
echo "compose: $bin/docker-compose is ready"
