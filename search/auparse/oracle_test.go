package auparse

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A fixed seed unless one asks for others, so that the same code has the same verdict everywhere.
var (
	seed   = flag.Uint64("seed", 1, "of the random records; 0 takes another one each time")
	update = flag.Bool("update", false, "write testdata/*.3.txt anew from the installed tools, and *.4.txt with -v4")
	tree4  = flag.String("v4", "", "directory with the unpacked packages auditd, libaudit1, libauparse0t64, libcap-ng0 and\n"+
		"libc6 of a Debian with audit 4.2: compare with that too")
)

// oracle runs ausearch and libauparse of one version, with the users and groups of testdata/etc.
type oracle struct {
	version Version
	prefix  []string // the dynamic loader of a tree, if any
	tools   string   // where ausearch is
	ask     string
	dir     string
}

// newOracle skips the test where the tools are missing: auditd, a C compiler and unshare are needed, and the right to
// unshare a mount namespace.
func newOracle(t *testing.T, v Version) *oracle {
	t.Helper()
	unusable := func(format string, args ...any) {
		t.Helper()
		if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	if v == V4 && *tree4 == "" {
		t.Skip("audit 4.2 is not in this Debian: name a directory with -v4")
	}
	if os.Geteuid() != 0 {
		unusable("unshare wants root")
	}
	for _, tool := range []string{"ausearch", "cc", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			unusable("%s is missing: install auditd, gcc and util-linux to run this test", tool)
		}
	}
	o := &oracle{version: v, dir: t.TempDir()}
	if v == V4 {
		lib := filepath.Join(*tree4, "usr/lib/x86_64-linux-gnu")
		o.prefix = []string{filepath.Join(lib, "ld-linux-x86-64.so.2"), "--library-path", lib}
		o.tools = filepath.Join(*tree4, "usr/sbin") + "/"
	} else if path, err := exec.LookPath("ausearch"); err == nil {
		o.tools = filepath.Dir(path) + "/"
	}
	o.ask = filepath.Join(o.dir, "ask")
	// The library is named whole: no headers and no link for development are needed.
	build := exec.Command("cc", "-O1", "-o", o.ask, "testdata/ask.c", "-l:libauparse.so.0", "-l:libaudit.so.1")
	if out, err := build.CombinedOutput(); err != nil {
		unusable("build testdata/ask.c: %v\n%s", err, out)
	}
	return o
}

