package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"vigil/forward"
)

// rotation is a file and those that it has been before.
type rotation struct {
	options Options
	gid     int
	log     *slog.Logger
	file    *os.File
	size    int64
	buf     []byte
	packing chan struct{} // closed when no file is being packed; nil: none was
}

// write appends a batch whole: what came of it to a file on a full disk is cut off
// again.
func (r *rotation) write(b *forward.Batch) error {
	if err := r.ready(); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	r.buf = r.buf[:0]
	for i := range b.Items {
		r.buf = append(r.buf, b.Items[i].Data...)
	}
	if _, err := r.file.Write(r.buf); err != nil {
		return errors.Join(fmt.Errorf("write file: %w", err), r.file.Truncate(r.size))
	}
	if r.options.Sync {
		if err := r.file.Sync(); err != nil {
			// What the disk has of it is not known: the batch is written again behind it.
			return errors.Join(fmt.Errorf("write file: %w", err), r.close())
		}
	}
	r.size += int64(len(r.buf))
	return nil
}

// ready opens the file, and begins a new one if it is full, or if somebody has moved
// it away.
func (r *rotation) ready() error {
	if r.file != nil {
		open, err := r.file.Stat()
		if err != nil {
			return err
		}
		if named, err := os.Lstat(r.options.Path); err != nil || !os.SameFile(open, named) {
			if err := r.close(); err != nil {
				return err
			}
		}
	}
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.options.MaxFile == 0 || r.size < int64(r.options.MaxFile) {
		return nil
	}
	if err := errors.Join(r.close(), r.rotate()); err != nil {
		return err
	}
	return r.open()
}

func (r *rotation) mode() (file, dir fs.FileMode) {
	if r.gid != 0 {
		return 0o640, 0o750
	}
	return 0o600, 0o700
}

// open opens the file at its end. The half line that a crash has left is cut off: it
// is written again whole.
func (r *rotation) open() error {
	mode, dirMode := r.mode()
	if err := os.MkdirAll(filepath.Dir(r.options.Path), dirMode); err != nil {
		return err
	}
	// Not through a link that somebody may have put there (open(2), O_NOFOLLOW).
	file, err := os.OpenFile(r.options.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	end, err := lastLineEnd(file)
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil && r.gid != 0 {
		err = errors.Join(file.Chown(-1, r.gid), file.Chmod(mode))
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.size = file, end
	return nil
}

// lastLineEnd returns the offset behind the last newline.
func lastLineEnd(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		begin := max(end-int64(len(buf)), 0)
		n, err := f.ReadAt(buf[:end-begin], begin)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if at := strings.LastIndexByte(string(buf[:n]), '\n'); at >= 0 {
			return begin + int64(at) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// suffix is what packed files have behind their number.
func (r *rotation) suffix() string {
	return map[Compression]string{"gzip": ".gz", "zstd": ".zst"}[r.options.Compress]
}

// rotate renames PATH to PATH.1 and that to PATH.2, packed or not; what exceeds the
// number of files goes.
func (r *rotation) rotate() error {
	r.packed()
	for i := 999; i >= 1; i-- {
		for _, suffix := range []string{"", ".gz", ".zst"} {
			from := r.options.Path + "." + strconv.Itoa(i) + suffix
			var err error
			if i+1 >= r.options.Files {
				err = os.Remove(from)
			} else {
				err = os.Rename(from, r.options.Path+"."+strconv.Itoa(i+1)+suffix)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if r.options.Files == 1 {
		return os.Remove(r.options.Path)
	}
	first := r.options.Path + ".1"
	if err := os.Rename(r.options.Path, first); err != nil {
		return err
	}
	if r.suffix() != "" {
		r.packing = make(chan struct{})
		go func() {
			defer close(r.packing)
			if err := r.pack(first); err != nil {
				r.log.Warn("a closed file is not packed", "file", first, "err", err)
			}
		}()
	}
	return nil
}

// packed waits until the last closed file is packed.
func (r *rotation) packed() {
	if r.packing != nil {
		<-r.packing
	}
}

// pack makes PATH.1.gz or PATH.1.zst of PATH.1.
func (r *rotation) pack(path string) (err error) {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	mode, _ := r.mode()
	temporary := path + r.suffix() + ".part"
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary))
		}
	}()
	if r.gid != 0 {
		err = out.Chown(-1, r.gid)
	}
	if err == nil {
		err = r.copy(out, in)
	}
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path+r.suffix()); err != nil {
		return err
	}
	return os.Remove(path)
}

func (r *rotation) copy(out io.Writer, in io.Reader) error {
	var packer io.WriteCloser
	if r.options.Compress == "zstd" {
		encoder, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		packer = encoder
	} else {
		packer = gzip.NewWriter(out)
	}
	_, err := io.Copy(packer, in)
	return errors.Join(err, packer.Close())
}

func (r *rotation) close() error {
	r.packed()
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	return file.Close()
}
