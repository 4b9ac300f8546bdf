#!/bin/sh
# Builds VersityGW, a real S3 server, into the repository's .cache/bin, where its tests look for it. Needs Go and the Go module proxy.
set -eu
version=v1.8.0
bin=$(cd "$(dirname "$0")/../.." && pwd)/.cache/bin
mkdir -p "$bin"
if [ -x "$bin/versitygw" ] && [ "$(cat "$bin/versitygw.version" 2>/dev/null)" = "$version" ]; then
  echo "versitygw $version is there: $bin/versitygw"
  exit 0
fi
GOBIN=$bin go install "github.com/versity/versitygw/cmd/versitygw@$version"
echo "$version" >"$bin/versitygw.version"
echo "built $bin/versitygw"
