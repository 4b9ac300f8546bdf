#!/bin/sh
# Runs the tests as on a machine with npm alone: PATH holds Node, npm, a shell and the basics that every Unix has, and none of acl, attr,
# e2fsprogs, libcap, python3, openssl, curl, unzip, fuse or a browser. Tests that need one of those have to skip, and say so.
#
#   infra-tests/bare/run.sh [test files and options of vitest]
set -eu
cd "$(dirname "$0")/../.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT

basics="sh bash env cat chgrp chmod chown cp cut date dd df diff dirname basename du echo false find grep head id kill ln ls mkdir mkfifo
mknod mktemp mv nice nohup od printf pwd readlink realpath rm rmdir sed seq sleep sort stat sync tail tee test timeout touch tr true truncate
uname uniq wc xargs yes mount umount getent setpriv setsid git"
for name in $basics; do
  # Not by `command -v`, which knows the shell's own `true`.
  IFS=:
  for directory in $PATH; do
    if [ -x "$directory/$name" ]; then
      ln -s "$directory/$name" "$bin/$name"
      break
    fi
  done
  unset IFS
done
# npm starts the Node that it finds on PATH: the one that the project installs, or the machine's.
node=node_modules/node/bin/node
[ -x "$node" ] && ln -s "$PWD/$node" "$bin/node" || ln -s "$(command -v node)" "$bin/node"

PATH=$bin node node_modules/vitest/vitest.mjs run "$@"
