#!/bin/sh
# What many write by hand, after Kamal's boot: a new container of the old version up, healthy, given the traffic, the old one stopped.
# usage: kamal-style.sh IMAGE NETWORK ALIAS OLD...
set -eu
image=$1 network=$2 alias=$3
shift 3
for old; do
  docker run -d --name "$old-back" --network "$network" --label booted="$network" "$image" >/dev/null
  tries=300
  until [ "$(docker inspect --format '{{.State.Health.Status}}' "$old-back")" = healthy ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ]
    sleep 0.1
  done
  docker network disconnect "$network" "$old-back"
  docker network connect --alias "$alias" "$network" "$old-back"
  docker stop "$old" >/dev/null
done
