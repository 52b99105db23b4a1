package aureport

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
	"vigil/search/aulog"
)

// report runs aureport on a log.
func report(t testing.TB, log string, args ...string) (out, err string, status int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	status = Run(append([]string{"-if", path}, args...), Deps{
		Out: &o, Err: &e, Now: func() time.Time { return time.Unix(1700000000, 0) }, Location: time.UTC,
	})
	return o.String(), e.String(), status
}

// syscalls makes a SYSCALL record for each command.
func syscallLog(commands ...string) string {
	var b strings.Builder
	for i, c := range commands {
		fmt.Fprintf(&b, "type=SYSCALL msg=audit(17000000%02d.000:%d): arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=%d auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm=%s exe=\"/x\" key=(null)\n",
			i, i+1, 40-i, c)
	}
	return b.String()
}

// Of equal totals what was seen first comes first, but numbers are in their order.
func TestTotals(t *testing.T) {
	log := syscallLog(`"b"`, `"a"`, `"c"`, `"c"`)
	for _, c := range []struct{ args, want string }{
		{"--comm --summary", "2  c\n1  b\n1  a\n"},
		{"-p --summary", "1  37\n1  38\n1  39\n1  40\n"},
		{"-e --summary", "4  1300\n"},
		{"-e --summary -i", "4  SYSCALL\n"},
		{"-l --summary", "<no events of interest were found>\n\n"},
	} {
		out, _, status := report(t, log, strings.Fields(c.args)...)
		_, got, _ := strings.Cut(out, "\n=")
		got = got[strings.LastIndex(got, "=\n")+2:]
		if got != c.want || status != 0 {
			t.Errorf("aureport %s: got %q, status %d, want %q", c.args, got, status, c.want)
		}
	}
}

// A name cannot steer the terminal unless that is asked for.
func TestEscape(t *testing.T) {
	log := syscallLog("1B5B324A2722") // ESC [ 2 J ' "
	for _, c := range []struct{ escape, want string }{
		{"tty", `\033[2J'"`}, {"shell", `\033[2J\'\"`}, {"shell_quote", `\033\[2J\'\"`}, {"raw", "\x1b[2J'\""},
	} {
		out, _, _ := report(t, log, "--comm", "--escape", c.escape)
		if !strings.Contains(out, " "+c.want+" pts0 ") {
			t.Errorf("--escape %s: got %q, want %q in it", c.escape, out, c.want)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-a -s", "Error - only one report can be specified"},
		{"--nonsense", "--nonsense is an unsupported option\n"},
		{"-i x", "Argument is NOT required for -i\n"},
		{"--eoe-timeout 0", "Illegal value for End of Event Timeout, was 0\n"},
		{"--node", "Argument is required for --node\n"},
		{"-u root", "Unimplemented option\n"},
		{"\x1b[2J", "\\033[2J is an unsupported option\n"},
	} {
		_, got, status := report(t, "", strings.Fields(c.args)...)
		if got != c.want || status != exitFailed {
			t.Errorf("aureport %s: got %q, status %d, want %q", c.args, got, status, c.want)
		}
	}
}

// The main summary counts an event once for each kind of change in it.
func TestOverview(t *testing.T) {
	log := "type=MAC_STATUS msg=audit(1700000000.000:1): enforcing=0 old_enforcing=1 auid=1000 ses=3 enabled=1 old-enabled=1 lsm=selinux res=1\n" +
		"type=NETFILTER_CFG msg=audit(1700000000.000:1): table=filter family=2 entries=4 op=register pid=1 comm=\"nft\"\n"
	out, _, _ := report(t, log)
	for _, want := range []string{"changes in configuration: 2\n", "MAC events: 1\n", "commands: 1\n", "of events: 1\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %q, want %q in it", out, want)
		}
	}
}

func FuzzOptions(f *testing.F) {
	for _, line := range []string{"-a --summary -i", "-ts today 10:00 -te now -if x", "--node a --node b -nc", "--escape tty --eoe-timeout 5s -tm", "-h foo"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		clock := aulog.Clock{Now: time.Unix(1700000000, 0), Boot: func() (time.Time, error) { return time.Unix(1, 0), nil }, Location: time.UTC}
		args := strings.Fields(line)
		once, err1 := parse(args, clock)
		again, err2 := parse(args, clock)
		if diff := cmp.Diff(once, again, cmp.AllowUnexported(options{}, aulog.Range{})); diff != "" || (err1 == nil) != (err2 == nil) {
			t.Errorf("%q is not read twice alike: %s %v %v", line, diff, err1, err2)
		}
	})
}

