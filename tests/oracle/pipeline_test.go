package oracle

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	libaudit "github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"

	"vigil/audit"
	"vigil/forward/format"
)

// readLog returns the lines of a log of package audit's as the kernel wrote them:
// without enrichment, which go-libaudit does not read. It leaves out what
// go-libaudit refuses.
func readLog(t testing.TB, names ...string) []string {
	t.Helper()
	var lines []string
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../../audit/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			line, _, _ = bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte{audit.Separator})
			if _, err := auparse.ParseLogLine(string(line)); err == nil {
				lines = append(lines, string(line))
			}
		}
	}
	return lines
}

// stream makes go-libaudit's JSON of each event.
type stream struct {
	events, bytes, failed int
	each                  func(*aucoalesce.Event)
}

func (s *stream) ReassemblyComplete(msgs []*auparse.AuditMessage) {
	s.events++
	e, err := aucoalesce.CoalesceMessages(msgs)
	if err != nil {
		s.failed++
		return
	}
	if s.each != nil {
		s.each(e)
		return
	}
	b, err := json.Marshal(e)
	if err != nil {
		s.failed++
		return
	}
	s.bytes += len(b)
}

func (s *stream) EventsLost(int) {}

// theirs runs the lines through go-libaudit.
func theirs(t testing.TB, s *stream, lines []string, n int) {
	r, err := libaudit.NewReassembler(50, 2*time.Second, s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		msg, err := auparse.ParseLogLine(lines[i%len(lines)])
		if err != nil {
			t.Fatal(err)
		}
		r.PushMessage(msg)
	}
	r.Close()
}

// ours runs the lines through Vigil.
func ours(t testing.TB, lines [][]byte, n int, each func(*audit.Event)) (written int) {
	enc := format.NewJSON(format.JSONConfig{})
	var buf []byte
	if each == nil {
		each = func(e *audit.Event) {
			buf = enc.Append(buf[:0], e)
			written += len(buf)
		}
	}
	a := audit.NewAssembler(audit.AssemblerConfig{}, each)
	now := time.Now()
	for i := range n {
		if i%64 == 0 { // about one batch
			now = time.Now()
		}
		r, err := audit.ParseLine(lines[i%len(lines)])
		if err != nil {
			t.Fatal(err)
		}
		a.Push(r, now)
	}
	a.Flush()
	return written
}

// renumbered returns the lines n times over, each time with other serials: the
// same stamps again would be late records.
func renumbered(lines []string, n int) []string {
	all := make([]string, 0, n*len(lines))
	for i := range n {
		for _, l := range lines {
			// "audit(1795265951.592:525583)": another second is another event.
			at := strings.Index(l, "audit(") + len("audit(")
			sec := []byte(l[at : at+10])
			for k, carry := len(sec)-1, i; k >= 0 && carry > 0; k-- {
				carry += int(sec[k] - '0')
				sec[k] = '0' + byte(carry%10)
				carry /= 10
			}
			all = append(all, l[:at]+string(sec)+l[at+10:])
		}
	}
	return all
}

// cpuTime reports, when what it returns is called, the processor time of all
// threads, garbage collection too, for one operation: on a machine with other work
// it is steadier than the time on the clock.
func cpuTime(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkJSON counts a record as one operation: from the line of a log to the
// event's JSON. "typical" has no line beyond 2 kB, "long" has one command line of
// 7,499 bytes, one of 20,000 and one of 2,048 arguments in about 70 events.
func BenchmarkJSON(b *testing.B) {
	typical := renumbered(readLog(b, "real.log"), 20)
	long := renumbered(readLog(b, "real.log", "long.log"), 20)
	for _, bench := range []struct {
		name  string
		lines []string
	}{{"typical", typical}, {"long", long}} {
		size := 0
		raw := make([][]byte, len(bench.lines))
		for i, l := range bench.lines {
			raw[i] = []byte(l)
			size += len(l)
		}
		b.Run(bench.name+"/vigil", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(raw)))
			defer cpuTime(b)()
			ours(b, raw, b.N, nil)
		})
		b.Run(bench.name+"/go-libaudit", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(raw)))
			var s stream
			defer cpuTime(b)()
			theirs(b, &s, bench.lines, b.N)
			b.ReportMetric(float64(s.failed)/float64(max(s.events, 1)), "failed/event")
		})
	}
}
