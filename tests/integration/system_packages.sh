#!/usr/bin/env bash
# System packages that the integration tests drive: a terminal multiplexer, and setpriv for a second user.
set -euo pipefail
missing=()
command -v tmux >/dev/null || missing+=(tmux)
command -v setpriv >/dev/null || missing+=(util-linux)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "integration tests need: ${missing[*]} (install them, then repeat)" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
