#!/bin/sh
# Makes, once, the disk of the virtual machine that is the Kubernetes node: Debian 12 with systemd, containerd, runc and
# what build.sh has built.
#
#   tests/k8s/image.sh FOLDER      writes FOLDER/disk.img and FOLDER/vmlinuz
#
# Needs root, debootstrap, mke2fs, depmod (kmod), apt-get, dpkg and a static busybox. At its start the machine runs job.sh
# out of the tar on its second disk, writes a tar of /job/out to its third, and goes off.
set -eu
folder=$1
kernel=linux-image-cloud-amd64
root=$folder/root
if [ ! -e "$folder/root.complete" ]; then
	rm -rf "$root"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,kmod,udev,procps,iproute2,iptables,containerd,runc,containernetworking-plugins,openssl,curl,ca-certificates \
		bookworm "$root" >"$folder/debootstrap.log" || { tail -n 5 "$folder/debootstrap.log"; exit 1; }
	touch "$folder/root.complete"
fi
if [ ! -e "$folder/kernel.complete" ]; then
	rm -rf "$folder/kernel" && mkdir -p "$folder/kernel"
	versioned=$(apt-cache depends "$kernel" | awk '/Depends/ { print $2; exit }')
	(cd "$folder/kernel" && apt-get -q download "$versioned" && dpkg -x "$versioned"_*.deb .)
	touch "$folder/kernel.complete"
fi
cp "$folder"/kernel/boot/vmlinuz-* "$folder/vmlinuz"

# image NAME FILE ARGUMENT...: a container image of busybox alone, as `docker save` writes one
image() {
	name=$1 file=$2
	shift 2
	layer=$(mktemp -d)
	mkdir -p "$layer/root/bin" "$layer/root/etc" "$layer/root/proc" "$layer/root/sys" "$layer/root/dev" "$layer/root/tmp"
	cp "$(command -v busybox)" "$layer/root/bin/busybox"
	for program in sh true cat sleep id ls ps echo touch env wc; do ln -s busybox "$layer/root/bin/$program"; done
	echo 'root:x:0:0:root:/:/bin/sh' >"$layer/root/etc/passwd"
	tar -C "$layer/root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$layer/layer.tar" .
	entry=$(printf ',"%s"' "$@")
	printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":[%s],"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"${entry#,}" "$(sha256sum "$layer/layer.tar" | cut -d ' ' -f 1)" >"$layer/config.json"
	printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$layer/manifest.json"
	tar -C "$layer" -cf "$file" manifest.json config.json layer.tar
	rm -rf "$layer"
}

rm -rf "$root/lib/modules" "$root/k8s"
mkdir -p "$root/lib/modules" "$root/k8s/bin" "$root/job"
cp -a "$folder"/kernel/lib/modules/* "$root/lib/modules/"
for version in "$root"/lib/modules/*; do depmod -b "$root" "$(basename "$version")"; done
cp "$folder"/bin/* "$root/k8s/bin/"
image localhost/shell:1 "$root/k8s/shell.tar" /bin/sh
image localhost/pause:1 "$root/k8s/pause.tar" /bin/sleep 1000000
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
: >"$root/etc/fstab"
echo node1 >"$root/etc/hostname"
echo '127.0.0.1 localhost node1' >"$root/etc/hosts"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
units=$root/etc/systemd/system
for unit in containerd.service serial-getty@ttyS0.service getty@tty1.service console-getty.service apt-daily.timer \
	apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer e2scrub_reap.service; do
	ln -sf /dev/null "$units/$unit"
done
cat >"$units/job.target" <<'U'
[Unit]
Description=the job on the second disk
Requires=multi-user.target
After=multi-user.target
Wants=job.service
AllowIsolate=yes
U
cat >"$units/job.service" <<'U'
[Unit]
Description=the job on the second disk
After=multi-user.target
[Service]
ExecStart=/usr/local/sbin/job
StandardOutput=file:/dev/ttyS0
StandardError=inherit
TimeoutStopSec=5
U
ln -sf /etc/systemd/system/job.target "$units/default.target"
cat >"$root/usr/local/sbin/job" <<'J'
#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /job/out
cd /job && tar -xf /dev/nvme1n1
sh ./job.sh
echo $? >out/status
tar -C out -cf /dev/nvme2n1 . && sync
systemctl poweroff --force --force
J
chmod 755 "$root/usr/local/sbin/job"
mke2fs -q -F -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$root" "$folder/disk.img.new" 1600M
mv "$folder/disk.img.new" "$folder/disk.img"
