package search

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testAusearchArguments runs every option with arguments that are missing, wrong, too large and of each form.
func testAusearchArguments(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "one.log"), []byte("type=CWD msg=audit(1700000000.000:5): cwd=\"/x\"\n"))
	options := strings.Fields("-a --event -p --pid -pp --ppid --session -e --exit -sv --success -sc --syscall --arch -ua --uid-all -ue --uid-effective" +
		" -ui --uid -ul --loginuid -ga --gid-all -ge --gid-effective -gi --gid -c --comm -x --executable -f --file -hn --host -n --node -tm --terminal" +
		" -k --key -vm --vm-name -uu --uuid -se --context -su --subject -o --object -m --message --format --escape --eoe-timeout --checkpoint -ts --start -te --end -if --input")
	for _, o := range options {
		for _, args := range [][]string{{o}, {o, "-if", "one.log"}} {
			p.same(t, dir, nil, args...)
		}
		if o == "--checkpoint" || strings.HasPrefix(o, "-if") || strings.HasPrefix(o, "--") && o != "--session" && o != "--arch" {
			continue // the long names are those of short ones
		}
		for _, arg := range []string{"zzz", "-1", "", "-z", "5x", "0x5", "4294967296", "99999999999999999999", "/x", ",", "5 "} {
			if bad := o + " " + arg; clamped(bad) {
				continue
			}
			p.same(t, dir, nil, o, arg, "-if", "one.log", "-r")
		}
	}
	for _, line := range []string{
		"foo", "-foo", "--foo", "-", "--", "--raw=1", "--ra", "-r -r", "-i -i", "-r -i", "-i -r", "--raw --format csv", "--format csv --raw",
		"--format raw -r", "--format interpret -i", "--format default -i", "--format csv --format text", "--format text --extra-keys", "--extra-keys",
		"--extra-labels", "--extra-obj2 -i", "--extra-time -r", "-v", "--version", "-v -foo", "-foo -v", "--debug -v", "-foo -h",
		"--arch b64 -sc openat", "-sc openat --arch b64", "-sc 5 --arch b64", "--arch i386 -sc openat", "--arch b33", "--arch c000003e", "--arch 40000003",
		"--arch armv7l", "--arch ppc64le", "-sc nosuch", "-sc 99999", "-e EPERM", "-e -EPERM", "-e ENOSUCH", "-e -5", "-e EWOULDBLOCK",
		"-m SYSCALL,FOO", "-m FOO,SYSCALL", "-m ,SYSCALL", "-m SYSCALL,", "-m 13000", "-m 99", "-m 1307", "-m cwd", "-m Cwd,PATH",
		"-sv YES", "-sv maybe", "--eoe-timeout 0", "--eoe-timeout 5", "--eoe-timeout 1x", "-ul -2", "-ul -3", "--session -2", "-ua -2",
		"-ts foo", "-ts 10", "-ts 25:00:00", "-ts 10:61", "-ts 11/14", "-ts 13/14/23", "-ts 2/30/23", "-ts 11/14/23 foo", "-ts foo 10:00", "-ts today 10:00",
		"-ts today foo", "-ts yesterday", "-ts this-week", "-ts week-ago", "-ts this-month", "-ts this-year", "-ts boot", "-ts now", "-ts recent", "-ts -5",
		"-te now", "-te checkpoint", "-te foo", "-te 11/14/23", "-te 11/14/23 22:13:20", "-te 11/14/23 22:13:19", "-ts 11/14/23 22:13:21", "-ts 22:13 11/14/23",
		"-ts 11/14/99", "-ts 11/14/69", "-ts 1/1/03", "-ts 1/1/04", "-ts 11/14/23x", "-ts 10:00:00x", "-ts 10:00 11:00", "-ts 11/14/23 11/15/23",
		"-ts 1:2:3:4", "-ts ::", "-ts 10:", "-ts 11/0/23", "-ts 02/29/23", "-ts 11/14/23 9:5", "-ts 11/14/23 10:00:60", "-ts TODAY", "-te this-year 10:00", "-te today",
		"-k zzz", "-r -k zzz", "-i -k zzz", "--format csv -k zzz", "--format text -k zzz", "--debug -k zzz",
	} {
		p.same(t, dir, nil, append(strings.Fields(line), "-if", "one.log")...)
	}
	for _, line := range []string{"-if nosuch", "-if .", "-if /dev/null", "-if nosuch/", "-if one.log -if nosuch", "--input-logs -if one.log", "-if one.log -m"} {
		p.same(t, dir, nil, strings.Fields(line)...)
	}
}

// clamped reports whether stock makes another number of one that is too large, or of one in hexadecimal, and we say that
// it is wrong.
func clamped(args string) bool {
	switch args {
	case "-p 99999999999999999999", "--pid 99999999999999999999", "-pp 99999999999999999999", "--ppid 99999999999999999999",
		"--session 99999999999999999999", "-sc 0x5", "--syscall 0x5", "-sc 4294967296", "--syscall 4294967296":
		return true
	}
	return false
}

