#!/usr/bin/env bash
# Install a real Kubernetes and the programs that judge manifests.
#   tests/tools/kubernetes.sh         into ${ADVISOR_TOOLS:-$HOME/.cache/advisor-tools}/kubernetes
#   tests/tools/kubernetes.sh judge   only what judges files: etcd, API server, kubectl, kustomize, kubeconform, helm
# About seven minutes on two cores, then seconds: what is there and answers is kept, what was cut off goes on.
# Debian packages are unpacked, not installed: no daemon starts, and root is not needed. Uses the Go module proxy and apt.
set -euo pipefail

KUBERNETES=1.34.2
KEDA=v2.21.0
GATEWAY_API=v1.4.1
PROMETHEUS_OPERATOR=v0.85.0
GO_TOOLS=(
  sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
  github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
  helm.sh/helm/v3/cmd/helm@v3.22.0
)
JUDGE=(kube-apiserver kubectl)
NODE=(kube-controller-manager kube-scheduler kubelet kube-proxy)

ROOT=${ADVISOR_TOOLS:-"$HOME/.cache/advisor-tools"}/kubernetes
BIN=$ROOT/bin MODULE=$ROOT/module STAMPS=$ROOT/stamps
started=$(date +%s)

say() { printf '[kubernetes %4ds] %s\n' "$(($(date +%s) - started))" "$*" >&2; }
die() { say "$*"; exit 3; }

# once NAME COMMAND...: run it unless a run before this one got through.
once() {
  local stamp=$STAMPS/$1
  shift
  [ -e "$stamp" ] && return 0
  "$@"
  touch "$stamp"
}

