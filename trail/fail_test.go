package trail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk is a file on a disk that fails as it is told to.
type disk struct {
	*os.File
	room     int   // bytes that still fit; -1: no limit
	err      error // of writes beyond
	late     bool  // the write fails after all bytes are in the file, as with O_SYNC
	truncate error
	sync     error
	writes   int
}

func (d *disk) Write(p []byte) (int, error) {
	d.writes++
	if d.late {
		_, err := d.File.Write(p)
		return 0, errors.Join(err, &os.PathError{Op: "write", Path: d.Name(), Err: d.err})
	}
	if d.room < 0 || len(p) <= d.room {
		d.room -= min(len(p), max(d.room, 0))
		return d.File.Write(p)
	}
	n, err := d.File.Write(p[:d.room])
	d.room -= n
	return n, errors.Join(err, &os.PathError{Op: "write", Path: d.Name(), Err: d.err})
}

func (d *disk) Truncate(size int64) error {
	if d.truncate != nil {
		return d.truncate
	}
	return d.File.Truncate(size)
}

func (d *disk) Sync() error {
	if d.sync != nil {
		return d.sync
	}
	return d.File.Sync()
}

// openOn opens a trail on a failing disk.
func openOn(t *testing.T, cfg Config) (*Writer, *disk) {
	t.Helper()
	cfg.Path = filepath.Join(t.TempDir(), "audit.log")
	w, _, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	d := &disk{room: -1}
	w.wrap = func(f *os.File) output { d.File = f; return d }
	w.attach(w.file, w.size, w.looked)
	return w, d
}

