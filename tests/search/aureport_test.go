package search

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/internal/need"
	"vigil/tests/rig"
)

// pair is stock's program of a name, and ours.
type pair struct{ stock, ours string }

// pairOf builds vigil and links it to the name of a stock program.
func pairOf(t *testing.T, name string) pair {
	t.Helper()
	stock, err := exec.LookPath(name)
	if err != nil {
		for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				stock = filepath.Join(dir, name)
			}
		}
	}
	if stock == "" {
		need.Missing(t, "stock %s (Debian package auditd)", name)
	}
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	ours := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-trimpath", "-o", ours, "./cmd/vigil")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build vigil: %v\n%s", err, out)
	}
	return pair{stock, ours}
}

// result is what a command has printed, and its exit status.
type result struct {
	Out, Err string
	Status   int
}

// runIn runs a command in a folder, with text for its standard input if it is not nil.
func runIn(t *testing.T, dir string, stdin []byte, program string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin) // through a pipe, which is a FIFO to both
	}
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		t.Fatalf("run %s %q: %v", program, args, e)
	}
	return result{out.String(), err.String(), cmd.ProcessState.ExitCode()}
}

// same runs both with the same arguments and compares what they print and return.
func (p pair) same(t *testing.T, dir string, stdin []byte, args ...string) {
	t.Helper()
	want := runIn(t, dir, stdin, p.stock, args...)
	got := runIn(t, dir, stdin, p.ours, args...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s %q differs (-stock +ours):\n%.3000s", filepath.Base(p.stock), args, diff)
	}
}

// reportNames are aureport's reports; "" is the main summary.
func reportNames() []string {
	return []string{
		"", "-a", "-au", "-c", "--comm", "-x", "-tm", "-u", "-h", "-p", "-s", "-f", "-k", "-e", "-l", "-m", "-ma",
		"--integrity", "--virt", "-cr", "-n", "-r", "--tty", "-t",
	}
}

// corpora writes the logs that reports are compared on, into a folder.
func corpora(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	put := func(name string, text []byte) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	real := realLog(t)
	put("real.log", real)
	names = append(names, "real.log")
	for _, name := range []string{"auditd-raw.log", "vigil-enriched.log"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		put(name, known(string(text)))
		names = append(names, name)
	}
	for i, c := range []struct {
		name  string
		maker logMaker
	}{
		{"raw.log", logMaker{}},
		{"enriched.log", logMaker{enriched: true}},
		{"nodes.log", logMaker{nodes: []string{"web-1", "db"}}},
	} {
		m := c.maker
		m.rng, m.sec, m.serial = rand.New(rand.NewPCG(uint64(i), 7)), 1700000000, 100
		var b bytes.Buffer
		m.write(&b, 1200)
		put(c.name, b.Bytes())
		names = append(names, c.name)
	}
	// The rotated files of one log: the oldest has the highest number.
	m := logMaker{rng: rand.New(rand.NewPCG(9, 7)), sec: 1700000000, serial: 100}
	for _, name := range []string{"audit.log.2", "audit.log.1", "audit.log"} {
		var b bytes.Buffer
		m.write(&b, 300)
		put("rotated/"+name, b.Bytes())
	}
	return append(names, "rotated")
}

// realLog is records of real systems, less those of types that stock does not know: of these see
// docs/ausearch-differences.md.
func realLog(t *testing.T) []byte {
	t.Helper()
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range []string{"real.log", "other.log"} {
		text, err := os.ReadFile(filepath.Join(root, "audit", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, known(string(text))...)
	}
	return all
}

// known is a log without the records that stock does not know.
func known(log string) []byte {
	var b []byte
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "UNKNOWN[") && !strings.Contains(line, "type=LEDGER") && !strings.Contains(line, "type=USER_TTY") &&
			!strings.Contains(line, "type=LANDLOCK") {
			b = append(b, line...)
		}
	}
	return b
}

