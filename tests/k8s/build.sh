#!/bin/sh
# Builds, once, the one-node Kubernetes that `make test-k8s` runs, from the Go modules of Kubernetes and etcd:
#
#   tests/k8s/build.sh FOLDER
#
# writes FOLDER/bin/{etcd,kube-apiserver,kubelet,kubectl}. Takes about ten minutes on two processors the first time and
# 10 GB of Go's caches; what is there already is not built again. Neither scheduler nor controller manager is needed: the
# test's pods name their node and have no service account.
set -eu
folder=$1
minor=34.4
etcd=v3.6.16
export CGO_ENABLED=0 GOFLAGS='-mod=mod -buildvcs=false' GOWORK=off
mkdir -p "$folder/bin" "$folder/kube" "$folder/etcd"

if [ ! -x "$folder/bin/etcd" ]; then
	cd "$folder/etcd"
	cat >main.go <<'G'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
G
	[ -f go.mod ] || go mod init etcd
	go get "go.etcd.io/etcd/server/v3@$etcd"
	nice go build -trimpath -ldflags '-s -w' -o "$folder/bin/etcd" .
fi

# Kubernetes names its staging modules by folders of its own repository; as modules they have its version with v0.
cd "$folder/kube"
if [ ! -f go.mod ]; then
	source=$(go mod download -json "k8s.io/kubernetes@v1.$minor" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	{
		printf 'module kube\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v1.%s\n\nreplace (\n' "$minor"
		awk -v version="v0.$minor" '/=> \.\/staging/ { print "\t" $1 " => " $1 " " version }' "$source/go.mod"
		echo ')'
	} >go.mod.new
	cp "$source/go.sum" go.sum
	chmod u+w go.sum
	cat >tools.go <<'G'
//go:build tools

package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
G
	mv go.mod.new go.mod
fi
for program in kubectl kubelet kube-apiserver; do
	[ -x "$folder/bin/$program" ] && continue
	flags="-s -w"
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		flags="$flags -X $package.gitVersion=v1.$minor -X $package.gitMajor=1 -X $package.gitMinor=${minor%.*}"
	done
	nice go build -trimpath -ldflags "$flags" -o "$folder/bin/$program" "k8s.io/kubernetes/cmd/$program"
done
