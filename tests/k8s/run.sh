#!/bin/sh
# Runs `vigil run` on a node of a real Kubernetes, in a virtual machine (cgroups of version 2, systemd), and checks whose
# every execution is said to be: what `make test-k8s` does.
#
# The first run builds Kubernetes and the machine's disk, in a quarter of an hour and 3 GB under ~/.cache/vigil/k8s; later
# ones take some minutes. Needs root, debootstrap, mke2fs, kmod, qemu-system-x86_64, go and a static busybox. OUT names a
# folder for what the machine leaves: the trail, the logs, and what the cluster says of its pods.
set -eu
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vigil/k8s
./build.sh "$cache"
[ -e "$cache/disk.img" ] || ./image.sh "$cache"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${OUT:-$work/out}
mkdir -p "$work/job" "$out"
(cd ../.. && CGO_ENABLED=0 go build -trimpath -o "$work/job/vigil" ./cmd/vigil)
cp job.sh cluster.sh "$work/job"
tar -C "$work/job" -cf "$work/in.tar" .
truncate -s %1M "$work/in.tar"
truncate -s 1G "$work/out.img"
nice timeout 1500 qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 4096 -nodefaults -no-user-config \
	-display none -serial stdio -no-reboot \
	-drive file="$cache/disk.img",if=none,id=d0,format=raw,snapshot=on,cache=unsafe -device nvme,drive=d0,serial=root \
	-drive file="$work/in.tar",if=none,id=d1,format=raw,readonly=on -device nvme,drive=d1,serial=in \
	-drive file="$work/out.img",if=none,id=d2,format=raw,cache=unsafe -device nvme,drive=d2,serial=out \
	-kernel "$cache/vmlinuz" -append "root=/dev/nvme0n1 rw console=ttyS0 quiet panic=-1 audit=1 audit_backlog_limit=8192" </dev/null
tar -C "$out" -xf "$work/out.img"
[ "$(cat "$out/status")" = 0 ] || { echo "the job ended with $(cat "$out/status")"; exit 1; }
"$work/job/vigil" replay "$out/audit.log" --output json >"$out/events.ndjson"
cd ../.. && go run ./tests/k8s "$out"
