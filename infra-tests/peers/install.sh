#!/bin/bash
# Installs the pinned peers of the bench where their registries are reached.
#
#   infra-tests/peers/install.sh [--tree] [--only restic,borg,kopia,rustic,plakar,restic-debian] [--from DIR]
#
# Binaries land in .cache/bin of the repository (git-ignored): `npm run bench` looks there and then on PATH.
#   restic, kopia, plakar   built from the Go module proxy
#   rustic                  cargo install, from crates.io
#   borg, restic-debian     Debian packages (borgbackup, restic), linked
# --only   installs just these; a name joined by commas
# --from   takes a binary from DIR when it is there and says the pinned version, instead of building it
# --tree   also unpacks Debian's linux-source-6.1 (about 80,000 files) to .cache/trees/, the bench's usual directory
#
# A peer that cannot be installed is reported on stderr and skipped. The end is a table of what is there.
# Exit code: 0 when every wanted peer is there, 3 when some are missing, 64 for a wrong flag.
set -uo pipefail
exec 3>&2 # for warnings of steps whose output goes to a log

restic_version=0.19.1
kopia_version=0.23.1
plakar_version=1.1.4
rustic_version=0.11.4
borg_version=1.2.4
tree_package=linux-source-6.1

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 70
bin=$root/.cache/bin
logs=$root/.cache/peers-log
only=restic,borg,kopia,rustic,plakar,restic-debian
from=
tree=no

while [ $# -gt 0 ]; do
  case $1 in
    --tree) tree=yes ;;
    --only) only=${2:?--only needs a list}; shift ;;
    --from) from=${2:?--from needs a directory}; shift ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "Unknown flag: $1 (see --help)" >&2; exit 64 ;;
  esac
  shift
done
mkdir -p "$bin" "$logs" || exit 70

wanted() { case ",$only," in *",$1,"*) return 0 ;; *) return 1 ;; esac; }

fail() { # name, reason, log
  echo "!! $1 is not installed: $2${3:+ (log: $3)}" >&2
  if [ -n "${3:-}" ] && [ -s "$3" ]; then tail -n 4 "$3" | sed 's/^/!!   /' >&2; fi
}

# The first line of what a binary calls its version; empty when it does not run.
version_of() { # name, binary
  case $1 in
    restic | restic-debian | plakar) "$2" version 2>/dev/null | head -n 1 ;;
    *) "$2" --version 2>/dev/null | head -n 1 ;;
  esac
}

has_version() { # name, binary, version
  [ -x "$2" ] && [[ $(version_of "$1" "$2") == *"$3"* ]]
}

# True when the pinned binary is in .cache/bin already, or could be taken from --from.
present() { # name, version
  has_version "$1" "$bin/$1" "$2" && return 0
  if [ -n "$from" ] && has_version "$1" "$from/$1" "$2"; then cp -f "$from/$1" "$bin/$1" && return 0; fi
  return 1
}

# Builds a Go command. `go install` asks the proxy for the list of versions (to warn of deprecation); a proxy that serves the
# version and not the list fails there. Then the module's own folder, which the proxy does serve, is built instead.
build_go() { # name, module, package within module, version, [ldflags], [function run in the module's folder before the build]
  local name=$1 module=$2 package=$3 version=$4 ldflags=${5:-} patch=${6:-true} log=$logs/$1.log work
  present "$name" "$version" && return 0
  command -v go >/dev/null || { fail "$name" "there is no go on PATH"; return 1; }
  echo "== building $name $version" >&2
  : >"$log"
  if GOBIN=$bin GOFLAGS= nice go install -ldflags "$ldflags" "$module${package:+/$package}@v$version" >>"$log" 2>&1; then
    has_version "$name" "$bin/$name" "$version" && return 0
  fi
  echo "-- go install failed, building the module's folder" >>"$log"
  work=$(mktemp -d) || return 1
  (
    set -e
    cd "$work"
    go mod download -json "$module@v$version" >module.json
    folder=$(sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p' module.json)
    [ -d "$folder" ]
    cp -r "$folder" source
    chmod -R u+w source
    cd source
    $patch
    GOFLAGS=-mod=mod nice go build -buildvcs=false -ldflags "$ldflags" -o "$bin/$name" "./$package"
  ) >>"$log" 2>&1
  local code=$?
  rm -rf "$work"
  [ $code -eq 0 ] || { fail "$name" "go could neither install nor build it" "$log"; return 1; }
  has_version "$name" "$bin/$name" "$version" && return 0
  fail "$name" "the built program does not call itself $version but '$(version_of "$name" "$bin/$name")'" "$log"
  return 1
}

# plakar's HTTP interface keeps its download links in a map from go.omarpolo.com, which some proxies do not serve. Where that
# module cannot be had, a map that never expires stands in for it: no command of the bench goes there.
stand_in_for_ttlmap() {
  go mod download go.omarpolo.com/ttlmap@v0.0.0-20231012080932-0154c95c7516 && return 0
  echo "-- go.omarpolo.com/ttlmap cannot be had: a stand-in takes its place"
  echo "!! plakar is built with a stand-in for go.omarpolo.com/ttlmap (only its web interface uses it)" >&3
  mkdir -p standin/ttlmap
  cat >standin/ttlmap/go.mod <<'GOMOD'
module go.omarpolo.com/ttlmap

go 1.21
GOMOD
  cat >standin/ttlmap/ttlmap.go <<'GO'
// Package ttlmap stands in for a module that the proxy refuses: a locked map, nothing expires.
package ttlmap

import (
	"sync"
	"time"
)

type Map[K comparable, V any] struct {
	mu    sync.Mutex
	items map[K]V
}

func New[K comparable, V any](time.Duration) *Map[K, V] {
	return &Map[K, V]{items: make(map[K]V)}
}

func (m *Map[K, V]) AutoExpire() {}

func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.items[key]
	return value, ok
}

func (m *Map[K, V]) Add(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.items[key] = value
}
GO
  go mod edit -replace go.omarpolo.com/ttlmap=./standin/ttlmap
}

