#!/bin/sh
# Runs the tests of tests/identity on Debian's kernels 6.1 and 6.12, each in virtual machines with cgroups of version 1
# beside 2 and of version 2 alone:
#
#   tests/kernels/run.sh [PACKAGE...]     linux-image-cloud-amd64 and linux-image-6.12-cloud-amd64 if none are named
#
# Needs apt-get, dpkg, qemu-system-x86_64, cpio, gcc, go and a static busybox; no root. KVM=1 lets the machines run on the
# processor itself, where that works. Kernels are kept in ~/.cache/vigil/kernels, with a log of each run. EXECS says how
# many execs a storm has (2000). Ends with 0 if all tests passed in all machines.
set -eu
cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vigil/kernels
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache" "$work/ir/bin" "$work/ir/t"
for dir in proc sys dev tmp run etc; do mkdir -p "$work/ir/$dir"; done

cp "$(command -v busybox)" "$work/ir/bin/busybox"
CGO_ENABLED=0 go test -c -o "$work/ir/t/identity.test" ./tests/identity
gcc -O2 -Wall -static -o "$work/ir/t/storm" tests/identity/storm/storm.c
gcc -O2 -Wall -static -o "$work/ir/t/crowd" tests/identity/storm/crowd.c
gcc -Os -Wall -static -nostartfiles -o "$work/ir/t/tiny" tests/identity/storm/tiny.c
cat >"$work/ir/init" <<I
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp CI=true VIGIL_IDENTITY_VM=1 VIGIL_IDENTITY_TOOLS=/t
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev; mount -t tmpfs t /tmp; mount -t tmpfs r /run
mount -t securityfs s /sys/kernel/security
mkdir -p /run/lock
if grep -qw vigil.cgroups=2 /proc/cmdline; then
	mount -t cgroup2 c /sys/fs/cgroup
	for c in memory pids cpu; do echo "+\$c" >/sys/fs/cgroup/cgroup.subtree_control; done
else
	mount -t tmpfs c /sys/fs/cgroup
	for c in memory pids cpu devices freezer; do
		mkdir /sys/fs/cgroup/\$c && mount -t cgroup -o \$c c /sys/fs/cgroup/\$c
	done
	mkdir /sys/fs/cgroup/unified; mount -t cgroup2 c /sys/fs/cgroup/unified
fi
ip link set lo up
echo "kernel \$(uname -r), \$(cat /proc/cmdline)"
cd /t; /t/identity.test -test.v -test.timeout 25m -execs ${EXECS:-2000}; echo "RC=\$?"
poweroff -f
I
chmod +x "$work/ir/init"
(cd "$work/ir" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/ir.cpio.gz"

# kernel PACKAGE: fetches the kernel that the package stands for unless it is there, and prints its file.
kernel() {
	versioned=$(apt-cache depends "$1" | awk '/Depends/ { print $2; exit }')
	if [ ! -e "$cache/$versioned/complete" ]; then
		rm -rf "${cache:?}/$versioned"
		mkdir -p "$cache/$versioned"
		(cd "$cache/$versioned" && apt-get -q download "$versioned" >&2 && dpkg -x "$versioned"_*.deb . && touch complete)
	fi
	echo "$cache/$versioned"/boot/vmlinuz-*
}

# boot VMLINUZ CGROUPS LOG: runs the tests in a machine. Its end is in the log, and is what this returns.
boot() {
	nice timeout 1700 qemu-system-x86_64 $accelerator -smp 2 -m 1024 -nodefaults -display none -serial stdio -no-reboot \
		-kernel "$1" -initrd "$work/ir.cpio.gz" </dev/null \
		-append "console=ttyS0 quiet panic=-1 audit=1 audit_backlog_limit=8192 vigil.cgroups=$2" >"$3" 2>&1 || true
	grep -q '^RC=0' "$3"
}

# Not by itself: in some virtual machines there is a /dev/kvm with which Linux does not come up.
accelerator="-accel tcg,thread=multi -cpu max"
if [ "${KVM:-}" = 1 ]; then accelerator="-accel kvm -cpu host"; fi

failed=0
[ $# -gt 0 ] || set -- linux-image-cloud-amd64 linux-image-6.12-cloud-amd64
for package in "$@"; do
	image=$(kernel "$package")
	for cgroups in 1 2; do
		log=$cache/$(basename "$image")-cgroups-$cgroups.log
		begun=$(date +%s)
		result=PASS
		boot "$image" "$cgroups" "$log" || { result=FAIL failed=1; }
		printf '%s  %s, cgroups of version %s: %d tests passed, %d skipped, %d s (%s)\n' "$result" "$(basename "$image")" \
			"$([ "$cgroups" = 1 ] && echo '1 and 2' || echo 2)" "$(grep -c '^--- PASS' "$log")" "$(grep -c '^ *--- SKIP' "$log")" \
			"$(($(date +%s) - begun))" "$log"
		[ "$result" = PASS ] || grep -A 12 '^ *--- FAIL' "$log" | head -n 60 || true
	done
done
exit $failed