// A FIFO on standard input is read, unless a log is named.
func testAusearchStdin(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	log, err := os.ReadFile("testdata/auditd-enriched.log")
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "one.log"), []byte("type=CWD msg=audit(1700000000.000:5): cwd=\"/x\"\n"))
	for _, line := range []string{"-r", "-i", "-k exec -r", "-if one.log", "--just-one", "-l -r", "--input-logs -r"} {
		p.same(t, dir, log, strings.Fields(line)...)
		p.same(t, dir, bytes.TrimSuffix(log, []byte("\n")), strings.Fields(line)...)
	}
}

// Malformed records are skipped, and --debug says which.
func testAusearchDebug(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "bad.log"), []byte(`type=SYSCALL msg=audit(1700000000.000:1): a=1
type=SYSCALL msg=audit(1700000000.000:2): arch=c000003e syscall=99999999999999999999
type=USER_LOGIN msg=audit(1700000000.000:3): pid=1
type=AVC msg=audit(1700000000.000:4): avc:  denied  { read for pid=1
type=SECCOMP msg=audit(1700000000.000:5): auid=1 arch=c000003e syscall=1
type=FOO msg=audit(1700000000.000:6): a=1
type=DAEMON_ERR msg=audit(1700000000.000:7): a=1
type=CWD msg=audit(1700000000.1000:8): cwd="/x"
type=CWD msg=audit(1700000000.000:9) cwd="/x"
type=CWD msg=audit(1000:5): cwd="/x"
foo bar
node=a type=CWD msg=audit(1700000000.000:10): cwd="/x"
 type=CWD  msg=audit(1700000000.000:11): cwd="/x"
type=UNKNOWN[1399] msg=audit(1700000000.000:12): x
`))
	for _, line := range []string{"", "-r", "-p 1", "-ua 1", "-x /", "-sv no", "-k x"} {
		p.same(t, dir, nil, append([]string{"-if", "bad.log", "--debug"}, strings.Fields(line)...)...)
		p.same(t, dir, nil, append([]string{"-if", "bad.log"}, strings.Fields(line)...)...)
	}
}

// testAusearchCheckpoint runs both beside each other, each with a checkpoint of its own, while the log grows and is
// rotated.
func testAusearchCheckpoint(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	events := func(from, to int) []byte {
		var b bytes.Buffer
		for i := from; i <= to; i++ {
			b.WriteString("type=CWD msg=audit(" + strconv.Itoa(1700000000+10*i) + ".000:" + strconv.Itoa(i) + "): cwd=\"/x\"\n")
		}
		return b.Bytes()
	}
	stock, ours := filepath.Join(dir, "stock"), filepath.Join(dir, "ours")
	step := func(name string, args ...string) {
		t.Helper()
		want := runIn(t, dir, nil, p.stock, append(args, "--checkpoint", stock, "-r")...)
		got := runIn(t, dir, nil, p.ours, append(args, "--checkpoint", ours, "-r")...)
		want.Err = strings.ReplaceAll(want.Err, stock, ours)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: differs (-stock +ours):\n%s", name, diff)
		}
		a, _ := os.ReadFile(stock) // missing is as good as empty
		b, _ := os.ReadFile(ours)
		if diff := cmp.Diff(string(a), string(b)); diff != "" {
			t.Errorf("%s: the checkpoints differ (-stock +ours):\n%s", name, diff)
		}
	}
	put(t, log, events(1, 5))
	step("first", "-if", log)
	step("nothing new", "-if", log)
	put(t, log, events(1, 9))
	step("more", "-if", log)
	step("as a folder", "-if", dir)
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	put(t, log, events(10, 12))
	step("rotated", "-if", dir)
	step("no such key", "-if", dir, "-k", "nosuch")
	good, err := os.ReadFile(ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		strings.Replace(string(good), ":11 ", ":77 ", 1), strings.Replace(string(good), "17000001", "17000000", 1), strings.Replace(string(good), "0x51B", "0x51C", 1),
		strings.Replace(string(good), "output=-", "output=web", 1), strings.Replace(string(good), "inode=", "inode=9", 1), strings.Replace(string(good), "dev=0x", "dev=0x1", 1),
		"", "foo", "dev=0x1", "dev=zz\ninode=1\n", "dev=0x1\ninode=1\nfoo=1\n", "dev=0x1\ninode=1\noutput=node\n", "dev=0x1\ninode=1\noutput=- a.b:c 0x1\n",
		"dev=0x1\ninode=1\noutput=- 1.0:1 51B\n", "inode=1\ndev=0x1\n", "output=- 0.000:0 0x0\ndev=0x1\ninode=1\n",
	} {
		for _, args := range [][]string{{"-if", log}, {"-if", dir}, {"-if", dir, "-ts", "checkpoint"}} {
			put(t, stock, []byte(text))
			put(t, ours, []byte(text))
			step(strconv.Quote(text)+" "+strings.Join(args, " "), args...)
		}
	}
	p.same(t, dir, nil, "-if", log, "--checkpoint", filepath.Join(dir, "no such folder", "file"), "-r")
	p.same(t, dir, nil, "-if", log, "-ts", "checkpoint", "-r")
}

