#!/usr/bin/env bash
# A real one-node Kubernetes (etcd, API server, controllers, scheduler, kubelet on Docker) on Debian 12, whose package
# kubernetes-client carries the whole source of Kubernetes 1.20.2. Pods run images that the engine already has.
#   kubernetes.sh install   installs Debian's packages and compiles the servers once, into the cache (needs root; about ten minutes)
#   kubernetes.sh up        finds it running, or starts it on the Docker engine of docker.sh; prints kubeconfig=PATH
#   kubernetes.sh down      stops it and forgets its state
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
version=1.20.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pop-backends/kubernetes-$version
state=${POP_TEST_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/pop-deploy-rollback}/kubernetes
servers=(kube-apiserver kube-controller-manager kube-scheduler kubelet)
api=https://127.0.0.1:16443

built() {
  local server
  for server in "${servers[@]}"; do [ -x "$cache/$server" ] || return 1; done
}

install_all() {
  apt-get update -qq
  # Another package's kubectl does as well, and Debian's would not install beside it.
  local kubectl=()
  command -v kubectl >/dev/null || kubectl=(kubernetes-client)
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${kubectl[@]}" \
    golang-go golang-github-modern-go-reflect2-dev etcd-server make rsync jq curl openssl gcc libc6-dev xz-utils >/dev/null
  built || compile
}

