#!/bin/sh
# Runs this folder's tests on Debian's kernels in virtual machines, without acceleration:
#
#   tests/identity/vm.sh [PACKAGE...]      linux-image-cloud-amd64 and linux-image-6.12-cloud-amd64 if none are named
#
# Needs apt-get, dpkg, qemu-system-x86_64, cpio, gcc, go and a static busybox. EXECS says how many execs a storm has
# (2000), KEEP a folder for kernels and images that is to stay. Ends with 0 if all tests passed on all kernels.
set -eu
cd "$(dirname "$0")/../.."
work=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$work"' EXIT
mkdir -p "$work/ir/bin" "$work/ir/t"
for dir in proc sys dev tmp run etc; do mkdir -p "$work/ir/$dir"; done
cp "$(command -v busybox)" "$work/ir/bin/busybox"
CGO_ENABLED=0 go test -c -o "$work/ir/t/identity.test" ./tests/identity
gcc -O2 -Wall -static -o "$work/ir/t/storm" tests/identity/storm/storm.c
gcc -Os -Wall -static -nostartfiles -o "$work/ir/t/tiny" tests/identity/storm/tiny.c
cat >"$work/ir/init" <<I
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp CI=true VIGIL_IDENTITY_VM=1 VIGIL_IDENTITY_TOOLS=/t
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev; mount -t tmpfs t /tmp; mount -t tmpfs r /run
mount -t securityfs s /sys/kernel/security
mkdir -p /run/lock; mount -t tmpfs c /sys/fs/cgroup
for c in memory pids cpu devices freezer; do
	mkdir /sys/fs/cgroup/\$c && mount -t cgroup -o \$c c /sys/fs/cgroup/\$c
done
mkdir /sys/fs/cgroup/unified; mount -t cgroup2 c /sys/fs/cgroup/unified; ip link set lo up
uname -r
cd /t; /t/identity.test -test.v -test.timeout 20m -execs ${EXECS:-2000}; echo "RC=\$?"
poweroff -f
I
chmod +x "$work/ir/init"
(cd "$work/ir" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/ir.cpio.gz"
failed=0
for package in "${@:-linux-image-cloud-amd64 linux-image-6.12-cloud-amd64}"; do
	for package in $package; do
		if [ ! -d "$work/$package" ]; then
			versioned=$(apt-cache depends "$package" | awk '/Depends/ { print $2; exit }')
			(cd "$work" && apt-get download "$versioned" && dpkg -x "$versioned"_*.deb "$package")
		fi
		timeout 1500 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -nodefaults -display none \
			-serial stdio -no-reboot -kernel "$work/$package"/boot/vmlinuz-* -initrd "$work/ir.cpio.gz" \
			-append "console=ttyS0 quiet panic=-1 audit=1 audit_backlog_limit=8192" </dev/null | tee "$work/$package.log"
		grep -q '^RC=0' "$work/$package.log" || failed=1
	done
done
exit $failed
