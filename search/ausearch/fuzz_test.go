package ausearch

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

// FuzzOptions parses any arguments: it must end in options or in one error, and what was taken for a criterion must
// not take longer than the log is.
func FuzzOptions(f *testing.F) {
	for _, line := range []string{
		"-if log -k exec -ua root --raw", "-ts 11/14/23 10:00 -te now", "-m SYSCALL,1300,ALL -sc openat --arch b64", "-e -EACCES --session -1",
		"--format csv --extra-keys --escape shell", "-a 99999999999999999999", "-ts", "--", "-te 1:2:3 4/5/6",
	} {
		f.Add(line)
	}
	deps := &Deps{
		Now:         func() time.Time { return time.Unix(1795277189, 0) },
		Boot:        func() (time.Time, error) { return time.Unix(1795263683, 0), nil },
		UserByName:  func(name string) (uint32, bool) { return 0, name == "root" },
		GroupByName: func(name string) (uint32, bool) { return 0, name == "root" },
	}
	const log = `type=SYSCALL msg=audit(1700000000.000:5): arch=c000003e syscall=257 success=yes exit=0 a0=1 a1=2 ppid=1 pid=2 auid=0 uid=0 comm="x" exe="/x" key="exec"
`
	f.Fuzz(func(t *testing.T, line string) {
		for _, dialect := range []aulog.Dialect{aulog.Audit3, aulog.Audit4} {
			opts, err := parse(strings.Fields(line), deps, dialect)
			if err != nil || opts.help || opts.version {
				continue
			}
			r := aulog.NewReader(aulog.Config{Stream: strings.NewReader(log), Range: opts.query.span})
			e, err := r.Next()
			if err != nil {
				continue // out of the range
			}
			var facts aulog.Facts
			facts.Extract(e, opts.query.want, dialect, nil)
			if opts.query.front(e) && opts.query.holds(e, &facts) {
				p := newPrinter(&opts, deps)
				if out := p.event(e); opts.format == formatRaw && !bytes.Equal(out, []byte(log)) {
					t.Errorf("%q: raw prints %q", line, out)
				}
			}
		}
	})
}

// FuzzCheckpoint reads any checkpoint file.
func FuzzCheckpoint(f *testing.F) {
	f.Add("dev=0xFE00\ninode=10297485\noutput=- 1700000020.000:2 0x51B\n")
	f.Add("output=\ninode=\x1b\ndev")
	f.Fuzz(func(t *testing.T, text string) {
		c := &checkpoint{path: "file"}
		if err := c.parse([]byte(text)); err != nil && strings.IndexFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }) >= 0 {
			t.Errorf("a control byte reaches the terminal: %q", err)
		}
	})
}

// BenchmarkSearch is a search by key that finds nothing.
func BenchmarkSearch(b *testing.B) {
	line := []byte("type=SYSCALL msg=audit(1700000000.000:5): arch=c000003e syscall=257 success=yes exit=0 a0=1 a1=2 ppid=1 pid=2 auid=0 uid=0 comm=\"x\" exe=\"/x\" key=\"exec\"\n" +
		"type=CWD msg=audit(1700000000.000:5): cwd=\"/x\"\ntype=PATH msg=audit(1700000000.000:5): item=0 name=\"/x\"\n")
	var log []byte
	for i := range 10000 {
		l := bytes.ReplaceAll(line, []byte("1700000000.000:5"), []byte(strconv.Itoa(1700000000+i/500)+".000:"+strconv.Itoa(i)))
		log = append(log, l...)
	}
	opts, err := parse([]string{"-k", "nosuch"}, &Deps{Version: auparse.V3}, aulog.Audit3)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		r := aulog.NewReader(aulog.Config{Stream: bytes.NewReader(log)})
		var facts aulog.Facts
		for {
			e, err := r.Next()
			if err != nil {
				break
			}
			if _, ok := facts.Extract(e, opts.query.want, aulog.Audit3, nil); ok && opts.query.holds(e, &facts) {
				b.Fatal("found")
			}
		}
	}
}
