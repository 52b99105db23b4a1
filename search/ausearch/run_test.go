package ausearch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/search/auparse"
)

// run runs ausearch of a version on a log, with the log's path for LOG in the arguments.
func run(t *testing.T, v auparse.Version, log, line string) (out, complaint string, status int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	status = Run(strings.Fields(strings.ReplaceAll(line, "LOG", path)), Deps{
		Out: &stdout, Err: &stderr, Version: v, Location: time.UTC,
		Now:         func() time.Time { return time.Unix(1795277189, 0) },
		Boot:        func() (time.Time, error) { return time.Time{}, errors.New("unknown") },
		UserByName:  func(name string) (uint32, bool) { return 0, name == "root" },
		GroupByName: func(name string) (uint32, bool) { return 0, name == "root" },
	})
	return stdout.String(), stderr.String(), status
}

const (
	loginLog = `type=LOGIN msg=audit(1700000000.000:1): pid=1 uid=0 old-auid=4294967295 auid=1000 ses=1 res=1
type=CWD msg=audit(1700000000.000:1): cwd="/x"
`
	uringLog = `type=URINGOP msg=audit(1700000000.000:1): uring_op=18 success=yes exit=0 items=0 ppid=5 pid=10 uid=7 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 subj=a:b key="ring"
`
	avcLog = `type=AVC msg=audit(1700000000.000:1): avc:  denied  { read } for  pid=1 comm="x" scontext=a:b tcontext=c:d tclass=file
`
	cwdLog = `type=CWD msg=audit(1700000000.000:5): cwd="/x"
`
)

// TestVersions holds what ausearch 3.0.9 and 4.2.1 print where they differ.
func TestVersions(t *testing.T) {
	type answer struct {
		out, err string
		status   int
	}
	for _, c := range []struct {
		name, log, args string
		v3, v4          answer
	}{
		{"LOGIN halves its event in 3", loginLog, "-if LOG -r -m CWD",
			answer{out: strings.SplitAfter(loginLog, "\n")[1]}, answer{out: loginLog}},
		{"io_uring by key", uringLog, "-if LOG -r -k ring", answer{status: 1}, answer{out: uringLog}},
		{"io_uring by user", uringLog, "-if LOG -r -ui 7", answer{status: 1}, answer{out: uringLog}},
		{"both labels", avcLog, "-if LOG -r -su a:b -o e:f", answer{out: avcLog}, answer{status: 1}},
		{"a number and more", cwdLog, "-if LOG -r -a 5x",
			answer{out: cwdLog}, answer{err: "Illegal value for audit event ID", status: 1}},
		{"a process and more", cwdLog, "-if LOG -r -p 5x",
			answer{status: 1}, answer{err: "Process id must be a numeric value, was 5x\n", status: 1}},
		{"a user and more", cwdLog, "-if LOG -r -ui 5x",
			answer{status: 1}, answer{err: "Numeric user ID conversion error (Invalid argument) for 5x\n", status: 1}},
		{"nothing found", cwdLog, "-if LOG -a 6", answer{err: "<no matches>\n", status: 1}, answer{err: "<no matches>\n", status: 1}},
		{"version", cwdLog, "-v", answer{out: "ausearch version 3.0.9\n"}, answer{out: "ausearch version 4.2.2\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, x := range []struct {
				version auparse.Version
				want    answer
			}{{auparse.V3, c.v3}, {auparse.V4, c.v4}} {
				var got answer
				got.out, got.err, got.status = run(t, x.version, c.log, c.args)
				if got != x.want {
					t.Errorf("version %v: got %+v, want %+v", x.version, got, x.want)
				}
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A full disk is said.
func TestOutputFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(cwdLog), 0o600); err != nil {
		t.Fatal(err)
	}
	var complaint bytes.Buffer
	status := Run([]string{"-if", path}, Deps{Out: full{}, Err: &complaint, Now: time.Now})
	if want := "Error writing output (No space left on device)\n"; status != 1 || complaint.String() != want {
		t.Errorf("got %d, %q, want 1, %q", status, complaint.String(), want)
	}
}
