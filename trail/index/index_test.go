package index_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigil/trail/index"
)

// line is a record of about 120 bytes.
func line(milli int64, serial int) string {
	return fmt.Sprintf("type=USER_LOGIN msg=audit(%d.%03d:%d): pid=%d uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=\"alice\" exe=\"/bin/login\" res=success'\n",
		milli/1000, milli%1000, serial, serial)
}

const start = 1_795_265_950_000

// times are stamps about 100 ms apart; some records come minutes late.
func times(random *rand.Rand, n int, late bool) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = start + int64(i)*100 + random.Int64N(50)
		if late && random.IntN(20) == 0 {
			list[i] -= random.Int64N(index.Slack - 20_000)
		}
	}
	return list
}

func logOf(times []int64) string {
	var b strings.Builder
	for i, t := range times {
		b.WriteString(line(t, i))
	}
	return b.String()
}

// check demands that every line of the range is in the spans, and returns how much of
// the log they are.
func check(t *testing.T, x *index.Index, sum uint64, text string, first, last int64) float64 {
	t.Helper()
	spans := x.Spans(sum, strings.NewReader(text), int64(len(text)), first, last)
	read, before := int64(0), int64(-1)
	for _, s := range spans {
		if s.From <= before || s.To <= s.From || s.To > int64(len(text)) {
			t.Fatalf("spans %v of %d bytes", spans, len(text))
		}
		before = s.To
		read += s.To - s.From
	}
	at := int64(0)
	for l := range strings.Lines(text) {
		if stamp, ok := index.Stamp([]byte(l)); ok && stamp >= first && stamp <= last {
			found := false
			for _, s := range spans {
				found = found || s.From <= at && at < s.To
			}
			if !found {
				t.Fatalf("range %d to %d: the line at %d is left out: %s", first, last, at, l)
			}
		}
		at += int64(len(l))
	}
	return float64(read) / float64(len(text))
}

func TestStamp(t *testing.T) {
	f := func(line string, want int64, wantOK bool) {
		t.Helper()
		if got, ok := index.Stamp([]byte(line)); got != want || ok != wantOK {
			t.Errorf("%q: got %d, %v, want %d, %v", line, got, ok, want, wantOK)
		}
	}
	f("type=CWD msg=audit(1795265950.587:4235): cwd=\"/\"", 1795265950587, true)
	f("node=web-1 type=CWD msg=audit(1795265950.587:4235): x", 1795265950587, true)
	f("type=CWD msg=audit(1.5:7): a=1", 1005, true)
	f("type=CWD msg=audit(1.5)", 0, false)
	f("type=CWD msg=audit(.5:1)", 0, false)
	f("type=CWD msg=audit(1.1234:1)", 0, false)
	f("type=CWD msg=audit(1.", 0, false)
	f("type=CWD msg=audit(99999999999999999999.000:1)", 0, false)
	f("", 0, false)
	f(strings.Repeat("x", 600)+"msg=audit(1.5:7): a=1", 0, false)
}

// A log without an index is searched by halves: little of it is read, and records that
// system calls wrote late are found.
func TestSpansWithoutIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	x := index.Load(filepath.Join(t.TempDir(), "audit.log"))
	for _, late := range []bool{false, true} {
		list := times(random, 60_000, late) // 100 minutes, 8 MB
		text := logOf(list)
		for range 30 {
			first := start + random.Int64N(6_000_000)
			if read := check(t, x, 7, text, first, first+60_000); read > 0.15 {
				t.Errorf("late %v: read %.2f of the log for a minute of 100", late, read)
			}
		}
		check(t, x, 7, text, math.MinInt64, start+60_000)
		check(t, x, 7, text, start+5_900_000, math.MaxInt64)
		if read := check(t, x, 7, text, 0, 1); read > 0.1 {
			t.Errorf("read %.2f of the log for a time before it", read)
		}
	}
	// A clock that was set back: all is read.
	list := times(random, 60_000, false)
	for i := range list[30_000:] {
		list[30_000+i] -= 3_000_000
	}
	if read := check(t, x, 7, logOf(list), start+1_000_000, start+1_060_000); read != 1 {
		t.Errorf("a clock that was set back: read %.2f", read)
	}
	check(t, x, 7, strings.Repeat("no record\n", 100_000), 0, math.MaxInt64)
}

