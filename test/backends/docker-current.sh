#!/usr/bin/env bash
# A current Docker engine beside the one of docker.sh, with the image store of containerd, for tests that Debian 12's engine is too
# old for. Its programs come from Debian's newer suites and stay in a folder; it has its own data, bridge and socket.
#   docker-current.sh install   unpacks engine, client and Compose (for CI; needs root)
#   docker-current.sh up        finds it running, or starts it; prints host=, path=, registry= and compose= lines
#   docker-current.sh down      stops it
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
home=${POP_TEST_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/pop-deploy-rollback}
state=$home/docker-current
root=$state/root
socket=$state/socket
bridge=popcurrent0
networks=10.252.0.0/16
# The rules of the engine beside it would drop what containers here say to one another.
forward=(FORWARD -s $networks -d $networks -j ACCEPT)

works() { "$root/usr/sbin/dockerd" --version && "$root/usr/bin/containerd" --version && "$root/usr/bin/docker" --version; } >/dev/null 2>&1
answers() { curl -fs --max-time 3 --unix-socket "$socket" http://docker/_ping >/dev/null 2>&1; }

install_all() {
  local suite
  for suite in forky trixie; do
    works && return
    unpack "$suite"
  done
  works || { echo "no Docker engine of Debian's newer suites runs on this machine" >&2; exit 1; }
}

# All but runc, which asks for a newer libc: Debian 12's does.
unpack() {
  local lists=$state/apt
  rm -rf "$root" "$lists"
  mkdir -p "$root" "$lists/lists/partial"
  echo "deb $("$here/debian-mirror") $1 main" >"$lists/sources.list"
  local from=(-o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$lists/lists")
  apt-get "${from[@]}" update -qq
  (cd "$lists" && apt-get "${from[@]}" download -qq docker.io docker-cli containerd docker-compose)
  local package
  for package in "$lists"/*.deb; do dpkg -x "$package" "$root"; done
  rm -rf "$lists"
}

up() {
  local registry
  registry=$(env -u DOCKER_HOST "$here/docker.sh" up | sed -n 's/^registry=//p')
  answers || start
  printf '%s\n' "host=unix://$socket" "path=$root/usr/sbin:$root/usr/bin" "registry=$registry" \
    "compose=$root/usr/libexec/docker/cli-plugins/docker-compose"
}

start() {
  works || { echo "it is not unpacked: test/backends/docker-current.sh install does it" >&2; exit 1; }
  [ "$(id -u)" = 0 ] || { echo "an engine needs root" >&2; exit 1; }
  ip link show "$bridge" >/dev/null 2>&1 || ip link add "$bridge" type bridge
  ip addr replace 10.251.0.1/24 dev "$bridge"
  ip link set "$bridge" up
  iptables -C "${forward[@]}" 2>/dev/null || iptables -I "${forward[@]}"
  # What it knew of networks would make it remove docker0, which belongs to the engine beside it.
  rm -rf "$state/data/network"
  echo '{"features": {"containerd-snapshotter": true}}' >"$state/daemon.json"
  # A patient runtime of docker.sh is there only where it is needed.
  local runtime=()
  [ -x "$home/docker/runc" ] && runtime=(--add-runtime "patient=$home/docker/runc" --default-runtime patient)
  PATH=$root/usr/sbin:$root/usr/bin:$PATH setsid nohup dockerd --config-file "$state/daemon.json" --data-root "$state/data" \
    --exec-root "$state/exec" --pidfile "$state/pid" -H "unix://$socket" --bridge="$bridge" --iptables=false \
    --ip-forward=false --ip-masq=false --default-address-pool "base=$networks,size=24" "${runtime[@]}" >"$state/log" 2>&1 &
  local tries
  for tries in $(seq 150); do answers && return; sleep 0.2; done
  echo "it did not come up after $tries looks; see $state/log" >&2
  exit 1
}

down() {
  [ -e "$state/pid" ] || return 0
  kill "$(cat "$state/pid")" 2>/dev/null || true
  local tries
  for tries in $(seq 100); do [ -e "$state/pid" ] || break; sleep 0.2; done
  ip link del "$bridge" 2>/dev/null || true
  iptables -D "${forward[@]}" 2>/dev/null || true
}

case ${1:-} in
  up | down) "$1" ;;
  install) install_all ;;
  *) echo "usage: $0 up|down|install" >&2; exit 2 ;;
esac
