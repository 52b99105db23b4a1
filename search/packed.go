package search

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vigil/trail"
)

// packed reads a stream or a file, unpacking it if its first bytes say how.
type packed struct {
	r       io.Reader
	count   *counter
	closers []func()
	damaged bool
	unpacks bool
}

// counter counts the bytes that are read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// maxWindow bounds the memory for unpacking zstd: 8 MiB is what its highest level
// takes if it is not asked for more with --long.
const maxWindow = 16 << 20

// unpack looks at the first bytes of r. Magic numbers: RFC 1952 2.3.1, RFC 8878
// 3.1.1 and 3.1.2.
func unpack(r io.Reader) (*packed, error) {
	p := &packed{count: &counter{r: r}}
	buffered := bufio.NewReaderSize(p.count, 64<<10)
	p.r = buffered
	magic, _ := buffered.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, err
		}
		p.r, p.unpacks = z, true
	case string(magic) == "\x28\xb5\x2f\xfd", len(magic) == 4 && magic[0]&0xf0 == 0x50 && string(magic[1:]) == "\x2a\x4d\x18":
		z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, z.Close)
		p.r, p.unpacks = z, true
	}
	return p, nil
}

// damage reports whether err says that the packed data are damaged or end too soon,
// rather than that they cannot be read.
func (p *packed) damage(err error) bool {
	var system *fs.PathError
	if p.unpacks && !errors.As(err, &system) && !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		p.damaged = true
	}
	return p.damaged
}

// took returns how much was read since it was last asked.
func (p *packed) took() int64 {
	n := p.count.n
	p.count.n = 0
	return n
}

func (p *packed) close() {
	for _, f := range p.closers {
		f()
	}
}

// input opens a file. It is nil if rotation has removed the file.
func (s *source) input(f file) (*input, error) {
	if f.stream != nil {
		return s.sequential(f.path, f.stream, nil, true)
	}
	opened, err := s.reopen(f)
	if errors.Is(err, errGone) {
		s.stats.Skipped.Gone++
		s.done.Add(f.info.Size())
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	plain, err := isPlain(opened, f.info)
	if err == nil && plain {
		return s.plain(f.path, opened)
	}
	if err == nil {
		return s.sequential(f.path, opened, opened, !f.info.Mode().IsRegular())
	}
	opened.Close()
	return nil, fmt.Errorf("read log: %w", err)
}

var errGone = errors.New("is gone")

// reopen opens a file that was looked at before, wherever rotation has put it since.
func (s *source) reopen(f file) (*os.File, error) {
	for attempt := range 20 {
		opened, err := os.Open(f.path)
		if err == nil {
			info, err := opened.Stat()
			if err == nil && (os.SameFile(info, f.info) || s.live == "") {
				return opened, nil
			}
			opened.Close()
		} else if s.live == "" || !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		now, err := family(s.live)
		if err != nil {
			return nil, err
		}
		found := false
		for _, path := range now {
			if info, err := os.Stat(path); err == nil && os.SameFile(info, f.info) {
				f.path, found = path, true
			}
		}
		if !found && attempt > 0 {
			return nil, errGone
		}
	}
	return nil, errGone
}

// isPlain reports whether a file can be read at any place: it is one, and it is not
// compressed.
func isPlain(f *os.File, info fs.FileInfo) (bool, error) {
	if !info.Mode().IsRegular() {
		return false, nil
	}
	magic := make([]byte, 4)
	n, err := f.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	p, err := unpack(bytes.NewReader(magic[:n]))
	if err != nil { // the header goes on
		return false, nil
	}
	p.close()
	return !p.unpacks, nil
}

// plain is a file that is read in blocks.
func (s *source) plain(name string, f *os.File) (*input, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read log: %w", err)
	}
	in := &input{name: name, file: f, size: info.Size()}
	in.refs.Store(1)
	in.spans = s.narrow(in)
	left := in.size
	for _, part := range in.spans {
		left -= part.to - part.from
	}
	s.done.Add(left)
	return in, nil
}

// sequential is what can only be read from start to end. Backwards, it is unpacked
// to a file without a name first.
func (s *source) sequential(name string, r io.Reader, c io.Closer, stream bool) (*input, error) {
	p, err := unpack(r)
	if c != nil {
		if err != nil {
			c.Close()
		} else {
			p.closers = append(p.closers, func() { c.Close() })
		}
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		return nil, fmt.Errorf("read log %s: %w", name, err)
	}
	if err != nil { // what should be the head of a packed file is not
		s.stats.Skipped.Damaged++
		return nil, nil
	}
	if !s.set.Newest {
		return &input{name: name, lines: bufio.NewReaderSize(p.r, trail.MaxLine), packed: p, stream: stream}, nil
	}
	defer p.close()
	f, err := os.CreateTemp("", "vigil-search-")
	if err != nil {
		return nil, fmt.Errorf("unpack log %s: %w", name, err)
	}
	os.Remove(f.Name())
	_, err = io.Copy(f, p.r)
	if err != nil && !p.damage(err) {
		f.Close()
		return nil, fmt.Errorf("unpack log %s: %w", name, err)
	}
	if p.damaged {
		s.stats.Skipped.Damaged++
	}
	if err := endLine(f, stream && !p.damaged); err != nil {
		f.Close()
		return nil, fmt.Errorf("unpack log %s: %w", name, err)
	}
	s.done.Add(p.took())
	return s.plain(name, f)
}

// endLine ends the last line of an unpacked stream, which counts as whole.
func endLine(f *os.File, whole bool) error {
	info, err := f.Stat()
	if err != nil || !whole || info.Size() == 0 {
		return err
	}
	end := make([]byte, 1)
	if _, err := f.ReadAt(end, info.Size()-1); err != nil || end[0] == '\n' {
		return err
	}
	_, err = f.WriteAt([]byte{'\n'}, info.Size())
	return err
}