// FuzzReports: whatever a log holds, every report ends and prints no control byte but newlines.
func FuzzReports(f *testing.F) {
	f.Add([]byte(syscallLog(`"a"`, "1B5B324A")), "--comm")
	f.Add([]byte("type=TTY msg=audit(1700000000.000:1): tty pid=4 uid=0 auid=1000 ses=3 major=136 minor=0 comm=\"bash\" data=1B5B\n"), "--tty")
	f.Add([]byte("type=USER_AVC msg=audit(1.000:1): pid=1 uid=0 auid=1 ses=1 msg='avc: denied { x } for tclass=\x1b'\n"), "-a")
	f.Fuzz(func(t *testing.T, log []byte, name string) {
		k, _, ok := named(name)
		if !ok || k == logs {
			k = summary
		}
		for _, totals := range []bool{false, true} {
			if k == ttys && totals {
				continue
			}
			var out bytes.Buffer
			r := newReporter(options{kind: k, summary: totals, interpret: totals}, Deps{Out: &out, Err: &out, Location: time.UTC}, aulog.Audit3)
			log := aulog.NewReader(aulog.Config{Stream: bytes.NewReader(log)})
			for e, err := log.Next(); err == nil; e, err = log.Next() {
				r.take(e)
			}
			r.finish()
			if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
				t.Errorf("%s: a control byte is printed: %q", name, out.Bytes())
			}
		}
	})
}

// Batches change nothing: not for many events, nor for one that is larger than a batch, nor when nobody reads.
func TestAhead(t *testing.T) {
	var log strings.Builder
	for range 3 {
		log.WriteString(strings.Repeat(syscallLog(`"a"`, `"b"`, `"c"`), 500))
		for i := range 3 * batchRecords {
			fmt.Fprintf(&log, "type=PATH msg=audit(1700000050.000:99): item=%d name=\"/%0200d\" inode=1 nametype=NORMAL\n", i, i)
		}
	}
	for _, kind := range []kind{summary, events, files} {
		var out [2]bytes.Buffer
		for i := range out {
			r := newReporter(options{kind: kind}, Deps{Out: &out[i], Err: &out[i], Location: time.UTC}, aulog.Audit3)
			events := []func(*aulog.Reader) error{r.inTurn, r.ahead}[i]
			if err := events(aulog.NewReader(aulog.Config{Stream: strings.NewReader(log.String())})); err != nil {
				t.Fatal(err)
			}
			r.finish()
		}
		if diff := cmp.Diff(out[0].String(), out[1].String()); diff != "" {
			t.Errorf("report %d (-in turn +ahead):\n%s", kind, diff)
		}
	}
	var long strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&long, "type=USER msg=audit(1700000000.000:%d): pid=1 uid=0 auid=0 ses=1 msg='op=x res=success'\n", i)
	}
	r := newReporter(options{kind: events}, Deps{Out: broken{}, Location: time.UTC}, aulog.Audit3)
	if err := r.ahead(aulog.NewReader(aulog.Config{Stream: strings.NewReader(long.String())})); err != nil || r.rows.err == nil {
		t.Errorf("got %v and %v, want an error of writing", err, r.rows.err)
	}
	if r.rows.n > 10000 {
		t.Errorf("%d rows were made after nobody could read them", r.rows.n)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

// BenchmarkTake is an event into the main summary when all its names have been seen: it allocates nothing.
func BenchmarkTake(b *testing.B) {
	log := aulog.NewReader(aulog.Config{Stream: strings.NewReader(syscallLog(`"a"`, `"b"`))})
	e, err := log.Next()
	if err != nil {
		b.Fatal(err)
	}
	e = e.Clone()
	r := newReporter(options{}, Deps{Out: &bytes.Buffer{}, Location: time.UTC}, aulog.Audit3)
	r.take(e)
	b.SetBytes(int64(len(e.Records[0].Text)))
	b.ReportAllocs()
	for b.Loop() {
		r.take(e)
	}
}

// The steady state costs no memory: neither the main summary, nor totals, nor rows.
func TestNoAllocation(t *testing.T) {
	log := aulog.NewReader(aulog.Config{Stream: strings.NewReader(syscallLog(`"a"`, `"b"`))})
	e, err := log.Next()
	if err != nil {
		t.Fatal(err)
	}
	e = e.Clone()
	for _, o := range []options{{}, {kind: executables, summary: true}, {kind: executables}, {kind: events}} {
		r := newReporter(o, Deps{Out: discard{}, Location: time.UTC}, aulog.Audit3)
		for range 5000 {
			r.take(e)
		}
		if n := testing.AllocsPerRun(2000, func() { r.take(e) }); n > 0 {
			t.Errorf("report %d, summary %v: %v allocations for an event, want none", o.kind, o.summary, n)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestAppendType(t *testing.T) {
	for typ, want := range map[tables.Type]string{tables.TypeSyscall: "SYSCALL", 1999: "(null)", aulog.NoType: "(null)"} {
		if got := string(appendType(nil, typ)); got != want {
			t.Errorf("type %d: got %q, want %q", typ, got, want)
		}
	}
}
