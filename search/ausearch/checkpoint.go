package ausearch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"vigil/search/aulog"
)

// Exit statuses of --checkpoint.
const (
	exitCheckpointBad  = 10 // the file makes no sense, or the log that it is about is gone
	exitCheckpointSave = 11 // it could not be written
	exitCheckpointLost = 12 // the event that it names is not in its log
)

// checkpoint is where a search has stopped: the log it read last, and the last
// event in it that was complete, whether or not it was found.
//
// The file has three lines:
//
//	dev=0xFE00
//	inode=10297485
//	output=NODE 1700000040.000:4 0x51B
//
// NODE is "-" for records without one; the last number is the type of the
// event's first record. Events behind that one are those that are new.
type checkpoint struct {
	path   string
	start  mark // from the file; zero: there is no event to pass over
	loaded bool // there was a file
	passed bool // start was seen, or there is none
	lost   *mark
	last   mark // of this run
	files  aulog.FileID
}

// mark names an event.
type mark struct {
	node   string // "-": none
	sec    int64
	milli  uint64
	serial uint64
	typ    uint64
}

func markOf(e *aulog.Event) mark {
	m := mark{node: "-", sec: e.ID.Sec, milli: uint64(e.ID.Milli), serial: uint64(e.ID.Serial)}
	if e.Node != nil {
		m.node = string(e.Node)
	}
	m.typ = uint64(e.Records[0].Type)
	if e.Records[0].Type == aulog.NoType {
		m.typ = uint64(^uint32(0)) // stock's -1
	}
	return m
}

func (m mark) String() string { return fmt.Sprintf("%d.%03d:%d", m.sec, m.milli, m.serial) }

// loadCheckpoint reads the file, if there is one, and obeys -ts checkpoint.
func (s *searcher) loadCheckpoint() error {
	c := &checkpoint{path: s.opts.checkpoint, last: mark{node: "-"}}
	s.check = c
	text, err := os.ReadFile(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.passed = true
		return nil
	case err != nil:
		return argErrorf("Missing dev/inode lines from checkpoint file %s", c.path)
	}
	if err := c.parse(text); err != nil {
		return err
	}
	c.loaded = true
	c.passed = c.start.typ == 0 || s.opts.startIsCheck
	if s.opts.startIsCheck {
		s.opts.query.span.Start = c.start.sec
	}
	return nil
}

// chooseFiles passes over the logs before the one that the checkpoint names. A
// file that was given by name is taken as it is; standard input has no place
// that could be kept.
func (s *searcher) chooseFiles() int {
	c := s.check
	if s.input.Stdin != nil {
		fmt.Fprint(s.deps.Err, "Warning - checkpointing stdin is not supported") // without newline, as stock
		c.passed = true
		return 0
	}
	if !c.loaded || s.opts.startIsCheck || len(s.input.Files) == 1 && s.input.Files[0] == s.opts.path {
		return 0
	}
	for i, path := range s.input.Files {
		if id, err := aulog.Identify(path); err == nil && id == c.files {
			s.input.Files = s.input.Files[i:]
			return 0
		}
	}
	return exitCheckpointBad
}

// parse reads the file's text.
func (c *checkpoint) parse(text []byte) error {
	dev, inode := false, false
	var unknown error
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		key, value, _ := strings.Cut(line, "=")
		var err error
		switch key {
		case "dev":
			c.files.Dev, err = strconv.ParseUint(value, 0, 64)
			dev = err == nil
		case "inode":
			c.files.Inode, err = strconv.ParseUint(value, 0, 64)
			inode = err == nil
		case "output":
			if err := c.parseOutput(line, value); err != nil {
				return err
			}
		default:
			unknown = argErrorf("Unknown checkpoint line - [%s]", printable(line))
		}
		if err != nil || unknown != nil {
			break
		}
	}
	if !dev || !inode {
		return errors.Join(unknown, argErrorf("Missing dev/inode lines from checkpoint file %s", c.path))
	}
	return unknown
}

func (c *checkpoint) parseOutput(line, value string) error {
	node, rest, ok := strings.Cut(value, " ")
	if !ok || node == "" {
		return argErrorf("Malformed output/event checkpoint line near node - [%s]", printable(line))
	}
	m := mark{node: node}
	var hex string
	if n, err := fmt.Sscanf(rest, "%d.%d:%d 0x%s", &m.sec, &m.milli, &m.serial, &hex); n < 4 || err != nil {
		return afterNode(node)
	}
	for i, r := range hex { // what follows the digits is passed over
		if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			hex = hex[:i]
			break
		}
	}
	typ, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return afterNode(node)
	}
	m.typ = typ
	c.start = m
	return nil
}

func afterNode(node string) error {
	return argErrorf("Malformed output/event checkpoint line after node - [output=%s]", printable(node))
}

// printable makes text of a file harmless on a terminal.
func printable(s string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, []byte(s)))
}

// admit reports whether an event lies behind the checkpoint. done means that the
// search is over, since it never will.
func (c *checkpoint) admit(e *aulog.Event) (ok, done bool) {
	m := markOf(e)
	switch {
	case c.passed:
	case m == c.start:
		c.passed = true
		c.last = m
		return false, false
	case m.sec > c.start.sec:
		c.lost = &m
		return false, true
	default:
		c.last = m
		return false, false
	}
	c.last = m
	return true, false
}

// finish writes the checkpoint, unless the old one could not be found, and
// returns the exit status; 0 if that is for others to say.
func (c *checkpoint) finish(r *aulog.Reader, complain io.Writer) int {
	if c.lost != nil {
		fmt.Fprintf(complain, "Corrupted checkpoint file. Inode match, but newer complete event (%s) found before loaded checkpoint %s\n",
			c.lost, c.start)
		return exitCheckpointLost
	}
	id, ok := r.Last()
	if !ok {
		return 0 // standard input
	}
	text := fmt.Sprintf("dev=0x%X\ninode=%d\noutput=%s %s 0x%X\n", id.Dev, id.Inode, c.last.node, c.last, c.last.typ)
	if err := os.WriteFile(c.path, []byte(text), 0o644); err != nil {
		fmt.Fprintf(complain, "Cannot open checkpoint file - %s: %s\n", c.path, reason(err))
		return exitCheckpointSave
	}
	return 0
}