// written makes an index of a log that is appended in pieces.
func written(t *testing.T, random *rand.Rand, text string) (*index.Index, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	w, err := index.Open(index.Config{Path: path, Mode: 0o600, Gid: -1, Keep: 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Begin(strings.NewReader(""), 0, func() uint64 { return 7 })
	for at := 0; at < len(text); {
		n := at + random.IntN(3000)
		end := min(n, len(text)-1)
		end += strings.IndexByte(text[end:], '\n') + 1
		w.Add(int64(at), []byte(text[at:end]))
		at = end
	}
	w.Close()
	return index.Load(path), path
}

// With an index, whatever the order of the stamps, only parts that have some are read.
func TestSpans(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	for _, shift := range []int64{0, -3_000_000} {
		list := times(random, 60_000, false)
		for i := range list[30_000:] {
			list[30_000+i] += shift
		}
		text := logOf(list)
		x, _ := written(t, random, text)
		for range 30 {
			first := start + random.Int64N(6_000_000)
			if read := check(t, x, 7, text, first, first+60_000); read > 0.2 {
				t.Errorf("shift %d: read %.2f of the log for a minute of 100", shift, read)
			}
		}
		if read := check(t, x, 7, text, 0, 1); read != 0 {
			t.Errorf("read %.2f of the log for a time before it", read)
		}
		// Another segment: nothing is known of it.
		check(t, x, 8, text, start, start+60_000)
	}
}

// What an index says is not believed when the log says otherwise.
func TestSpansWrongIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	text := logOf(times(random, 20_000, false))
	x, path := written(t, random, text)
	good, err := os.ReadFile(path + index.Suffix)
	if err != nil {
		t.Fatal(err)
	}
	// The log has become another one with the same first line.
	other := line(start, 0) + logOf(times(rand.New(rand.NewPCG(9, 9)), 20_000, false))
	for range 20 {
		first := start + random.Int64N(2_000_000)
		check(t, x, 7, other, first, first+60_000)
	}
	// It was cut, or is longer now.
	half := text[:strings.LastIndexByte(text[:len(text)/2], '\n')+1]
	check(t, x, 7, half, start+500_000, start+600_000)
	check(t, x, 7, text+logOf([]int64{start + 5}), start, start+10)
	// Damaged anywhere.
	for range 300 {
		bad := bytes.Clone(good)
		bad[random.IntN(len(bad))] ^= byte(1 + random.IntN(255))
		if err := os.WriteFile(path+index.Suffix, bad[:random.IntN(len(bad)+1)], 0o600); err != nil {
			t.Fatal(err)
		}
		first := start + random.Int64N(2_000_000)
		check(t, index.Load(path), 7, text, first, first+60_000)
	}
}

// file is a segment on the disk.
func file(t *testing.T, path, text string) *os.File {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// An index that is missing, damaged or behind is made up for when it is opened.
func TestWriterRebuilds(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 1))
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	list := times(random, 60_000, false)
	for i := range list { // no order at all, so that without an index all is read
		j := random.IntN(len(list))
		list[i], list[j] = list[j], list[i]
	}
	first := int64(math.MinInt64)
	old, live := logOf(list[:30_000]), logOf(list[30_000:])
	file(t, path+".1", old)
	segment := file(t, path, live)
	open := func() {
		t.Helper()
		w, err := index.Open(index.Config{Path: path, Mode: 0o600, Gid: -1, Keep: 5}, []index.Segment{{Path: path + ".1", Sum: 1}})
		if err != nil {
			t.Fatal(err)
		}
		w.Begin(segment, int64(len(live)), func() uint64 { return 2 })
		w.Close()
		x := index.Load(path)
		for sum, text := range map[uint64]string{1: old, 2: live} {
			if read := check(t, x, sum, text, first, start-1); read > 0.1 {
				t.Errorf("segment %d: read %.2f for a time that is not in it", sum, read)
			}
			check(t, x, sum, text, start+100_000, start+100_500)
		}
	}
	open()
	whole, err := os.ReadFile(path + index.Suffix)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{0, 10, 16, 100, len(whole) - 1, len(whole)} {
		if err := os.WriteFile(path+index.Suffix, whole[:left], 0o644); err != nil {
			t.Fatal(err)
		}
		open()
	}
	info, err := os.Stat(path + index.Suffix)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() > int64(len(whole))+100 {
		t.Errorf("index: %v, %v", info, err)
	}
}

