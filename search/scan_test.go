package search

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
)

// corpus is real records: auditd's and the kernel's of audit/testdata.
func corpus(t testing.TB) []string {
	t.Helper()
	var lines []string
	for _, name := range []string{"real.log", "other.log"} {
		text, err := os.ReadFile(filepath.Join("..", "audit", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return lines
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// scanned returns the events of a scan, each as its lines.
func scanned(t testing.TB, logs []Log, o Options) ([]string, Stats) {
	t.Helper()
	var got []string
	stats, err := Scan(t.Context(), logs, o, func(e *Event) error {
		got = append(got, text(t, e))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, stats
}

// text is an event as its lines, after checking that the records are those.
func text(t testing.TB, e *Event) string {
	t.Helper()
	for i, line := range e.Lines {
		want, err := audit.ParseLine(line)
		if err != nil {
			t.Errorf("not a record: %q", line)
		} else if got := e.Records[i]; got.Type != want.Type || got.ID != want.ID || string(got.Node) != string(want.Node) ||
			string(got.Body) != string(want.Body) || string(got.Enrichment) != string(want.Enrichment) ||
			(got.Enrichment == nil) != (want.Enrichment == nil) {
			t.Errorf("record of %s: (-want +got)\n%s", line, cmp.Diff(want, got))
		}
	}
	if string(e.Node) != string(e.Records[0].Node) {
		t.Errorf("node %q, of the first record %q", e.Node, e.Records[0].Node)
	}
	return textOf(e)
}

// grouped is what a scan is compared with: the lines that share node and stamp, in
// the order in which the first of them comes.
func grouped(lines []string) []string {
	var order []string
	events := map[string][]string{}
	for _, line := range lines {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			continue
		}
		key := string(r.Node) + " " + r.ID.String()
		if events[key] == nil {
			order = append(order, key)
		}
		events[key] = append(events[key], line)
	}
	out := make([]string, len(order))
	for i, key := range order {
		out[i] = strings.Join(events[key], "\n")
	}
	return out
}

// shuffled interleaves the corpus: some lines move a little way down, some get a
// node, so that events straddle whatever is cut.
func shuffled(t testing.TB, random *rand.Rand) []string {
	t.Helper()
	lines := corpus(t)
	for i := range lines {
		if random.IntN(3) == 0 {
			j := min(i+random.IntN(12), len(lines)-1)
			lines[i], lines[j] = lines[j], lines[i]
		}
		if random.IntN(7) == 0 && !strings.HasPrefix(lines[i], "node=") {
			lines[i] = "node=web-1 " + lines[i]
		}
	}
	return lines
}

// Wherever a log is cut into blocks and files, and whoever works on it, the events
// are the same.
func TestScanCuts(t *testing.T) {
	for seed := range uint64(15) {
		random := rand.New(rand.NewPCG(seed, 1))
		lines := shuffled(t, random)
		want := grouped(lines)
		dir := t.TempDir()
		l := Log{Name: "log"}
		for rest := lines; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			if random.IntN(4) == 0 {
				n = len(rest)
			}
			text := strings.Join(rest[:n], "\n") + "\n"
			switch random.IntN(4) {
			case 0:
				text = gzipped(t, text)
			case 1:
				text = zstandard(t, text)
			}
			path := filepath.Join(dir, fmt.Sprint(len(l.Files)))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			l.Files = append(l.Files, path)
			rest = rest[n:]
		}
		for range 6 {
			o := Options{BlockSize: 32 + random.IntN(1<<random.IntN(18)), Workers: 1 + random.IntN(5), Newest: random.IntN(2) == 0}
			got, stats := scanned(t, []Log{l}, o)
			if o.Newest {
				slices.Reverse(got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %d files, %+v: (-want +got)\n%s", seed, len(l.Files), o, diff)
			}
			if int(stats.Records) != len(lines) || int(stats.Events) != len(want) || int(stats.Matched) != len(want) || stats.Skipped.Total() != 0 {
				t.Fatalf("seed %d: stats %+v of %d lines, %d events", seed, stats, len(lines), len(want))
			}
			var each []string
			var mu sync.Mutex
			if _, err := Each(t.Context(), []Log{l}, o, func(_ int, e *Event) error {
				mu.Lock()
				defer mu.Unlock()
				each = append(each, text(t, e))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			slices.Sort(each)
			sorted := slices.Sorted(slices.Values(want))
			if diff := cmp.Diff(sorted, each); diff != "" {
				t.Fatalf("seed %d, Each: (-want +got)\n%s", seed, diff)
			}
		}
	}
}

// An event that spreads over a log is whole as long as it lies in one cell or two,
// and where it does not, no record of it is lost.
func TestScanCells(t *testing.T) {
	lines := corpus(t)
	for i := range lines { // one event goes through the whole log
		if i%20 == 0 {
			r, err := audit.ParseLine([]byte(lines[i]))
			if err != nil {
				t.Fatal(err)
			}
			lines[i] = strings.Replace(lines[i], r.ID.String(), "1795265950.000:7", 1)
		}
	}
	path := write(t, "audit.log", strings.Join(lines, "\n")+"\n")
	var forward []string
	for _, newest := range []bool{false, true} {
		for _, block := range []int{1, 1000, 4096, 1 << 20} {
			set := Options{BlockSize: block, Newest: newest}.settle(1)
			set.cell = 4096
			var got []string
			stats, err := scanOne(t.Context(), 0, FromFile(path), set, func(e *Event) error {
				got = append(got, text(t, e))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Split(strings.Join(got, "\n"), "\n")
			if diff := cmp.Diff(slices.Sorted(slices.Values(lines)), slices.Sorted(slices.Values(all))); diff != "" {
				t.Errorf("newest %v, block %d: (-want +got)\n%s", newest, block, diff)
			}
			if int(stats.Events) != len(got) {
				t.Errorf("%d events, %d in the stats", len(got), stats.Events)
			}
			if newest {
				continue
			}
			if forward == nil {
				forward = got
			} else if diff := cmp.Diff(forward, got); diff != "" {
				t.Errorf("block %d: the same events as with others: (-want +got)\n%s", block, diff)
			}
		}
	}
}

// What is no record is passed over and counted, and costs no memory.
func TestScanSkips(t *testing.T) {
	record := func(serial int) string {
		return fmt.Sprintf(`type=USER_LOGIN msg=audit(1795265950.000:%d): pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'`, serial)
	}
	f := func(name, log string, want int, skipped Skipped) {
		t.Helper()
		for _, block := range []int{0, 50, 100, 70000} {
			for _, newest := range []bool{false, true} {
				for kind, text := range map[string]string{"plain": log, "gzip": gzipped(t, log)} {
					o := Options{BlockSize: block, Newest: newest}
					got, stats := scanned(t, []Log{FromFile(write(t, "audit.log", text))}, o)
					if len(got) != want || stats.Skipped != skipped {
						t.Errorf("%s, %s, block %d, newest %v: %d events, %+v, want %d, %+v", name, kind, block, newest, len(got), stats.Skipped, want, skipped)
					}
				}
			}
		}
	}
	f("nothing", "", 0, Skipped{})
	f("newlines", "\n\n\n", 0, Skipped{Malformed: 3})
	f("text", "hello\n"+record(1)+"\n----\n"+record(2)+"\n", 2, Skipped{Malformed: 2})
	f("unknown type", strings.Replace(record(1), "USER_LOGIN", "NO_SUCH", 1)+"\n", 0, Skipped{Malformed: 1})
	f("torn", record(1)+"\n"+record(2), 1, Skipped{Torn: 1})
	f("torn alone", record(1)[:40], 0, Skipped{Torn: 1})
	f("NUL", record(1)+"\n"+strings.Repeat("\x00", 5000)+"\n"+record(2)+"\n", 2, Skipped{Binary: 1})
	f("NUL in a record", strings.Replace(record(1), "login", "lo\x00in", 1)+"\n", 1, Skipped{})
	f("binary", record(1)+"\n"+"\xff\xfe\x00\x01\x1b[2J\n"+record(2)+"\n", 2, Skipped{Binary: 1})
	f("long", record(1)+"\n"+record(3)+strings.Repeat("x", 300_000)+"\n"+record(2)+"\n", 2, Skipped{Long: 1})
	f("long first", strings.Repeat("x", 300_000)+"\n"+record(2)+"\n", 1, Skipped{Long: 1})
	f("long and torn", record(1)+"\n"+strings.Repeat("x", 300_000), 1, Skipped{Long: 1})
	f("as long as may be", record(1)+strings.Repeat("x", 65535-len(record(1)))+"\n", 1, Skipped{})
	f("one byte longer", record(1)+strings.Repeat("x", 65536-len(record(1)))+"\n", 0, Skipped{Long: 1})
	f("EOE", record(1)+"\ntype=EOE msg=audit(1795265950.000:1): \n", 1, Skipped{})
}

// Ten megabytes without a newline cost no more memory than a block.
func TestScanLongLineMemory(t *testing.T) {
	log := io.MultiReader(strings.NewReader(strings.Repeat("x", 10<<20)), strings.NewReader("\n"+corpus(t)[0]))
	got, stats := scanned(t, []Log{FromStream("-", log)}, Options{})
	if len(got) != 1 || stats.Skipped != (Skipped{Long: 1}) {
		t.Errorf("%d events, %+v", len(got), stats.Skipped)
	}
}

// What stock ausearch takes: a last line without a newline.
func TestScanTorn(t *testing.T) {
	lines := corpus(t)[:3]
	path := write(t, "audit.log", strings.Join(lines, "\n"))
	for _, block := range []int{0, 10} {
		got, stats := scanned(t, []Log{FromFile(path)}, Options{Torn: true, BlockSize: block})
		if diff := cmp.Diff(grouped(lines), got); diff != "" || stats.Skipped.Total() != 0 {
			t.Errorf("%+v, (-want +got)\n%s", stats.Skipped, diff)
		}
	}
}

// Packed files that are damaged are read as far as they can be.
func TestScanDamaged(t *testing.T) {
	lines := strings.Join(corpus(t), "\n") + "\n"
	for name, packed := range map[string]string{"gzip": gzipped(t, lines), "zstd": zstandard(t, lines)} {
		for _, newest := range []bool{false, true} {
			for _, length := range []int{3, 9, len(packed) / 2, len(packed) - 1} {
				_, stats := scanned(t, []Log{FromFile(write(t, "audit.log.1", packed[:length]))}, Options{Newest: newest})
				// Three bytes are not enough to say what they are.
				if length > 3 && stats.Skipped.Damaged != 1 {
					t.Errorf("%s, %d bytes of %d: %+v", name, length, len(packed), stats.Skipped)
				}
			}
			wrong := []byte(packed)
			wrong[len(wrong)/2] ^= 0x40
			if _, stats := scanned(t, []Log{FromFile(write(t, "audit.log.1", string(wrong)))}, Options{Newest: newest}); stats.Skipped.Damaged != 1 {
				t.Errorf("%s, a wrong bit: %+v", name, stats.Skipped)
			}
		}
	}
}

func query(t testing.TB, condition string) *Query {
	t.Helper()
	c, err := filter.Parse(condition)
	if err != nil {
		t.Fatal(err)
	}
	p, err := filter.Compile(c, field.Standard())
	if err != nil {
		t.Fatal(err)
	}
	return NewQuery(p, field.Config{Location: time.UTC})
}

// A query finds the same, however much of the log it can leave unread.
func TestScanQuery(t *testing.T) {
	conditions := []string{
		"audit.key = exec", "audit.key in (exec, open)", "audit.key contains x", "proc.name = bash", "proc.name startswith ba",
		"audit.key = exec and evt.type = execve", "not audit.key = exec", "audit.key = exec or proc.name = sshd",
		"audit.type = USER_LOGIN", "proc.exepath endswith /auditctl", "user.name = root", "evt.type in (execve, openat)",
		"proc.cmdline contains a", "audit.pid = 10605", "audit.account = root", "fd.name startswith /etc", "SYSCALL.comm = auditd",
		"evt.failed = true", "audit.host exists", "audit.op = start", "tolower(proc.name) = bash", "container.id != host",
		"PATH.name exists and audit.key exists", "audit.serial = 525570", "audit.records > 3",
	}
	random := rand.New(rand.NewPCG(3, 3))
	lines := shuffled(t, random)
	path := write(t, "audit.log", strings.Join(lines, "\n")+"\n")
	found := 0
	for _, condition := range conditions {
		q := query(t, condition)
		match := q.program.Matcher(q.config)
		var want []string
		if _, err := Scan(t.Context(), []Log{FromFile(path)}, Options{}, func(e *Event) error {
			if match.Match(&e.Event) {
				want = append(want, text(t, e))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		found += len(want)
		for _, block := range []int{0, 100, 3000} {
			got, stats := scanned(t, []Log{FromFile(path)}, Options{Query: q, BlockSize: block, Workers: 3})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, block %d: (-want +got)\n%s", condition, block, diff)
			}
			if int(stats.Matched) != len(want) {
				t.Errorf("%s: %d in the stats, want %d", condition, stats.Matched, len(want))
			}
		}
	}
	if found < 100 {
		t.Errorf("the conditions choose only %d events: do they test anything?", found)
	}
}

// Several logs are merged by time, forwards and backwards.
func TestScanMerge(t *testing.T) {
	line := func(node string, second int) string {
		return fmt.Sprintf("node=%s type=USER_LOGIN msg=audit(%d.000:%d): pid=1\n", node, second, second)
	}
	a := write(t, "audit.log", line("a", 1)+line("a", 4)+line("a", 5))
	b := write(t, "audit.log", line("b", 2)+line("b", 3)+line("b", 6))
	logs, err := Locate([]string{a, b})
	if err != nil {
		t.Fatal(err)
	}
	for _, newest := range []bool{false, true} {
		var got []int64
		var from []int
		if _, err := Scan(t.Context(), logs, Options{Newest: newest}, func(e *Event) error {
			got, from = append(got, e.ID.Sec), append(from, e.Log)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if newest {
			slices.Reverse(got)
			slices.Reverse(from)
		}
		if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6}, got); diff != "" {
			t.Errorf("newest %v: (-want +got)\n%s", newest, diff)
		}
		if diff := cmp.Diff([]int{0, 1, 1, 0, 0, 1}, from); diff != "" {
			t.Errorf("logs, newest %v: (-want +got)\n%s", newest, diff)
		}
	}
}

// A scan ends when the visit wants, with its error, and when the context is done.
func TestScanEnds(t *testing.T) {
	path := write(t, "audit.log", strings.Join(corpus(t), "\n")+"\n")
	for _, logs := range [][]Log{{FromFile(path)}, {FromFile(path), FromFile(path)}} {
		o := Options{BlockSize: 100, Workers: 3}
		seen := 0
		if _, err := Scan(t.Context(), logs, o, func(*Event) error {
			if seen++; seen == 3 {
				return ErrStop
			}
			return nil
		}); err != nil || seen != 3 {
			t.Errorf("stopped: %v after %d", err, seen)
		}
		mine := errors.New("mine")
		if _, err := Scan(t.Context(), logs, o, func(*Event) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("its own error: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := Scan(ctx, logs, o, func(*Event) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		logs[len(logs)-1] = FromFile(path + ".nowhere")
		if _, err := Scan(t.Context(), logs, o, func(*Event) error { return nil }); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file that is not there: %v", err)
		}
	}
	// A stream in which nothing comes does not hold the scan.
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Scan(ctx, []Log{FromStream("-", r)}, Options{}, func(*Event) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a silent stream: %v", err)
	}
}

// Blocks hands out every line once, in whole lines.
func TestBlocks(t *testing.T) {
	lines := corpus(t)
	path := write(t, "audit.log", strings.Join(lines, "\n")+"\n")
	for _, size := range []int{0, 1, 500, 5000} {
		pieces := map[int]string{}
		var mu sync.Mutex
		stats, err := Blocks(t.Context(), []Log{FromFile(path)}, Options{BlockSize: size, Workers: 4}, func(_ int, b Block) error {
			mu.Lock()
			defer mu.Unlock()
			pieces[b.Ordinal] = string(b.Bytes)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, n := range slices.Sorted(func(yield func(int) bool) {
			for n := range pieces {
				if !yield(n) {
					return
				}
			}
		}) {
			got.WriteString(pieces[n])
		}
		if want := strings.Join(lines, "\n") + "\n"; got.String() != want || stats.Bytes != int64(len(want)) {
			t.Errorf("size %d: %d bytes, stats %+v, want %d", size, got.Len(), stats, len(want))
		}
	}
}
