package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/format"
	"vigil/internal/setting"
)

// Options are the settings of a file sink.
type Options struct {
	Path     string        `yaml:"path" help:"The file; older ones are PATH.1 (newest) and up. stdout: the standard output."`
	MaxFile  setting.Bytes `yaml:"max_file" help:"A file is closed once it is this large; 0: never."`
	Files    int           `yaml:"files" help:"How many files are kept, the one being written included."`
	Compress Compression   `yaml:"compress" help:"none | gzip | zstd: how closed files are packed."`
	Sync     bool          `yaml:"sync" help:"true: the disk has made sure of events before they count as written."`
	Group    string        `yaml:"group" help:"The group that may read the files; root: nobody else."`
}

// Compression is how closed files are packed.
type Compression string

// Words returns the words that a Compression may be.
func (Compression) Words() []string { return []string{"none", "gzip", "zstd"} }

const stdout = "stdout"

// Kind returns the kind of sink.
func Kind() forward.Kind {
	k := forward.Settings(Options{MaxFile: 100 << 20, Files: 5, Compress: "none", Sync: true, Group: "root"}, check, open)
	k.Name = "file"
	k.Summary = "a file of lines, rotated and packed, or the standard output"
	k.Formats = form.From(form.ECS)
	return k
}

func check(o *Options) error {
	switch {
	case o.Path == "":
		return errors.New("path is missing: name a file, or stdout")
	case o.Path == stdout:
		return nil
	case !filepath.IsAbs(o.Path):
		return fmt.Errorf("path %q is not an absolute path", o.Path)
	case o.Files < 1 || o.Files > 999:
		return fmt.Errorf("files is %d: at least 1, at most 999", o.Files)
	}
	return nil
}

func open(_ context.Context, o *Options, s forward.Setup) (forward.Sink, forward.Encoder, error) {
	if o.Path == stdout {
		return &writer{out: os.Stdout}, lines{s.Format}, nil
	}
	gid, err := setting.GroupID(o.Group)
	if err != nil {
		return nil, nil, err
	}
	return &writer{rotation: &rotation{options: *o, gid: gid, log: s.Log}}, lines{s.Format}, nil
}

// lines encodes events as their format does.
type lines struct{ format format.Encoder }

// Append is for [forward.Encoder].
func (l lines) Append(dst []byte, e forward.Event) []byte { return forward.Lines(dst, l.format, e) }

// writer writes batches.
type writer struct {
	out      *os.File  // nil: rotation has it
	rotation *rotation // nil: out is the standard output
}

// Limits is for [forward.Sink].
func (w *writer) Limits() forward.Limits {
	return forward.Limits{MaxBytes: 1 << 20, MaxEvents: 20_000, Linger: 100 * time.Millisecond}
}

// Send is for [forward.Sink].
func (w *writer) Send(_ context.Context, b *forward.Batch) error {
	if w.rotation != nil {
		return w.rotation.write(b)
	}
	for i := range b.Items {
		if _, err := w.out.Write(b.Items[i].Data); err != nil {
			return fmt.Errorf("write to the standard output: %w", err)
		}
	}
	return nil
}

// Close is for [forward.Sink].
func (w *writer) Close() error {
	if w.rotation == nil {
		return nil
	}
	return w.rotation.close()
}