// What others do to a segment makes what was said of it void.
func TestWriterMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	w, err := index.Open(index.Config{Path: path, Mode: 0o600, Gid: -1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Begin(strings.NewReader(""), 0, func() uint64 { return 7 })
	early, late := strings.Repeat(line(start, 1), 6000), strings.Repeat(line(start+1_000_000, 2), 6000)
	w.Add(0, []byte(early))
	// It was cut to a third, and others times are where it went on.
	third := len(line(start, 1)) * 2000
	w.Add(int64(third), []byte(late))
	w.Close()
	text := early[:third] + late
	x := index.Load(path)
	check(t, x, 7, text, start+1_000_000, start+1_000_001)
	check(t, x, 7, text, start, start+1)
}

// What rotation has removed does not stay in the index.
func TestWriterPrunes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	w, err := index.Open(index.Config{Path: path, Mode: 0o600, Gid: -1, Keep: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for sum := range uint64(5000) {
		w.Begin(strings.NewReader(""), 0, func() uint64 { return sum + 1 })
		w.Add(0, []byte(line(start, 1)))
	}
	w.Close()
	if info, err := os.Stat(path + index.Suffix); err != nil || info.Size() > 70<<10 {
		t.Errorf("the index has %d bytes after 5000 rotations, %v", info.Size(), err)
	}
	if spans := index.Load(path).Spans(5000, strings.NewReader(line(start, 1)), int64(len(line(start, 1))), 0, 1); spans != nil {
		t.Errorf("the last segment is not in it: %v", spans)
	}
}

// A place that cannot be written to makes no index, and nothing worse.
func TestWriterFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit.log")
	w, err := index.Open(index.Config{Path: filepath.Join(dir, "no", "audit.log"), Mode: 0o600, Gid: -1}, nil)
	if err == nil {
		t.Error("opened")
	}
	w.Begin(strings.NewReader(""), 0, func() uint64 { return 1 })
	w.Add(0, []byte(line(start, 1)))
	w.Close()
	var none index.Writer
	none.Begin(strings.NewReader(""), 0, func() uint64 { return 1 })
	none.Add(0, []byte(line(start, 1)))
	none.Close()
}

func FuzzSpans(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 1))
	text := logOf(times(random, 100, true))
	f.Add([]byte("vigil index 1\n\x00\x00"+strings.Repeat("\x07", 96)), []byte(text), int64(start), int64(start+1000))
	f.Fuzz(func(t *testing.T, idx, log []byte, first, last int64) {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path+index.Suffix, idx, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, s := range index.Load(path).Spans(7, bytes.NewReader(log), int64(len(log)), first, last) {
			if s.From < 0 || s.To > int64(len(log)) || s.From >= s.To {
				t.Errorf("span %v of %d bytes", s, len(log))
			}
		}
	})
}

// One operation is a batch of ten records.
func BenchmarkAdd(b *testing.B) {
	path := filepath.Join(b.TempDir(), "audit.log")
	w, err := index.Open(index.Config{Path: path, Mode: 0o600, Gid: -1}, nil)
	if err != nil {
		b.Fatal(err)
	}
	w.Begin(io.NewSectionReader(strings.NewReader(""), 0, 0), 0, func() uint64 { return 7 })
	batch := []byte(strings.Repeat(line(start, 1), 10))
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	at := int64(0)
	for b.Loop() {
		w.Add(at, batch)
		at += int64(len(batch))
	}
}