// run runs a program in a mount namespace with our passwd and group.
func (o *oracle) run(t *testing.T, input []byte, argv ...string) []byte {
	t.Helper()
	script := `mount --bind testdata/etc/passwd /etc/passwd && mount --bind testdata/etc/group /etc/group && exec "$@"`
	args := append([]string{"--mount", "sh", "-c", script, "sh"}, o.prefix...)
	cmd := exec.CommandContext(t.Context(), "unshare", append(args, argv...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("run %s: %v\n%s", argv[0], err, stderr.Bytes())
	}
	return stdout.Bytes()
}

// lines returns what ausearch -i prints for each line of a log, nil for those that it leaves out. Each line must be an
// event of its own, with the serial that its place is, from 1 on.
func (o *oracle) lines(t *testing.T, log []byte, e Escape) [][]byte {
	t.Helper()
	path := filepath.Join(o.dir, "log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	mode := [...]string{Raw: "raw", TTY: "tty", Shell: "shell", ShellQuote: "shell_quote"}[e]
	out := o.run(t, nil, o.tools+"ausearch", "-if", path, "-i", "--escape", mode)
	lines := make([][]byte, bytes.Count(log, []byte("\n")))
	for _, line := range bytes.Split(out, []byte("\n")) {
		_, stamp, ok := bytes.Cut(line, []byte(" msg=audit("))
		if !ok {
			continue
		}
		stamp, _, _ = bytes.Cut(stamp, []byte(")"))
		serial, err := strconv.Atoi(string(stamp[bytes.LastIndexByte(stamp, ':')+1:]))
		if err != nil || serial < 1 || serial > len(lines) {
			t.Fatalf("ausearch printed %q", line)
		}
		lines[serial-1] = line
	}
	return lines
}

// values returns what libauparse makes of each line, in the words of testdata/ask.c without the type.
func (o *oracle) values(t *testing.T, log []byte, e Escape) [][]byte {
	t.Helper()
	mode := [...]string{Raw: "0", TTY: "1", Shell: "2", ShellQuote: "3"}[e]
	lines := splitLines(o.run(t, log, o.ask, mode))
	for i := range lines {
		_, lines[i], _ = bytes.Cut(lines[i], []byte("\t"))
		// The second is type, which is no field of ours; node may be before it.
		for _, name := range []string{"node", "type"} {
			if bytes.HasPrefix(lines[i], []byte(name+"\x1f")) {
				_, lines[i], _ = bytes.Cut(lines[i], []byte("\t"))
			}
		}
	}
	return lines
}

// stampLog gives each record, "TYPE text" with node=NAME in front or not, a stamp: one second and one serial each.
func stampLog(records []byte) []byte {
	var log []byte
	for i, record := range splitLines(records) {
		if node, rest, ok := bytes.Cut(record, []byte(" ")); ok && bytes.HasPrefix(node, []byte("node=")) {
			log = append(append(log, node...), ' ')
			record = rest
		}
		kind, text, _ := bytes.Cut(record, []byte(" "))
		log = fmt.Appendf(log, "type=%s msg=audit(%d.%03d:%d): %s\n", kind, 1626611363+i, i%1000, i+1, text)
	}
	return log
}

var joinedKeys = regexp.MustCompile(`key=[0-9A-Fa-f]*01`)

// compare compares ours with what an oracle has said, and returns the number of lines that it has said something of.
func compare(t *testing.T, x *Interpreter, log []byte, lines, values [][]byte) (n int) {
	t.Helper()
	var r Record
	wrong := 0
	for i, line := range splitLines(log) {
		if err := x.Parse(&r, line); err != nil {
			t.Errorf("parse %q: %v", line, err)
			continue
		}
		if x.version == V4 && bytes.Contains(line, []byte("hook=")) &&
			(r.Enrichment != nil || bytes.Contains(line, []byte("family=3"))) {
			continue // behind a hook, stock has forgotten what the daemon said; of ARP's, it asks the fields behind it
		}
		if got := appendFields(nil, x, &r); values != nil && !sameValues(got, values[i]) {
			wrong++
			t.Errorf("%q\n got fields %s\nwant fields %s", line, readable(got), readable(values[i]))
		}
		if lines == nil || lines[i] == nil {
			continue
		}
		n++
		want := lines[i]
		if x.escape != Raw {
			// Deliberate: stock escapes some values, we all of them.
			want = TTY.escape(bytes.Clone(want), 0)
		}
		got := x.AppendLine(nil, &r)
		if x.escape == Raw && bytes.IndexByte(got, '\n') >= 0 {
			continue // it is several lines
		}
		if x.escape >= Shell && joinedKeys.Match(line) {
			continue // stock prints what stands behind its string in memory
		}
		if !bytes.Equal(got, want) {
			wrong++
			t.Errorf("%q\n got line %q\nwant line %q", line, got, want)
		}
		if wrong > 8 {
			t.Fatal("and so on")
		}
	}
	return n
}

// sameValues compares fields, but for control bytes that stock lets through in names of the daemon's.
func sameValues(got, want []byte) bool {
	if bytes.Equal(got, want) {
		return true
	}
	octal := func(b []byte) []byte {
		out := string(b)
		for c := range 32 {
			out = strings.ReplaceAll(out, fmt.Sprintf(`\x%02x`, c), fmt.Sprintf(`\x5c%03o`, c))
		}
		return []byte(out)
	}
	return bytes.Equal(octal(got), octal(want))
}

func readable(fields []byte) string {
	return strings.NewReplacer("\x1f", "|", "\t", "  ").Replace(string(fields))
}