func TestAureport(t *testing.T) {
	p, dir := pairOf(t, "aureport"), t.TempDir()
	logs := corpora(t, dir)
	if n := typesIn(t, dir, logs); n < 40 {
		t.Errorf("the logs have %d types of records, want 40 at least", n)
	}
	for _, log := range logs {
		t.Run(log, func(t *testing.T) {
			t.Parallel()
			for _, report := range reportNames() {
				for _, more := range []string{
					"", "--summary", "-i", "-i --summary", "--success", "--failed", "--success --summary", "-nc",
				} {
					args := append([]string{"-if", log}, strings.Fields(report+" "+more)...)
					p.same(t, dir, nil, args...)
				}
			}
		})
	}
}

func typesIn(t *testing.T, dir string, logs []string) int {
	t.Helper()
	types := map[string]bool{}
	for _, name := range logs {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue // a folder
		}
		for line := range strings.Lines(string(text)) {
			_, rest, _ := strings.Cut(line, "type=")
			kind, _, _ := strings.Cut(rest, " ")
			types[kind] = true
		}
	}
	return len(types)
}

func TestAureportOptions(t *testing.T) {
	p, dir := pairOf(t, "aureport"), t.TempDir()
	corpora(t, dir)
	for _, line := range []string{
		"-e -if raw.log -ts 11/14/23 22:14:00 -te 11/14/23 22:15:00", "-if raw.log -ts 11/14/23 22:14:00", "-if raw.log -te 11/14/23 22:14:30",
		"-if raw.log -ts 01/01/24", "-if raw.log -te 01/01/20 00:00:01", "-t -if rotated -ts 11/14/23 22:14:00", "-x -if rotated --summary -te 11/14/23 22:15:00",
		"-e -if nodes.log --node web-1", "-e -if nodes.log --node web-1 --node db", "--summary -if nodes.log --node nobody",
		"-m -if raw.log --add", "-m -if raw.log --delete", "-e -if raw.log --add --summary", "-if raw.log --delete", "-k -if raw.log -nc --no-config",
		"-f -if raw.log --escape raw", "-f -if raw.log --escape tty", "-f -if raw.log --escape shell", "-f -if raw.log --escape shell_quote --summary",
		"--comm -if raw.log --escape shell_quote", "-e -if raw.log --eoe-timeout 5", "-e -if raw.log --eoe-timeout 1", "-if raw.log -i --failed --summary",
		"--input raw.log -l", "--input-logs -if raw.log -l", "-l -if raw.log --debug", "-if raw.log --debug", "-l -if raw.log --failed --success",
		"-v", "--version", "-k -v", "-v foo", "--help", "--help foo",
		"-a -au", "-a -a", "--foo", "foo", "-h foo", "-u foo -if raw.log", "-a foo", "-i foo", "--tty --summary -if raw.log", "-t --summary -if raw.log",
		"-if", "-if nofile", "-if nofile -l", "-if nofile -t", "--escape", "--escape foo", "--eoe-timeout", "--eoe-timeout x", "--eoe-timeout 0", "--eoe-timeout -1",
		"--node", "-ts", "-ts foo", "-te foo", "-ts today foo", "-ts 11/14/23 foo", "-ts 13/41/23", "--summary foo", "-", "--", "--interpret=1", "-x --summary extra",
		"-if raw.log other", "-tm -if /dev/null", "-if /dev/null", "-t -if /dev/null", "-e --summary -if /dev/null",
	} {
		p.same(t, dir, nil, strings.Fields(line)...)
	}
}

// A FIFO on standard input is read; so are logs that have no newline at their end.
func TestAureportStdin(t *testing.T) {
	p, dir := pairOf(t, "aureport"), t.TempDir()
	m := logMaker{rng: rand.New(rand.NewPCG(3, 7)), sec: 1700000000, serial: 100}
	var log bytes.Buffer
	m.write(&log, 400)
	for _, line := range []string{"", "-e", "-x --summary", "-t", "-l -i"} {
		p.same(t, dir, log.Bytes(), strings.Fields(line)...)
		p.same(t, dir, bytes.TrimSuffix(log.Bytes(), []byte("\n")), strings.Fields(line)...)
	}
}