# Unpack a Debian package beside the others: no daemon of it is started, and nothing of the machine changes.
package() {
  local stage
  if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then die "not a Debian: please provide $1 in $BIN"; fi
  say "package $1"
  stage=$(mktemp -d "$ROOT/deb.XXXXXX")
  (cd "$stage" && { apt-get -qq download "$1" 2>/dev/null ||
    { apt-get -qq -o DPkg::Lock::Timeout=600 update && apt-get -qq download "$1"; }; }) || die "apt has no $1"
  dpkg -x "$stage"/*.deb "$ROOT/debian"
  rm -rf "$stage"
}

link_packages() {
  local program
  for program in "$ROOT"/debian/usr/bin/* "$ROOT"/debian/usr/sbin/*; do
    [ -x "$program" ] && ln -sfn "$program" "$BIN/$(basename "$program")"
  done
  [ ! -d "$ROOT/debian/usr/lib/cni" ] || ln -sfn "$ROOT/debian/usr/lib/cni" "$ROOT/cni"
}

# k8s.io/kubernetes can be built as a dependency once its staging modules are named by their published versions.
module() {
  local upstream
  say "module k8s.io/kubernetes v$KUBERNETES"
  upstream=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  mkdir -p "$MODULE"
  {
    printf 'module advisor.test/kubernetes\n\ngo %s\n\n' "$(sed -n 's/^go //p' "$upstream")"
    printf 'require k8s.io/kubernetes v%s\n\n' "$KUBERNETES"
    sed -n '/^require (/,/^)/p' "$upstream"
    sed -n "s|^\t\(k8s.io/[^ ]*\) => ./staging/.*|replace \1 => \1 v0.${KUBERNETES#*.}|p" "$upstream"
  } >"$MODULE/go.mod"
}

component() {
  say "building $1 $KUBERNETES"
  (cd "$MODULE" && CGO_ENABLED=0 GOFLAGS=-mod=mod go build -trimpath -o "$BIN/$1.new" \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$KUBERNETES -X k8s.io/client-go/pkg/version.gitVersion=v$KUBERNETES" \
    "k8s.io/kubernetes/cmd/$1")
  mv "$BIN/$1.new" "$BIN/$1"
}

go_tool() {
  say "building $1"
  GOBIN=$BIN GOFLAGS=-mod=mod go install "$1"
}

# crds MODULE@VERSION FOLDER NAME [FILE...]: the custom resources that a module carries, all or those files.
crds() {
  local source
  say "custom resources of $1"
  source=$(go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir -p "$ROOT/crds/$3"
  if [ "$#" -gt 3 ]; then
    (cd "$source/$2" && cp -f "${@:4}" "$ROOT/crds/$3/")
  else
    cp -f "$source/$2"/*.yaml "$ROOT/crds/$3/"
  fi
  rm -f "$ROOT/crds/$3"/kustomization.yaml
  chmod -R u+w "$ROOT/crds/$3"
}

# The container that holds a pod's namespaces: it waits for a signal and collects the dead.
pause() {
  say "pause"
  mkdir -p "$ROOT/pause"
  cat >"$ROOT/pause/main.go" <<'GO'
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for pid := 1; pid > 0; {
			pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}
GO
  (cd "$ROOT/pause" && CGO_ENABLED=0 go build -ldflags "-s -w" -o "$BIN/pause" main.go)
}

# What the local images stand on: a shell, Python, curl and a compiler, because torch compiles while vLLM starts.
rootfs() {
  say "Debian root for the images"
  umount "$ROOT"/rootfs/{proc,sys} 2>/dev/null || true # of a run that was cut off
  rm -rf --one-file-system "$ROOT/rootfs"
  DEBOOTSTRAP_DIR="$ROOT/debian/usr/share/debootstrap" "$BIN/debootstrap" --variant=minbase \
    --include=python3,curl,ca-certificates,libgomp1,libnuma1,g++,libc6-dev bookworm "$ROOT/rootfs" >"$ROOT/rootfs.log" 2>&1 ||
    { tail -n 5 "$ROOT/rootfs.log" >&2; die "debootstrap failed"; }
  rm -rf "$ROOT/rootfs"/var/cache/apt/archives/*.deb "$ROOT/rootfs"/var/lib/apt/lists/* "$ROOT/rootfs"/usr/share/{doc,man,locale}
  tar -C "$ROOT/rootfs" -cf "$ROOT/rootfs.tar" .
  rm -rf "$ROOT/rootfs"
}

export GOGC=${GOGC:-400} # the compiler takes more memory and a fifth less time
command -v go >/dev/null || die "no Go compiler: https://go.dev/dl"
mkdir -p "$BIN" "$STAMPS"
exec 9>"$ROOT/.lock"
flock 9 # two at once would build the same twice

once "etcd" package etcd-server
link_packages
once "crds-keda-$KEDA" crds "github.com/kedacore/keda/v2@$KEDA" config/crd/bases keda
once "crds-gateway-$GATEWAY_API" crds "sigs.k8s.io/gateway-api@$GATEWAY_API" config/crd/standard gateway-api
once "crds-prometheus-operator-$PROMETHEUS_OPERATOR" crds "github.com/prometheus-operator/prometheus-operator@$PROMETHEUS_OPERATOR" \
  example/prometheus-operator-crd prometheus-operator monitoring.coreos.com_{podmonitors,prometheusrules}.yaml
once "module-$KUBERNETES" module
for program in "${JUDGE[@]}"; do once "$program-$KUBERNETES" component "$program"; done
for tool in "${GO_TOOLS[@]}"; do once "$(basename "${tool%@*}")-${tool#*@}" go_tool "$tool"; done
if [ "${1:-all}" != judge ]; then
  [ "$(id -u)" -eq 0 ] || die "a node needs root (without it: kubernetes.sh judge)"
  for name in containernetworking-plugins containerd runc debootstrap; do once "$name" package "$name"; done
  link_packages
  once rootfs rootfs
  once pause pause
  for program in "${NODE[@]}"; do once "$program-$KUBERNETES" component "$program"; done
fi
say "all in $ROOT: Kubernetes $("$BIN/kubectl" version --client -o yaml | sed -n 's/^  gitVersion: //p')"
