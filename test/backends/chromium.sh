#!/usr/bin/env bash
# Debian's Chromium, which draws the pictures of the incident report.
#   chromium.sh install   installs it, as root
#   chromium.sh path      prints the program
set -euo pipefail

find_program() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

case ${1:-} in
  install)
    find_program >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; }
    ;;
  path) find_program || { echo "no Chromium here; test/backends/chromium.sh install installs Debian's" >&2; exit 1; } ;;
  *) echo "usage: $0 install|path" >&2; exit 2 ;;
esac
