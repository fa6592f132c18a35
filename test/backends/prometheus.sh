#!/usr/bin/env bash
# The real Prometheus of Debian's package, for tests; each test starts one of its own, with its own configuration.
#   prometheus.sh install   takes it out of its package, once: nothing is to start on this machine
#   prometheus.sh up        prints program=, the path of the program
#   prometheus.sh down      stops nothing: what a test starts, it stops
set -euo pipefail

state=${POP_TEST_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/pop-deploy-rollback}/prometheus

find_program() {
  local candidate
  for candidate in "$state/usr/bin/prometheus" "$(command -v prometheus || true)"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] && "$candidate" --version >/dev/null 2>&1 && echo "$candidate" && return
  done
  return 1
}

unpack() {
  find_program >/dev/null && return
  mkdir -p "$state"
  apt-get update -qq
  (cd "$state" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb . && rm -f prometheus_*.deb)
  find_program >/dev/null
}

case ${1:-} in
  install) unpack ;;
  up)
    program=$(find_program) || { echo "prometheus is not installed; test/backends/prometheus.sh install unpacks it" >&2; exit 1; }
    echo "program=$program"
    ;;
  down) ;;
  *) echo "usage: $0 install|up|down" >&2; exit 2 ;;
esac
