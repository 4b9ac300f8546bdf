#!/bin/sh
# Installs the browser that ui.test.ts drives, from Debian's own packages. Needs root. The test looks for it at /usr/bin/chromium, or
# where CHROMIUM says.
set -eu
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
chromium --version
