package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/daemon/output"
	"vigil/ledger"
	"vigil/trail"
)

// console prints the trail's events as they are written. Like every output it
// reads the trail at its own speed: a terminal that is stopped keeps nothing
// waiting but itself.
type console struct {
	reader  *trail.LiveReader
	writer  *trail.Writer
	printer *output.Printer
	log     *slog.Logger
	lost    trail.Lost // as last told
}

// newConsole begins at the present end of the trail.
func newConsole(writer *trail.Writer, w io.Writer, o output.Options, log *slog.Logger) (*console, error) {
	c := &console{
		reader:  trail.OpenLiveAtEnd(writer.Path()),
		writer:  writer,
		printer: output.NewPrinter(w, o),
		log:     log,
	}
	if c.reader.Next(); c.reader.Err() != nil { // finds the end
		return nil, fmt.Errorf("read the trail for the output: %w", c.reader.Err())
	}
	return c, nil
}

// consolePause is how often events are printed for which nothing more comes.
const consolePause = 50 * time.Millisecond

// run prints until the trail is closed and everything in it is printed, or until
// ctx ends, which is for the case that nobody takes the output any more. It
// returns the error of reading or printing that ended it.
func (c *console) run(ctx context.Context, closed <-chan struct{}) error {
	defer c.reader.Close() //nolint:errcheck // only read
	tick := time.NewTicker(consolePause)
	defer tick.Stop()
	for {
		changed := c.writer.Changed()
		last := isClosed(closed)
		if err := c.print(ctx); err != nil {
			return err
		}
		if last {
			return c.printer.Flush()
		}
		select {
		case <-changed:
		case <-closed:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// print prints what there is.
func (c *console) print(ctx context.Context) error {
	for c.reader.Next() {
		if err := c.printer.Line(c.reader.Bytes(), time.Now()); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	if lost := c.reader.Stats().Lost; lost != c.lost {
		c.log.Warn("the output was slower than the trail's rotation and missed records",
			"segments", lost.Segments-c.lost.Segments, "bytes", lost.Bytes-c.lost.Bytes,
			"fix", "more or larger trail files, or a faster reader of the output")
		c.lost = lost
	}
	if c.reader.Err() != nil {
		return fmt.Errorf("read the trail for the output: %w", c.reader.Err())
	}
	return c.printer.Expire(time.Now())
}

// housekeeping returns a filter for events that tell a person at the terminal
// nothing: the changes that the daemon pid itself makes, a hundred lines at each
// start and end, and its books, but for losses. The kernel audits no system call
// of the registered daemon (kernel/auditsc.c, audit_filter_syscall with
// auditd_test_task), so its changes stand alone, while those of auditctl come
// with a SYSCALL record. The trail has them all.
func housekeeping(pid int) func(*audit.Event) bool {
	own := strconv.Itoa(pid)
	return func(e *audit.Event) bool {
		if r, ok := e.First(tables.TypeLedger); ok {
			op, _ := r.Get("op")
			return string(op.Value) != string(ledger.Lost)
		}
		if _, ok := e.First(tables.TypeConfigChange); !ok {
			return false
		}
		call, ok := e.First(tables.TypeSyscall)
		if !ok {
			return len(e.Records) == 1
		}
		by, _ := call.Get("pid")
		return string(by.Value) == own
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
