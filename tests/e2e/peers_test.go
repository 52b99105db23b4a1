package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigil/tests/rig"
)

// peerScript is run by both daemons' tests under the storm's uid: many kinds of records, in a fixed order.
const peerScript = `
cd "$1" || exit 1
tiny=$2
/bin/true
/bin/echo "two words" "" "grüße" "quote\"inside"
/bin/cat /etc/hostname /etc/shadow /no/such/file
mkdir d
/usr/bin/touch "d/a b" d/x
mv "d/a b" d/c
ln -s c d/link
chmod 600 d/c
chown 0 d/c
kill -0 1
kill -0 $$
/no/such/program
"$tiny" one two three
exec 3<>/dev/tcp/127.0.0.1/1
setpriv --reuid 0 /bin/true
rm -r d
exit 0
`

// peerRules select the script by its uid, with one key, two keys (which the kernel joins by 0x01) and none.
var peerRules = []string{
	fmt.Sprintf("-a always,exit -F arch=b64 -S execve -F uid=%d -k peers", stormUID),
	fmt.Sprintf("-a always,exit -F arch=b64 -S mkdir,mkdirat,unlinkat,rename,renameat,renameat2,symlinkat,fchmodat,chmod,fchownat -F uid=%d -k peers -k files", stormUID),
	fmt.Sprintf("-a always,exit -F arch=b64 -S connect,kill,setresuid -F uid=%d -k net", stormUID),
	fmt.Sprintf("-a always,exit -F arch=b64 -S openat -F exit=-EACCES -F uid=%d", stormUID),
}

// peerMessages are what trusted programs of a login session send.
var peerMessages = []struct {
	kind uint16
	text string
}{
	{1100, `op=PAM:authentication grantors=pam_unix acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success`},
	{1100, `op=PAM:authentication grantors=? acct="(unknown)" exe="/usr/sbin/sshd" hostname=198.51.100.7 addr=198.51.100.7 terminal=ssh res=failed`},
	{1101, `op=PAM:accounting grantors=pam_unix acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success`},
	{1105, `op=PAM:session_open grantors=pam_unix acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success`},
	{1112, `op=login id=10 exe="/usr/sbin/sshd" hostname=198.51.100.7 addr=198.51.100.7 terminal=/dev/pts/1 res=success`},
	{1114, `op=adding user acct="peer" exe="/usr/sbin/useradd" hostname=host addr=? terminal=pts/0 res=success`},
	{1116, `op=adding group id=10 exe="/usr/sbin/groupadd" hostname=host addr=? terminal=pts/0 res=success`},
	{1123, `cwd="/root" cmd=6C73202D6C terminal=pts/0 res=success`},
	{1130, `unit=cron comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success`},
	{1106, `op=PAM:session_close grantors=pam_unix acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success`},
	{2404, `op=negotiate kind=server fp=SHA256:aa direction=? spid=1 suid=0 exe="/usr/sbin/sshd" hostname=? addr=? terminal=? res=success`},
	{2500, `virt=kvm op=start reason=booted vm="guest" uuid=0 vm-pid=1 exe="/usr/sbin/libvirtd" hostname=? addr=? terminal=? res=success`},
	{2100, `op=login-failures acct="root" exe="/usr/sbin/sshd" hostname=? addr=? terminal=ssh res=failed`},
	{2200, `op=lock acct="root" exe="/usr/sbin/x" hostname=? addr=? terminal=? res=success`},
}

// perform makes the commands and messages, between two marks, in a folder that is new each time but has one name.
func perform(t *testing.T, base string) {
	t.Helper()
	work := filepath.Join(base, "work")
	if err := os.RemoveAll(work); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(work, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o777); err != nil {
		t.Fatal(err)
	}
	send(t, 1005, "peers begin")
	uid := fmt.Sprint(stormUID)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "setarch", "-R", "sh", "-c",
		`echo `+uid+` >/proc/self/loginuid; exec setpriv --reuid `+uid+` --regid `+uid+` --clear-groups bash -c "$@"`,
		"sh", peerScript, "script", work, programs(t).Tiny)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("script: %v: %s", err, out)
	}
	for _, m := range peerMessages {
		send(t, m.kind, m.text)
	}
	send(t, 1005, "peers end")
}