build_rustic() {
  local log=$logs/rustic.log
  present rustic "$rustic_version" && return 0
  command -v cargo >/dev/null || { fail rustic "there is no cargo on PATH"; return 1; }
  echo "== building rustic $rustic_version" >&2
  if nice cargo install --locked --root "$root/.cache" --no-default-features "rustic-rs@$rustic_version" >"$log" 2>&1; then
    has_version rustic "$bin/rustic" "$rustic_version" && return 0
  fi
  fail rustic "cargo could not install it" "$log"
  return 1
}

# Installs a Debian package unless its program is there, and links the program under its name of the bench.
link_debian() { # name, package, program
  local name=$1 package=$2 program=/usr/bin/$3 log=$logs/$1.log
  if [ ! -x "$program" ]; then
    command -v apt-get >/dev/null || { fail "$name" "this is no Debian (no apt-get)"; return 1; }
    echo "== installing $package" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >"$log" 2>&1 ||
      { fail "$name" "apt-get could not install $package" "$log"; return 1; }
  fi
  ln -sf "$program" "$bin/$name"
}

install_borg() {
  link_debian borg borgbackup borg || return 1
  has_version borg "$bin/borg" "$borg_version" && return 0
  echo "!! borg is '$(version_of borg "$bin/borg")', not the pinned $borg_version; it is used all the same" >&2
}

unpack_tree() {
  local archive=/usr/src/$tree_package.tar.xz log=$logs/tree.log
  [ -e "$root/.cache/trees/$tree_package/Makefile" ] && return 0
  if [ ! -e "$archive" ]; then
    command -v apt-get >/dev/null || { fail "$tree_package" "this is no Debian (no apt-get)"; return 1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$tree_package" >"$log" 2>&1 ||
      { fail "$tree_package" "apt-get could not install it" "$log"; return 1; }
  fi
  echo "== unpacking $archive" >&2
  mkdir -p "$root/.cache/trees" && tar -C "$root/.cache/trees" -xf "$archive" >"$log" 2>&1 ||
    { fail "$tree_package" "tar could not unpack it" "$log"; return 1; }
}

missing=0
if ! [ -x /usr/bin/time ]; then
  link_debian time time time >/dev/null || echo "!! without GNU time the bench has no CPU times of its own accord" >&2
  rm -f "$bin/time"
fi
if wanted restic; then build_go restic github.com/restic/restic cmd/restic $restic_version || missing=1; fi
if wanted borg; then install_borg || missing=1; fi
if wanted restic-debian; then link_debian restic-debian restic restic || missing=1; fi
if wanted rustic; then build_rustic || missing=1; fi
if wanted kopia; then
  build_go kopia github.com/kopia/kopia "" $kopia_version "-X github.com/kopia/kopia/repo.BuildVersion=$kopia_version" || missing=1
fi
if wanted plakar; then build_go plakar github.com/PlakarKorp/plakar "" $plakar_version "" stand_in_for_ttlmap || missing=1; fi
if [ $tree = yes ]; then unpack_tree || missing=1; fi

printf '\n%-14s %-50s %s\n' peer version program
for name in restic borg rustic kopia plakar restic-debian; do
  if [ -x "$bin/$name" ]; then
    printf '%-14s %-50s %s\n' "$name" "$(version_of "$name" "$bin/$name" | cut -c1-50)" "$bin/$name"
  else
    printf '%-14s %-50s %s\n' "$name" missing -
  fi
done
if [ $tree = yes ] && [ -d "$root/.cache/trees/$tree_package" ]; then echo "tree           $root/.cache/trees/$tree_package"; fi
[ $missing -eq 0 ] || exit 3
