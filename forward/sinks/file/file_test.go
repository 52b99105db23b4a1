package file_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vigil/audit"
	"vigil/forward"
	"vigil/forward/format"
	"vigil/forward/sinks/file"
)

func open(t *testing.T, change func(*file.Options)) forward.Sink {
	t.Helper()
	k := file.Kind()
	o := k.Options().(*file.Options)
	change(o)
	if err := k.Check(o); err != nil {
		t.Fatal(err)
	}
	sink, _, err := k.Open(t.Context(), o, forward.Setup{Name: "here", Format: format.Raw{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func send(t *testing.T, s forward.Sink, lines ...string) {
	t.Helper()
	b := &forward.Batch{}
	for _, l := range lines {
		b.Items = append(b.Items, forward.Item{ID: audit.ID{Serial: 1}, Data: []byte(l + "\n")})
	}
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	var r io.Reader = f
	switch filepath.Ext(path) {
	case ".gz":
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	case ".zst":
		d, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		r = d
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRotation(t *testing.T) {
	for compress, suffix := range map[file.Compression]string{"none": "", "gzip": ".gz", "zstd": ".zst"} {
		t.Run(string(compress), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sub", "events.jsonl")
			s := open(t, func(o *file.Options) { o.Path, o.MaxFile, o.Files, o.Compress = path, 10, 3, compress })
			for i := range 5 {
				send(t, s, fmt.Sprintf("event %d of 5", i)) // each fills a file
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			files, err := filepath.Glob(path + "*")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				got[strings.TrimPrefix(f, path)] = read(t, f)
				if info, err := os.Stat(f); err != nil || info.Mode() != 0o600 {
					t.Errorf("%s: %v, %v", f, info.Mode(), err)
				}
			}
			want := map[string]string{"": "event 4 of 5\n", ".1" + suffix: "event 3 of 5\n", ".2" + suffix: "event 2 of 5\n"}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("files (-got +want):\n%s", diff)
			}
		})
	}
}

// TestHalfALine: what a crash has left of a line is cut off.
func TestHalfALine(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{"one\ntw", "one\nthree\n"}, {"on", "three\n"}, {"", "three\n"}, {"one\n", "one\nthree\n"},
		{"one\n" + strings.Repeat("x", 200_000), "one\nthree\n"},
	} {
		path := filepath.Join(t.TempDir(), "events")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, func(o *file.Options) { o.Path = path })
		send(t, s, "three")
		if got := read(t, path); got != c.after {
			t.Errorf("%.20q became %q, want %q", c.before, got, c.after)
		}
	}
}

// TestMovedAway: a file that logrotate has renamed is begun anew.
func TestMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	s := open(t, func(o *file.Options) { o.Path = path })
	send(t, s, "one")
	if err := os.Rename(path, path+"-20261121"); err != nil {
		t.Fatal(err)
	}
	send(t, s, "two")
	if got := read(t, path); got != "two\n" {
		t.Errorf("got %q", got)
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "shadow")
	if err := os.WriteFile(target, []byte("root:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "events")); err != nil {
		t.Fatal(err)
	}
	s := open(t, func(o *file.Options) { o.Path = filepath.Join(dir, "events") })
	if err := s.Send(t.Context(), &forward.Batch{Items: []forward.Item{{Data: []byte("x\n")}}}); err == nil {
		t.Error("a link was followed")
	}
	if text, _ := os.ReadFile(target); !bytes.Equal(text, []byte("root:x\n")) {
		t.Errorf("its target became %q", text)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		o    file.Options
		want string
	}{
		{file.Options{Files: 1}, "path is missing"},
		{file.Options{Path: "events", Files: 1}, "not an absolute path"},
		{file.Options{Path: "/events"}, "files is 0"},
	} {
		if err := file.Kind().Check(&c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.o, err, c.want)
		}
	}
}
