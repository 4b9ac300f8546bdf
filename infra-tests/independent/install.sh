#!/bin/sh
# Makes the virtual environment in which restore.py runs: Python 3 with the pinned packages of requirements.txt.
set -eu
cd "$(dirname "$0")"
python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
.venv/bin/python restore.py --help >/dev/null
echo "ready: infra-tests/independent/.venv"
