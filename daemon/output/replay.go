package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// maxLine is the longest line that can be an audit record: the kernel's
	// 8970 bytes (MAX_AUDIT_MESSAGE_LENGTH), a node name, and enrichment, with
	// plenty to spare. Longer ones are skipped and counted.
	maxLine = 64 << 10

	blockSize = 1 << 20

	// quiet is how long a pipe may say nothing before the events that wait for
	// more of it are printed: auditd's end_of_event_timeout.
	quiet = 2 * time.Second
)

// Replay prints the events of an audit log, those of a pipe as they come to their
// end, or when it is quiet for two seconds. It ends at the end of r, when ctx does,
// or with an error of reading or of printing; a read of r that is under way then
// goes on. Events that are still open may go on in another log: after the last one,
// Flush prints them.
func Replay(ctx context.Context, r io.Reader, p *Printer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	blocks, free := make(chan block), make(chan []byte, 2)
	free <- make([]byte, blockSize)
	free <- make([]byte, blockSize)
	go readBlocks(ctx, r, blocks, free)

	lines := lineCutter{printer: p}
	idle := time.NewTimer(quiet)
	defer idle.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-idle.C:
			if err := p.Flush(); err != nil {
				return err
			}
		case b := <-blocks:
			if err := lines.take(b.bytes); err != nil {
				return err
			}
			if b.err != nil {
				return errors.Join(lines.end(), readError(b.err))
			}
			// A pipe on which something always trickles is never quiet.
			if p.write(); p.err != nil {
				return p.err
			}
			free <- b.bytes[:cap(b.bytes)]
			idle.Reset(quiet)
		}
	}
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read log: %w", err)
}

// block is what one read gave; with err it is the last.
type block struct {
	bytes []byte
	err   error
}

// readBlocks reads beside the printing, so that it uses a second processor.
func readBlocks(ctx context.Context, r io.Reader, blocks chan<- block, free <-chan []byte) {
	for {
		var buffer []byte
		select {
		case buffer = <-free:
		case <-ctx.Done():
			return
		}
		n, err := r.Read(buffer)
		select {
		case blocks <- block{buffer[:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// lineCutter cuts blocks into lines.
type lineCutter struct {
	printer  *Printer
	rest     []byte // the beginning of a line whose end is in a later block
	overlong bool   // rest was too long; the line is skipped to its end
}

func (c *lineCutter) take(b []byte) error {
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			c.keep(b)
			return nil
		}
		line := b[:i]
		if len(c.rest) > 0 || c.overlong {
			c.keep(line)
			line = c.rest
		}
		if err := c.line(line); err != nil {
			return err
		}
		b = b[i+1:]
	}
}

// keep puts the beginning of a line aside, unless it is too long to matter.
func (c *lineCutter) keep(b []byte) {
	if c.overlong || len(c.rest)+len(b) > maxLine {
		c.rest, c.overlong = c.rest[:0], len(b) > 0 || c.overlong
		return
	}
	c.rest = append(c.rest, b...)
}

func (c *lineCutter) line(line []byte) error {
	skip := c.overlong || len(line) > maxLine
	c.overlong = false
	c.rest = c.rest[:0]
	if skip {
		c.printer.stats.Lines++
		c.printer.stats.Skipped++
		return nil
	}
	return c.printer.Line(line, time.Time{})
}

// end takes a last line that has no newline.
func (c *lineCutter) end() error {
	if len(c.rest) == 0 && !c.overlong {
		return nil
	}
	return c.line(c.rest)
}
