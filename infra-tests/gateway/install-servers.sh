#!/bin/bash
# Installs the servers that the load run compares with, from Debian: nginx (nginx-light) and rclone.
# What cannot be installed is reported on stderr and skipped. Exit code: 0 when both are there, 3 when not.
set -uo pipefail

missing=0
for pair in nginx:nginx-light rclone:rclone; do
  program=${pair%%:*}
  package=${pair##*:}
  if ! PATH=$PATH:/usr/sbin command -v "$program" >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >/dev/null 2>&1
  fi
  if ! PATH=$PATH:/usr/sbin command -v "$program" >/dev/null; then
    echo "install-servers: $package cannot be installed; the load run goes without $program" >&2
    missing=3
  fi
done
exit $missing