func send(t *testing.T, kind uint16, text string) {
	t.Helper()
	if err := rig.SendUser(kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// between returns the lines from the begin mark to the end mark, with or without the daemon's own.
func between(t *testing.T, log string, own bool) []byte {
	t.Helper()
	var out bytes.Buffer
	on := false
	err := rig.Scan(log, func(line rig.Line) error {
		begin, end := bytes.Contains(line.Body, []byte("peers begin")), bytes.Contains(line.Body, []byte("peers end"))
		on = on || begin
		if on && (own || !line.Own()) {
			fmt.Fprintf(&out, "type=%s msg=audit(%s): %s", line.Type, line.Stamp, line.Body)
			if line.Extra != nil {
				fmt.Fprintf(&out, "\x1d%s", line.Extra)
			}
			out.WriteByte('\n')
		}
		on = on && !end
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestSameStream lets vigil observe beside stock auditd: both get the very same records, so their logs must be the
// same, byte for byte, but for their own few, and so must all that stock tools print of them.
func TestSameStream(t *testing.T) {
	for _, format := range []string{"RAW", "ENRICHED"} {
		t.Run(format, func(t *testing.T) {
			engine(t)
			base := folder(t)
			auditd := startAuditd(t, rig.Options{Dir: filepath.Join(base, "auditd"), Format: format, Rules: peerRules})
			observer := startVigil(t, rig.Options{Dir: filepath.Join(base, "vigil"), Format: format, Args: []string{"--mode", "observer"}})
			perform(t, base)
			quiet(t, observer)
			quiet(t, auditd)
			stop(t, observer)
			stop(t, auditd)

			ours, theirs := between(t, observer.Log(), false), between(t, auditd.Log(), false)
			if bytes.Count(theirs, []byte("\n")) < 100 {
				t.Fatalf("auditd logged too little to compare:\n%s", theirs)
			}
			if plain := unattributed(ours); !bytes.Equal(plain, theirs) {
				t.Errorf("the trail is not auditd's log: %s", difference(plain, theirs))
			}
			tools := stockTools(t)
			for _, argv := range tools {
				got := stock(t, base, argv, ours)
				if want := stock(t, base, argv, theirs); got != want {
					t.Errorf("%s: %s", strings.Join(argv, " "), difference([]byte(got), []byte(want)))
				}
			}
			ownLinesOnlyAdd(t, base, tools, read(t, observer.Log()), theirs)
		})
	}
}

// ownLinesOnlyAdd runs the tools on the trail as it is, with Vigil's own lines: they may add lines to the output, not
// change those of the kernel's events. Summaries count, so they differ by right.
func ownLinesOnlyAdd(t *testing.T, base string, tools [][]string, whole, theirs []byte) {
	t.Helper()
	number := regexp.MustCompile(`^\d+\. `)
	for _, argv := range tools {
		if name := strings.Join(argv, " "); strings.Contains(name, "summary") || name == "aureport" || strings.HasSuffix(name, "-t") {
			continue
		}
		have := map[string]int{}
		for line := range strings.Lines(stock(t, base, argv, whole)) {
			have[number.ReplaceAllString(line, "")]++
		}
		for line := range strings.Lines(stock(t, base, argv, theirs)) {
			line = number.ReplaceAllString(line, "")
			if have[line]--; have[line] < 0 && !strings.HasPrefix(line, "<no ") {
				t.Errorf("%s: on the trail with Vigil's own lines this one is missing: %.300q", strings.Join(argv, " "), line)
				break
			}
		}
	}
}

// TestSameCommands runs the same commands under vigil as the daemon and under auditd, each by itself, and compares
// what stock tools print with every number (times, serials, pids, addresses, inodes) taken out.
func TestSameCommands(t *testing.T) {
	for _, format := range []string{"RAW", "ENRICHED"} {
		t.Run(format, func(t *testing.T) {
			e := engine(t)
			base := folder(t)
			log := map[string][]byte{}
			for _, program := range []string{"auditd", "vigil"} {
				reset(t, e) // auditd leaves its rules behind
				o := rig.Options{Dir: filepath.Join(base, program), Format: format, Rules: peerRules}
				var d *rig.Daemon
				if program == "auditd" {
					d = startAuditd(t, o)
				} else {
					d = startVigil(t, o)
				}
				perform(t, base)
				quiet(t, d)
				stop(t, d)
				log[program] = between(t, d.Log(), false)
			}
			got, want := numberless(string(unattributed(log["vigil"]))), numberless(string(log["auditd"]))
			if got != want {
				t.Errorf("the trail is not auditd's log: %s", difference([]byte(got), []byte(want)))
			}
			for _, argv := range stockTools(t) {
				got := numberless(stock(t, base, argv, log["vigil"]))
				if want := numberless(stock(t, base, argv, log["auditd"])); got != want {
					t.Errorf("%s: %s", strings.Join(argv, " "), difference([]byte(got), []byte(want)))
				}
			}
		})
	}
}

// attributionKey is one key of docs/format/attribution.md with its value.
var attributionKey = regexp.MustCompile(`[ \x1d]((CONTAINER|POD|EXEC|LOGIN|P[0-9]+)_[A-Z]+|CGROUP|UNIT|SLICE|PROC_START|VPID|SCRIPT)=("[^"\n]*"|[0-9A-Fa-f]+)`)

// unattributed takes out what Vigil says of whose a record is, behind what auditd would write. Only whole lines are
// compared without it; what stock tools make of the lines is compared with it.
func unattributed(log []byte) []byte {
	return attributionKey.ReplaceAll(log, nil)
}

// numbers are decimal and hexadecimal ones.
var numbers = regexp.MustCompile(`\b(0x)?[0-9a-f]*[0-9][0-9a-f]*\b`)

// unixAddress is a raw Unix address: behind the path's NUL lies what was on the caller's stack.
var unixAddress = regexp.MustCompile(`\bsaddr=0100[0-9A-F]+`)

func numberless(text string) string {
	return numbers.ReplaceAllString(unixAddress.ReplaceAllString(text, "saddr=unix"), "N")
}

// stockTools are the command lines of stock tools whose outputs must not tell the two daemons apart.
func stockTools(t *testing.T) [][]string {
	t.Helper()
	need(t, "ausearch", "aureport", "aulast")
	tools := [][]string{
		{"ausearch"}, {"ausearch", "-i"}, {"ausearch", "--raw"}, {"ausearch", "--format", "csv"},
		{"ausearch", "--format", "csv", "--extra-keys", "--extra-labels", "--extra-obj2", "--extra-time"},
		{"ausearch", "--format", "text"}, {"ausearch", "-i", "-k", "files"}, {"ausearch", "-i", "-sv", "no"},
		{"aureport"}, {"aureport", "-t"},
	}
	for _, report := range []string{"--avc", "--auth", "--config", "--comm", "--executable", "--terminal", "--user", "--host",
		"--pid", "--syscall", "--file", "--key", "--event", "--login", "--mods", "--mac", "--integrity", "--virt",
		"--crypto", "--anomaly", "--response", "--tty"} {
		tools = append(tools, []string{"aureport", report}, []string{"aureport", "-i", report}, []string{"aureport", "--summary", report})
	}
	return tools
}

// stock runs a tool on the log text, always at the same path, since reports name the file.
func stock(t *testing.T, base string, argv []string, log []byte) string {
	t.Helper()
	if slices.Contains(argv, "--raw") { // prints lines whole
		log = unattributed(log)
	}
	path := filepath.Join(base, "peer.log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], append([]string{"-if", path}, argv[1:]...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	var stderr limited
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	// Exit 1 is ausearch's for no match; aureport says so too.
	if err != nil && cmd.ProcessState.ExitCode() != 1 {
		t.Fatalf("%q: %v: %s", argv, err, stderr)
	}
	return string(out) + string(stderr)
}

// difference shows the first line in which two texts differ.
func difference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return fmt.Sprintf("line %d of %d and %d:\n got %.600q\nwant %.600q", i+1, len(g), len(w), a, b)
		}
	}
	return "none"
}