// Whatever a log holds, a search ends, and nothing in it can steer a terminal.
func testAusearchHostile(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	text, err := os.ReadFile("testdata/vigil-enriched.log")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 7))
	for i := range 6000 {
		text[rng.IntN(len(text))] = byte(i)
	}
	text = append(text, "\ntype=CWD msg=audit(1700000000.000:1): cwd=\""...)
	text = append(text, bytes.Repeat([]byte("\x1b[2J"), 1<<18)...) // 1 MiB in one line
	text = append(text, "\"\ntype=CWD\x00 msg=audit(1700000000.000:2): \x1b]0;x\x07\ntype=PATH msg=audit(1700000000.0\x1b[2J"...)
	put(t, filepath.Join(dir, "bad.log"), text)
	for _, line := range []string{"", "-i", "--format csv", "--format text", "--debug", "-ua 0 -i", "-k exec", "-hn 1", "-f /", "-se a", "-r --checkpoint c"} {
		args := append([]string{"-if", "bad.log"}, strings.Fields(line)...)
		got := runIn(t, dir, nil, p.ours, args...)
		if got.Status != 0 && got.Status != 1 {
			t.Errorf("ausearch %q: exit status %d\n%.2000s", args, got.Status, got.Err)
		}
		shown := got.Out + got.Err
		if strings.HasPrefix(line, "-r") {
			shown = got.Err // raw is what the log holds
		}
		if i := strings.IndexFunc(shown, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }); i >= 0 {
			t.Errorf("ausearch %q: a control byte reaches the output: %.80q", args, shown[max(0, i-20):])
		}
	}
}

// What stock gets wrong, and how ours differs: the cases of docs/ausearch-differences.md.
func testAusearchDifferences(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	long := strings.Repeat("a", 8969-len("type=CWD msg=audit(1700000000.000:1): "))
	for _, c := range []struct {
		name, log, args, stock, ours string
	}{
		{
			"the middle of a line is no record",
			"type=CWD msg=audit(1700000000.000:1): " + long + "type=CWD msg=audit(1700000000.000:2): forged\n", "-r -a 2",
			"type=CWD msg=audit(1700000000.000:2): forged\n", "",
		},
		{
			"the event of a type that 3.0.9 does not know",
			"type=DM_CTRL msg=audit(1700000000.000:1): a=1\ntype=CWD msg=audit(1700000000.000:1): cwd=\"/x\"\n", "-r -m CWD",
			"type=CWD msg=audit(1700000000.000:1): cwd=\"/x\"\n",
			"type=DM_CTRL msg=audit(1700000000.000:1): a=1\ntype=CWD msg=audit(1700000000.000:1): cwd=\"/x\"\n",
		},
		{
			"the user of a TTY record",
			"type=TTY msg=audit(1700000000.000:1): tty pid=1 uid=7 auid=7 ses=1 major=4 minor=1 comm=\"x\" data=61\n", "-r -ui 7",
			"", "type=TTY msg=audit(1700000000.000:1): tty pid=1 uid=7 auid=7 ses=1 major=4 minor=1 comm=\"x\" data=61\n",
		},
		{
			"auditd by its user's name",
			"type=DAEMON_END msg=audit(1700000000.000:1): op=terminate auid=0 pid=1 uid=0 ses=1 res=success\n", "-r -ui root",
			"", "type=DAEMON_END msg=audit(1700000000.000:1): op=terminate auid=0 pid=1 uid=0 ses=1 res=success\n",
		},
		{
			"auditd's records are escaped",
			"type=DAEMON_END msg=audit(1700000000.000:1): op=$(x)\n", "--escape shell",
			"----\ntime->Tue Nov 14 22:13:20 2023\ntype=DAEMON_END msg=audit(1700000000.000:1): op=$(x)\n",
			"----\ntime->Tue Nov 14 22:13:20 2023\ntype=DAEMON_END\\ msg=audit\\(1700000000.000:1\\):\\ op=\\$\\(x\\)\n",
		},
		{
			"a socket without a name hides its event",
			"type=SOCKADDR msg=audit(1700000000.000:1): saddr=0100\ntype=PATH msg=audit(1700000000.000:1): name=\"/x\"\n", "-r -f /x",
			"", "type=SOCKADDR msg=audit(1700000000.000:1): saddr=0100\ntype=PATH msg=audit(1700000000.000:1): name=\"/x\"\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			put(t, filepath.Join(dir, "one.log"), []byte(c.log))
			args := append([]string{"-if", "one.log"}, strings.Fields(c.args)...)
			if got := runIn(t, dir, nil, p.stock, args...).Out; got != c.stock {
				t.Errorf("stock: got %q, want %q", got, c.stock)
			}
			if got := runIn(t, dir, nil, p.ours, args...).Out; got != c.ours {
				t.Errorf("ours: got %q, want %q", got, c.ours)
			}
		})
	}
}
