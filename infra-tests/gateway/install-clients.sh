#!/bin/bash
# Installs the clients of others that judge the gateway: rclone, cadaver, davfs2, litmus, the webdav package of npm, aws, s3cmd, s3fs.
#
#   infra-tests/gateway/install-clients.sh [--only rclone,cadaver,davfs2,litmus,webdav,aws,s3cmd,s3fs]
#
# Needs root for Debian's packages. What they do not have lands in .cache/gateway-clients of the repository (git-ignored); the tests look
# there first and then on PATH. davfs2 is taken from a newer Debian: the one of bookworm (1.6.1) cannot read directories on Linux 6.
# aws is taken from pip where it is not there.
# A client that cannot be installed is reported on stderr, and its tests say that they are skipped.
# Exit code: 0 when every wanted client is there, 3 when some are missing, 64 for a wrong flag.
set -uo pipefail

# With the C library that it was built with.
davfs2_deb=d/davfs2/davfs2_1.7.3-1_amd64.deb
libc_deb=g/glibc/libc6_2.41-12+deb13u4_amd64.deb
libc_sha256=967aa62605721081c3eb2a17650611a792aa802d76a6511d1840242623d204c9
davfs2_sha256=7a9f9850a230b0e5f19486283cfff1e5860849adb30f438b4651396f230998ee
webdav_version=5.11.0
awscli_version=1.45.11

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 70
clients=$root/.cache/gateway-clients
only=rclone,cadaver,davfs2,litmus,webdav,aws,s3cmd,s3fs
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=${2:?--only needs a list}; shift ;;
    -h | --help) sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "Unknown flag: $1 (see --help)" >&2; exit 64 ;;
  esac
  shift
done
mkdir -p "$clients/bin"

wanted() { [[ ,$only, == *,$1,* ]]; }
missing=()

# A Debian package: program, package, the version that the tests were written with.
debian() {
  wanted "$1" || return 0
  if ! command -v "$1" > /dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$2" > "$clients/$1.log" 2>&1
  fi
  if ! command -v "$1" > /dev/null; then missing+=("$1"); return 0; fi
  local version; version=$(dpkg-query -W -f '${Version}' "$2" 2> /dev/null)
  [ "$version" = "$3" ] || echo "$1 is ${version:-not from Debian}; the tests were written with $3" >&2
}

# A .deb of a newer Debian, unpacked beside the system.
unpack() {
  local deb=$clients/${1##*/}
  [ -f "$deb" ] || curl -sSf -m 60 -o "$deb" "http://deb.debian.org/debian/pool/main/$1" || return 1
  echo "$2  $deb" | sha256sum -c - > /dev/null || { rm -f "$deb"; return 1; }
  dpkg-deb -x "$deb" "$clients/davfs2"
}

davfs2() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libneon27 > "$clients/davfs2.log" 2>&1
  unpack "$davfs2_deb" "$davfs2_sha256" && unpack "$libc_deb" "$libc_sha256" || return 1
  id davfs2 > /dev/null 2>&1 || useradd --system --no-create-home davfs2 || return 1
  mkdir -p /var/run/mount.davfs && chown root:davfs2 /var/run/mount.davfs && chmod 1775 /var/run/mount.davfs || return 1
  local libraries=$clients/davfs2/usr/lib/x86_64-linux-gnu
  printf '#!/bin/sh\nexec %s/ld-linux-x86-64.so.2 --library-path %s:/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu %s "$@"\n' \
    "$libraries" "$libraries" "$clients/davfs2/usr/sbin/mount.davfs" > "$clients/bin/mount.davfs"
  chmod +x "$clients/bin/mount.davfs"
  "$clients/bin/mount.davfs" -V > /dev/null 2>> "$clients/davfs2.log" || { rm "$clients/bin/mount.davfs"; return 1; }
}

debian rclone rclone 1.60.1+dfsg-2+b5
debian cadaver cadaver 0.24+dfsg-1
debian litmus litmus 0.13-5
debian s3cmd s3cmd 2.3.0-1
debian s3fs s3fs 1.90-1
if wanted davfs2; then davfs2 || missing+=(davfs2); fi
if wanted webdav; then
  (cd "$clients" && { [ -f package.json ] || echo '{"private":true}' > package.json; } &&
    npm install --no-audit --no-fund "webdav@$webdav_version" > webdav.log 2>&1) || missing+=(webdav)
fi
if wanted aws && ! command -v aws > /dev/null; then
  python3 -m venv "$clients/aws" > "$clients/aws.log" 2>&1 &&
    "$clients/aws/bin/pip" install "awscli==$awscli_version" >> "$clients/aws.log" 2>&1 &&
    ln -sf "$clients/aws/bin/aws" "$clients/bin/aws" || missing+=(aws)
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "Not installed: ${missing[*]}; see $clients/*.log" >&2
  exit 3
fi
