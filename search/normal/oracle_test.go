package normal

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/search/auparse"
)

var (
	seed   = flag.Uint64("seed", 1, "of the events that are made up; 0 takes the time")
	events = flag.Int("events", 6000, "how many events are made up")
	update = flag.Bool("update", false, "write the golden files anew")
	stock4 = flag.String("ausearch4", "", "an ausearch of audit 4.2 to compare with as well")
)

// hostNames knows the users of this host, as the ausearch does that runs on it.
type hostNames struct{}

func (hostNames) User(uid uint32) (string, bool) {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return "", false
	}
	return u.Username, true
}

func (hostNames) Group(gid uint32) (string, bool) {
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10))
	if err != nil {
		return "", false
	}
	return g.Name, true
}

func userID(name []byte) (uint32, bool) {
	u, err := user.Lookup(string(name))
	if err != nil {
		return 0, false
	}
	id, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(id), err == nil
}

// event reads the lines of one event.
func event(tb testing.TB, lines ...string) *audit.Event {
	tb.Helper()
	e := &audit.Event{}
	for _, l := range lines {
		r, err := audit.ParseLine([]byte(l))
		if err != nil {
			tb.Fatalf("parse %q: %v", l, err)
		}
		e.ID, e.Node = r.ID, r.Node
		e.Records = append(e.Records, r)
	}
	return e
}

func newNormalizer(v auparse.Version) *Normalizer {
	return New(Config{
		Interpreter: auparse.New(auparse.Config{Version: v, Names: hostNames{}}), Version: v, UserID: userID,
		ExtraKeys: true, ExtraLabels: true, ExtraObj2: true, ExtraTime: true,
	})
}

// TestOracle compares both formats with what ausearch prints for events that are made up: records of every type with
// fields in odd orders, system calls with all sorts of records around them.
func TestOracle(t *testing.T) {
	stock, err := exec.LookPath("ausearch")
	if err != nil {
		t.Fatalf("ausearch of Debian's auditd is what this compares with: %v", err)
	}
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", s)
	m := maker{rand.New(rand.NewPCG(s, 5))}
	var log bytes.Buffer
	lines := map[string][]string{}
	for i := range *events {
		stamp := fmt.Sprintf("audit(%d.%03d:%d)", 1600000000+int64(i)*7919, i%1000, i+1)
		ev := m.event(stamp)
		lines[strconv.Itoa(i+1)] = ev
		for _, l := range ev {
			log.WriteString(l + "\n")
		}
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("3.0.9", func(t *testing.T) { compare(t, stock, auparse.V3, path, lines) })
	if *stock4 != "" {
		t.Run("4.2", func(t *testing.T) { compare(t, *stock4, auparse.V4, path, lines) })
	}
}

func compare(t *testing.T, stock string, v auparse.Version, path string, lines map[string][]string) {
	n := newNormalizer(v)
	out := ausearch(t, stock, path, "--format", "csv", "--extra-keys", "--extra-labels", "--extra-obj2", "--extra-time")
	header, rows, _ := strings.Cut(out, "\n")
	if got := string(n.AppendCSVHeader(nil)); got != header+"\n" {
		t.Errorf("header:\n got %q\nwant %q", got, header)
	}
	seen, wrong := map[string]bool{}, 0
	var order []string
	for _, want := range strings.Split(strings.TrimSuffix(rows, "\n"), "\n") {
		cells := strings.Split(want, ",")
		serial := cells[11]
		order = append(order, serial)
		if seen[serial] {
			continue // a record that stands alone has ended its event
		}
		seen[serial] = true
		if got := string(n.AppendCSV(nil, event(t, lines[serial]...))); got != want+"\n" {
			if wrong++; wrong <= 10 {
				t.Errorf("csv:\n got %q\nwant %q\n%s", got, want, strings.Join(lines[serial], "\n"))
			}
		}
	}
	if 100*len(seen) < 95*len(lines) {
		t.Errorf("ausearch has printed %d of %d events only: %.300q", len(seen), len(lines), out)
	}
	wrongRows := wrong
	texts := strings.Split(strings.TrimSuffix(ausearch(t, stock, path, "--format", "text"), "\n"), "\n")
	if len(texts) != len(order) {
		t.Fatalf("ausearch prints %d sentences and %d rows", len(texts), len(order))
	}
	for i, want := range texts {
		if !seen[order[i]] {
			continue
		}
		delete(seen, order[i])
		if got := string(n.AppendText(nil, event(t, lines[order[i]]...))); got != want+"\n" {
			if wrong++; wrong-wrongRows <= 10 {
				t.Errorf("text:\n got %q\nwant %q\n%s", got, want, strings.Join(lines[order[i]], "\n"))
			}
		}
	}
	t.Logf("%d events, %d rows and %d sentences differ", len(order), wrongRows, wrong-wrongRows)
}

func ausearch(t *testing.T, stock, path string, args ...string) string {
	cmd := exec.Command(stock, append([]string{"-if", path}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %v: %v: %s", cmd, err, stderr.Bytes())
	}
	return string(out)
}
