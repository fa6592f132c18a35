#!/usr/bin/env bash
# A Docker engine with a private registry and Compose v2, for tests.
#   docker.sh up        uses the engine that DOCKER_HOST names or that answers, else starts one where dockerd is installed and we are root;
#                       prints host=, registry=, compose= and nginx= lines, each only for what there is
#   docker.sh down      stops what `up` started
#   docker.sh install   installs engine, registry, busybox, Compose and a proxy from Debian's packages (for CI; needs root)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
state=${POP_TEST_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/pop-deploy-rollback}/docker
usual=unix:///var/run/docker.sock
host=${DOCKER_HOST:-$usual}

answers() {
  case $host in
    unix://*) curl -fs --max-time 3 --unix-socket "${host#unix://}" http://docker/_ping ;;
    *) timeout 10 docker --host "$host" version ;;
  esac >/dev/null 2>&1
}
registry_answers() { curl -fs --max-time 3 "http://$1/v2/" >/dev/null 2>&1; }

until_true() {
  local tries=150
  while ! "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.2
  done
}

# Where the machine may not lower an OOM score, an engine needs a runtime that does not try.
patient_runtime() {
  (echo -1 >/proc/self/oom_score_adj) 2>/dev/null && return
  cat >"$state/runc" <<'RUNC'
#!/bin/sh
# Leaves the OOM score at 0, then does what runc does.
bundle=
for argument; do
  [ "$bundle" = next ] && bundle=$argument && sed -i 's/"oomScoreAdj":-[0-9]*/"oomScoreAdj":0/' "$bundle/config.json"
  case $argument in --bundle | -b) bundle=next ;; esac
done
exec /usr/sbin/runc "$@"
RUNC
  chmod 755 "$state/runc"
  printf '%s\n' --add-runtime "patient=$state/runc" --default-runtime patient
}

start_engine() {
  answers && return
  [ "$host" = "$usual" ] && [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null || return 1
  mkdir -p "$state"
  local options
  mapfile -t options < <([ -e /etc/docker/daemon.json ] || patient_runtime)
  setsid nohup dockerd "${options[@]}" >"$state/engine.log" 2>&1 &
  echo $! >"$state/engine.pid"
  until_true answers
}

start_registry() {
  registry_answers 127.0.0.1:5000 && return
  command -v docker-registry >/dev/null || return 1
  mkdir -p "$state"
  cat >"$state/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $state/registry}, delete: {enabled: true}}
http: {addr: 127.0.0.1:5000}
YAML
  setsid nohup docker-registry serve "$state/registry.yml" >"$state/registry.log" 2>&1 &
  echo $! >"$state/registry.pid"
  until_true registry_answers 127.0.0.1:5000
}

find_compose() {
  local candidate
  for candidate in "$state/docker-compose" "$HOME"/.docker/cli-plugins/docker-compose \
    /usr/{local/lib,local/libexec,lib,libexec}/docker/cli-plugins/docker-compose "$(command -v docker-compose || true)"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] && "$candidate" version 2>/dev/null | grep -q 'v\?[2-9]\.' && echo "$candidate" && return
  done
  return 1
}

find_nginx() {
  local candidate
  for candidate in "$state/nginx/usr/sbin/nginx" "$(command -v nginx || true)"; do
    [ -n "$candidate" ] && [ -x "$candidate" ] && echo "$candidate" && return
  done
  return 1
}

up() {
  start_engine || { echo "no engine answers at $host, and none can be started (only at $usual, with dockerd and root)" >&2; exit 1; }
  echo "host=$host"
  start_registry && echo "registry=127.0.0.1:5000"
  find_compose >/dev/null && echo "compose=$(find_compose)"
  find_nginx >/dev/null && echo "nginx=$(find_nginx)"
  true
}

down() {
  local name
  for name in registry engine; do
    [ -e "$state/$name.pid" ] || continue
    kill "$(cat "$state/$name.pid")" 2>/dev/null || true
    rm -f "$state/$name.pid"
  done
}

# Debian 12 has no Compose v2; the next release has, as one static program.
install_compose() {
  find_compose >/dev/null && return
  local lists=$state/apt mirror
  mkdir -p "$lists/lists/partial"
  mirror=$("$here/debian-mirror")
  echo "deb $mirror trixie main" >"$lists/sources.list"
  local from=(-o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$lists/lists")
  apt-get "${from[@]}" update -qq
  (cd "$lists" && apt-get "${from[@]}" download -qq docker-compose && dpkg -x docker-compose_*.deb package)
  install -m 755 "$lists/package/usr/libexec/docker/cli-plugins/docker-compose" "$state/docker-compose"
}

# A proxy for images of our own, taken out of its package: nothing is to start on this machine.
unpack_nginx() {
  find_nginx >/dev/null && return
  mkdir -p "$state/nginx"
  (cd "$state/nginx" && apt-get download -qq nginx && dpkg -x nginx_*.deb .)
}

install_packages() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    docker.io docker-registry busybox-static iptables iproute2 curl ca-certificates openssh-server openssl \
    libpcre2-8-0 libssl3 zlib1g >/dev/null
  mkdir -p "$state"
  install_compose
  unpack_nginx
}

case ${1:-} in
  up | down) "$1" ;;
  install) install_packages ;;
  *) echo "usage: $0 up|down|install" >&2; exit 2 ;;
esac