compile() {
  local work=$cache/build mirror server
  mkdir -p "$work/lists/partial" "$work/src"
  mirror=$("$here/debian-mirror")
  echo "deb-src $mirror bookworm main" >"$work/sources.list"
  local from=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists")
  apt-get "${from[@]}" update -qq
  (cd "$work" && apt-get "${from[@]}" source -qq --download-only kubernetes)
  tar xzf "$work"/kubernetes_*.orig.tar.gz -C "$work/src" --strip-components=1
  # The vendored reflect2 1.0.1 corrupts memory under Go 1.18 and later; Debian packages 1.0.2, which does not.
  local reflect2=$work/src/vendor/github.com/modern-go/reflect2
  rm -f "$reflect2"/*.go "$reflect2"/*.s
  cp /usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$reflect2/"
  cat >"$work/version" <<VERSION
KUBE_GIT_COMMIT='v$version'
KUBE_GIT_TREE_STATE='clean'
KUBE_GIT_VERSION='v$version'
KUBE_GIT_MAJOR='1'
KUBE_GIT_MINOR='20'
VERSION
  (cd "$work/src" && KUBE_GIT_VERSION_FILE=$work/version GO111MODULE=off GOFLAGS='' make WHAT="${servers[*]/#/cmd/}")
  for server in "${servers[@]}"; do install -m 755 "$work/src/_output/local/go/bin/$server" "$cache/$server"; done
  rm -rf "$work"
}

ask() { curl -fs --max-time 5 --cacert "$state/pki/ca.crt" -H "Authorization: Bearer $(cut -d, -f1 "$state/pki/tokens.csv")" "$api$1"; }
node_ready() { ask /api/v1/nodes/node-1 | tr -d ' \n' | grep -q '"type":"Ready","status":"True"'; }
runs() { [ -e "$state/kubelet.pid" ] && kill -0 "$(cat "$state/kubelet.pid")" 2>/dev/null && node_ready; }

up() {
  built || { echo "Kubernetes is not built; test/backends/kubernetes.sh install builds it" >&2; exit 1; }
  command -v etcd >/dev/null || { echo "etcd is not installed; test/backends/kubernetes.sh install installs it" >&2; exit 1; }
  [ "$(id -u)" = 0 ] || { echo "a kubelet needs root" >&2; exit 1; }
  "$here/docker.sh" up >/dev/null
  mkdir -p "$(dirname "$state")"
  exec 9>"$state.lock"
  flock 9
  runs || start_all
  echo "kubeconfig=$state/kubeconfig"
}

start_all() {
  down
  mkdir -p "$state/pki"
  cd "$state"
  certificates
  pause_image
  local token
  token=$(openssl rand -hex 16)
  echo "$token,admin,admin,system:masters" >pki/tokens.csv
  cat >kubeconfig <<YAML
apiVersion: v1
kind: Config
clusters: [{name: pop-test, cluster: {server: "$api", certificate-authority: "$state/pki/ca.crt"}}]
users: [{name: admin, user: {token: "$token"}}]
contexts: [{name: pop-test, context: {cluster: pop-test, user: admin, namespace: default}}]
current-context: pop-test
YAML
  cat >kubelet.yml <<'YAML'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
evictionHard: {imagefs.available: 1%, nodefs.available: 1%}
resolvConf: ""
# Many pods of tests fail at once, and each must be heard.
eventRecordQPS: 100
eventBurst: 200
registryPullQPS: 0
kubeAPIQPS: 100
kubeAPIBurst: 200
YAML
  start etcd etcd --data-dir etcd --unsafe-no-fsync --listen-client-urls http://127.0.0.1:12379 \
    --advertise-client-urls http://127.0.0.1:12379 --listen-peer-urls http://127.0.0.1:12380 \
    --initial-advertise-peer-urls http://127.0.0.1:12380 --initial-cluster default=http://127.0.0.1:12380
  start apiserver "$cache/kube-apiserver" --etcd-servers=http://127.0.0.1:12379 --secure-port=16443 \
    --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --tls-cert-file=pki/api.crt --tls-private-key-file=pki/api.key \
    --client-ca-file=pki/ca.crt --token-auth-file=pki/tokens.csv --authorization-mode=RBAC \
    --service-account-issuer=https://kubernetes.default.svc --service-account-signing-key-file=pki/sa.key \
    --service-account-key-file=pki/sa.pub --service-cluster-ip-range=10.0.0.0/24 --allow-privileged=true \
    --endpoint-reconciler-type=none --kubelet-preferred-address-types=InternalIP
  wait_for "the API server" ask /readyz
  start controllers "$cache/kube-controller-manager" --kubeconfig=kubeconfig --leader-elect=false \
    --kube-api-qps=200 --kube-api-burst=400 --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt
  start scheduler "$cache/kube-scheduler" --kubeconfig=kubeconfig --leader-elect=false
  start kubelet "$cache/kubelet" --config=kubelet.yml --kubeconfig=kubeconfig --hostname-override=node-1 \
    --container-runtime=docker --pod-infra-container-image=pop-test/pause:1 --root-dir="$state/kubelet" \
    --docker-endpoint="$("$here/docker.sh" up | sed -n 's/^host=//p')" --cgroups-per-qos=false --enforce-node-allocatable=
  wait_for "a ready node" node_ready
  wait_for "the default service account" ask /api/v1/namespaces/default/serviceaccounts/default
}

down() {
  local name pid
  for name in kubelet scheduler controllers apiserver etcd; do
    [ -e "$state/$name.pid" ] || continue
    pid=$(cat "$state/$name.pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
  docker ps -aq --filter label=io.kubernetes.pod.namespace 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || true
  awk -v root="$state/kubelet" '$2 ~ "^"root {print $2}' /proc/mounts | sort -r | xargs -r -n1 umount 2>/dev/null || true
  rm -rf "$state"
}

certificates() {
  (
    cd pki
    openssl genrsa -out sa.key 2048
    openssl rsa -in sa.key -pubout -out sa.pub
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=pop-test-ca -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj /CN=kube-apiserver -keyout api.key -out api.csr
    printf 'subjectAltName=IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes.default.svc' >san
    openssl x509 -req -in api.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile san -out api.crt
  ) 2>/dev/null
}

# Every pod's sandbox runs this one process; there is no registry to pull the usual one from.
pause_image() {
  docker image inspect pop-test/pause:1 >/dev/null 2>&1 && return
  local dir
  dir=$(mktemp -d)
  printf '#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\nstatic void stop(int s){exit(0);}\nint main(){signal(SIGTERM,stop);signal(SIGINT,stop);for(;;)pause();}\n' |
    gcc -static -Os -x c -o "$dir/pause" -
  tar c -C "$dir" pause | docker import --change 'ENTRYPOINT ["/pause"]' - pop-test/pause:1 >/dev/null
  rm -rf "$dir"
}

start() {
  local name=$1
  shift
  setsid nohup "$@" >"$name.log" 2>&1 9>&- &
  echo $! >"$name.pid"
}

wait_for() {
  local what=$1
  shift
  for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done
  echo "$what did not come up; see $state/*.log" >&2
  exit 1
}

case ${1:-} in
  up | down) "$1" ;;
  install) install_all ;;
  *) echo "usage: $0 install|up|down" >&2; exit 2 ;;
esac