func content(t *testing.T, w *Writer) string {
	t.Helper()
	text, err := os.ReadFile(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const startLine = "type=LEDGER msg=audit(1.000:1): op=start"

func TestPartialWrite(t *testing.T) {
	const lines = "type=A 1\ntype=A 22\ntype=A 333\n" // 9, 10 and 11 bytes
	f := func(room, wantLines, wantBytes int) {
		t.Helper()
		w, d := openOn(t, Config{})
		if err := w.Append([]byte("type=A 0\n"), 1); err != nil {
			t.Fatal(err)
		}
		d.room, d.err = room, unix.ENOSPC
		err := w.Append([]byte(lines), 3)
		var failed *AppendError
		if !errors.As(err, &failed) || !errors.Is(err, unix.ENOSPC) || !failed.Space() {
			t.Fatalf("room for %d: got %v, want no space", room, err)
		}
		if failed.Lines != wantLines || failed.Bytes != wantBytes {
			t.Errorf("room for %d: got %d lines of %d bytes, want %d of %d", room, failed.Lines, failed.Bytes, wantLines, wantBytes)
		}
		if got, want := content(t, w), "type=A 0\n"+lines[:wantBytes]; got != want {
			t.Errorf("room for %d: file is %q, want %q", room, got, want)
		}
		// It resumes by itself.
		d.room = -1
		if err := w.Append([]byte(lines[wantBytes:]), 3-wantLines); err != nil {
			t.Fatal(err)
		}
		if err := w.Seal([]byte(startLine)); err != nil {
			t.Fatal(err)
		}
		if report, err := Verify(context.Background(), w.Path()); err != nil || !report.OK() || report.Lines != 5 {
			t.Errorf("room for %d: verify: got %+v, %v", room, report, err)
		}
		if got, want := w.Stats().Records, uint64(5); got != want {
			t.Errorf("room for %d: records: got %d, want %d", room, got, want)
		}
	}
	f(0, 0, 0)
	f(1, 0, 0)
	f(8, 0, 0)
	f(9, 1, 9)
	f(10, 1, 9)
	f(19, 2, 19)
	f(29, 2, 19)
}

// TestErrorAfterTheBytes: with O_SYNC a write can fail although its bytes are in
// the file. They are lines of the trail then.
func TestErrorAfterTheBytes(t *testing.T) {
	w, d := openOn(t, Config{Flush: Sync})
	d.late, d.err = true, unix.EIO
	var failed *AppendError
	if err := w.Append([]byte("type=A 1\ntype=A 2\n"), 2); !errors.As(err, &failed) || failed.Lines != 2 || failed.Space() {
		t.Errorf("got %v, want an I/O error with 2 lines written", err)
	}
	d.late = false
	if err := w.Seal([]byte(startLine)); err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(context.Background(), w.Path()); err != nil || !report.OK() || report.Lines != 3 {
		t.Errorf("verify: got %+v, %v", report, err)
	}
}

// TestHalfALineThatCannotBeCut: while the disk fails, nothing is put behind it.
func TestHalfALineThatCannotBeCut(t *testing.T) {
	var notices []Notice
	w, d := openOn(t, Config{Notify: func(n Notice) { notices = append(notices, n) }})
	d.room, d.err, d.truncate = 12, unix.EIO, unix.EIO
	var failed *AppendError
	if err := w.Append([]byte("type=A 1\ntype=A 2\n"), 2); !errors.As(err, &failed) || failed.Lines != 1 {
		t.Errorf("first: got %v with %+v, want 1 line", err, failed)
	}
	d.room = -1
	writes := d.writes
	if err := w.Append([]byte("type=A 2\n"), 1); !errors.As(err, &failed) || failed.Lines != 0 || d.writes != writes {
		t.Errorf("while it cannot be cut: got %v with %+v and %d writes", err, failed, d.writes-writes)
	}
	if got, want := content(t, w), "type=A 1\ntyp"; got != want {
		t.Errorf("file: got %q, want %q", got, want)
	}
	d.truncate = nil
	if err := w.Append([]byte("type=A 2\n"), 1); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, w), "type=A 1\ntype=A 2\n"; got != want {
		t.Errorf("file: got %q, want %q", got, want)
	}
	if len(notices) != 1 || notices[0].What != Mended {
		t.Errorf("notices: got %v", notices)
	}
}

func TestSealThatFailsLeavesTheChain(t *testing.T) {
	w, d := openOn(t, Config{})
	for range 3 {
		d.room, d.err = 50, unix.EDQUOT
		if err := w.Seal([]byte(startLine)); !errors.Is(err, unix.EDQUOT) {
			t.Fatalf("got %v, want %v", err, unix.EDQUOT)
		}
		d.room = -1
		if err := w.Append([]byte("type=A msg=audit(1.000:1): \n"), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Seal([]byte(startLine)); err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(context.Background(), w.Path()); err != nil || !report.OK() || report.Ledger != 1 || report.Before != 0 {
		t.Errorf("verify: got %+v, %v", report, err)
	}
}

func TestFlushModes(t *testing.T) {
	f := func(mode Flush, appends int, wantSyncs uint64) {
		t.Helper()
		w, _ := openOn(t, Config{Flush: mode, FlushRecords: 10})
		for range appends {
			if err := w.Append([]byte("type=A 1\ntype=A 2\n"), 2); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.Stats().Syncs; got != wantSyncs {
			t.Errorf("mode %d, %d appends of 2 records: got %d syncs, want %d", mode, appends, got, wantSyncs)
		}
	}
	f(None, 20, 0)
	f(Data, 20, 0)
	f(Sync, 20, 0)
	f(Incremental, 4, 0)
	f(Incremental, 5, 1)
	f(Incremental, 20, 4)
	f(IncrementalAsync, 20, 0) // Run does it
}

func TestOpenFlagsOfFlushModes(t *testing.T) {
	f := func(mode Flush, want int) {
		t.Helper()
		w, _ := openOn(t, Config{Flush: mode})
		flags, err := unix.FcntlInt(w.file.Fd(), unix.F_GETFL, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := flags & (unix.O_SYNC | unix.O_DSYNC | unix.O_APPEND); got != want|unix.O_APPEND {
			t.Errorf("mode %d: got flags %#x, want %#x", mode, got, want|unix.O_APPEND)
		}
	}
	f(None, 0)
	f(Incremental, 0)
	f(IncrementalAsync, 0)
	f(Data, unix.O_DSYNC)
	f(Sync, unix.O_SYNC)
}

func TestSyncErrorIsTold(t *testing.T) {
	var notices []Notice
	w, d := openOn(t, Config{Flush: Incremental, FlushRecords: 1, Notify: func(n Notice) { notices = append(notices, n) }})
	d.sync = unix.EIO
	if err := w.Append([]byte("type=A 1\n"), 1); err != nil {
		t.Errorf("the line is in the file: got %v", err)
	}
	if len(notices) != 1 || notices[0].What != SyncFailed || !errors.Is(notices[0].Err, unix.EIO) || w.Stats().SyncErrors != 1 {
		t.Errorf("notices: got %v", notices)
	}
	if err := w.Sync(); !errors.Is(err, unix.EIO) {
		t.Errorf("Sync: got %v", err)
	}
	d.sync = nil
}

// TestRunSyncs: in IncrementalAsync mode Run syncs after so many records or after
// a time, and the writer does not wait for it.
func TestRunSyncs(t *testing.T) {
	w, d := openOn(t, Config{FlushRecords: 2, FlushEvery: time.Hour})
	slow := make(chan struct{})
	synced := make(chan struct{}, 10)
	w.wrap = func(f *os.File) output { return slowDisk{d, slow, synced} }
	w.attach(w.file, w.size, w.looked)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	w.setRunning(true) // as Run does first
	go func() { done <- w.Run(ctx) }()
	for range 3 { // while the first fsync hangs
		if err := w.Append([]byte("type=A 1\ntype=A 2\n"), 2); err != nil {
			t.Fatal(err)
		}
	}
	close(slow)
	<-synced
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type slowDisk struct {
	*disk
	wait   <-chan struct{}
	synced chan<- struct{}
}

func (d slowDisk) Sync() error {
	<-d.wait
	d.synced <- struct{}{}
	return nil
}

// TestFullDisk writes on a real file system of 64 KiB until it is full.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("a small file system needs root and CAP_SYS_ADMIN: mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	w, _, err := Open(Config{Path: filepath.Join(dir, "audit.log"), MaxFile: 1 << 20, Files: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	line := "type=SYSCALL msg=audit(1.000:1): " + strings.Repeat("x", 300) + "\n"
	batch := []byte(strings.Repeat(line, 7))
	written, lost := 0, 0
	var failed *AppendError
	for lost < 100 {
		err := w.Append(batch, 7)
		switch {
		case err == nil:
			written += 7
		case errors.As(err, &failed) && failed.Space():
			written += failed.Lines
			lost += 7 - failed.Lines
		default:
			t.Fatal(err)
		}
	}
	if written == 0 || written%7 == 0 {
		t.Logf("%d lines written: the disk did not fill up inside a batch", written)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := w.Append(batch, 7); err != nil {
		t.Fatalf("after room was made: %v", err)
	}
	written += 7
	if err := w.Seal([]byte(startLine)); err != nil {
		t.Fatal(err)
	}
	report, err := Verify(context.Background(), w.Path())
	if err != nil || !report.OK() || report.Torn != 0 || report.Lines != int64(written)+1 {
		t.Errorf("verify: got %+v, %v, want %d lines", report, err, written+1)
	}
}

// TestRotationOnAFullDisk: the segment that a rotation deletes makes room for the
// one that it begins.
func TestRotationOnAFullDisk(t *testing.T) {
	var notices []Notice
	w, d := openOn(t, Config{
		Files:  2,
		Notify: func(n Notice) { notices = append(notices, n) },
		Head:   func(NewSegment) Head { return Head{Ledger: []byte(startLine)} },
	})
	if err := errors.Join(w.Append([]byte("type=A 1\n"), 1), w.Rotate(), w.Append([]byte("type=A 2\n"), 1)); err != nil {
		t.Fatal(err)
	}
	d.room, d.err = 0, unix.ENOSPC
	old := w.wrap
	w.wrap = func(f *os.File) output {
		if _, err := os.Stat(w.numbered(1)); err != nil {
			d.room = -1
		}
		return old(f)
	}
	if err := w.Rotate(); err != nil {
		t.Fatal(err)
	}
	w.wrap = old
	report, err := Verify(context.Background(), w.Path())
	if err != nil || !report.OK() || report.Segments != 2 {
		t.Errorf("verify: got %+v, %v", report, err)
	}
}
