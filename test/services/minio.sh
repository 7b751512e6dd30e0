#!/bin/sh
# Brings a MinIO server for the tests of the object store: built from source by the Go module proxy (Go 1.24 or newer), once.
# Does nothing where it is there already. The tests start it themselves (test/services/minio.ts).
set -eu

version=v0.0.0-20260212201848-7aac2a2c5b7c
bin=${XDG_CACHE_HOME:-$HOME/.cache}/the0-services/bin

if [ -x "$bin/minio" ]; then
  echo "minio: $bin/minio is there already"
  exit 0
fi
command -v go >/dev/null || {
  echo "minio: needs Go to build it" >&2
  exit 1
}
echo "minio: building $version, which takes some minutes"
mkdir -p "$bin"
CGO_ENABLED=0 GOBIN="$bin" GOFLAGS="-trimpath -buildvcs=false" go install -ldflags="-s -w" "github.com/minio/minio@$version"
echo "minio: $bin/minio is ready"