// Whatever a log holds, a report ends, and nothing in it can steer a terminal.
func TestAureportHostile(t *testing.T) {
	p, dir := pairOf(t, "aureport"), t.TempDir()
	rng := rand.New(rand.NewPCG(5, 7))
	m := logMaker{rng: rng, sec: 1700000000, serial: 100, enriched: true}
	var log bytes.Buffer
	m.write(&log, 500)
	text := log.Bytes()
	for i := range 4000 { // bytes of all kinds, now and then in the middle of a record
		at := rng.IntN(len(text))
		text[at] = byte(i)
	}
	text = append(text, bytes.Repeat([]byte("\x1b[2J"), 40000)...)
	text = append(text, "\ntype=USER_LOGIN msg=audit(1700000000.000:1): pid=1 uid=0 auid=1 ses=1 msg='op=x acct=1B5B324A exe=\"\x1b[31m\" hostname=\x1b[2J addr=? terminal=\x1b]0;x\x07 res=failed'"...)
	if err := os.WriteFile(filepath.Join(dir, "bad.log"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, report := range reportNames() {
		for _, more := range []string{"", "--summary", "-i", "--debug"} {
			args := append([]string{"-if", "bad.log"}, strings.Fields(report+" "+more)...)
			got := runIn(t, dir, nil, p.ours, args...)
			if got.Status != 0 && got.Status != 1 {
				t.Errorf("aureport %q: exit status %d\n%.2000s", args, got.Status, got.Err)
			}
			if i := strings.IndexFunc(got.Out+got.Err, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }); i >= 0 {
				t.Errorf("aureport %q: a control byte reaches the output: %.80q", args, (got.Out + got.Err)[max(0, i-20):])
			}
		}
	}
}

// What stock gets wrong, and how ours differs: the cases of docs/ausearch-differences.md.
func TestAureportDifferences(t *testing.T) {
	p, dir := pairOf(t, "aureport"), t.TempDir()
	for _, c := range []struct {
		name, log, args, stock, ours string
	}{
		{
			"a type that stock does not know",
			"type=LANDLOCK_ACCESS msg=audit(1700000000.000:1): domain=1 blockers=fs.read_file path=\"/etc/hostname\" dev=\"vda\" ino=611\n", "-e",
			"1. 11/14/23 22:13:20 1 (null) -2 unset", "1. 11/14/23 22:13:20 1 LANDLOCK_ACCESS -2 unset",
		},
		{
			"a quote that belongs to the record",
			"type=USER_TTY msg=audit(1700000000.000:1): pid=1 uid=0 auid=1000 ses=3 data=\"exit\"'\n", "--tty",
			`1. 11/14/23 22:13:20 1 1000 ? 3 ? "exit"'`, `1. 11/14/23 22:13:20 1 1000 ? 3 ? "exit"`,
		},
		{
			"who authenticated, in the totals",
			"type=USER_AUTH msg=audit(1700000000.000:1): pid=1 uid=0 auid=1000 ses=1 msg='op=x exe=\"/x\" hostname=? addr=? terminal=? res=success'\n", "-au --summary",
			"1  -2", "1  0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "one.log"), []byte(c.log), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"-if", "one.log"}, strings.Fields(c.args)...)
			for _, one := range []struct{ program, want string }{{p.stock, c.stock}, {p.ours, c.ours}} {
				lines := strings.Split(strings.TrimSpace(runIn(t, dir, nil, one.program, args...).Out), "\n")
				if got := lines[len(lines)-1]; got != one.want {
					t.Errorf("%s %q: got %q, want %q", filepath.Base(one.program), args, got, one.want)
				}
			}
		})
	}
}
