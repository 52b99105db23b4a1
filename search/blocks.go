package search

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"vigil/audit"
	"vigil/filter"
	"vigil/trail"
)

// Block is a piece of a log.
type Block struct {
	Log     int    // index of the log
	File    string // the file, or the stream's name
	Ordinal int    // counted from 0 within the log, in its order
	Bytes   []byte // whole lines, each with its newline; valid during the call only
}

// Blocks hands out all lines of the logs, in pieces and in no order, to as many
// workers as Options says, each with a number of its own from 0: calls with one
// worker number never overlap. A Range only spares parts that cannot be in it; the
// lines must still be looked at. Lines that are too long are left out; whether the
// others are records, scan must find out, and only Files, Bytes, Lines, Long, Torn
// and Damaged of the Stats are counted.
func Blocks(ctx context.Context, logs []Log, o Options, scan func(worker int, b Block) error) (Stats, error) {
	var stats Stats
	for i, l := range logs {
		ordinal := 0
		err := l.lines(ctx, o, &stats, func(file string, text []byte) error {
			b := Block{Log: i, File: file, Ordinal: ordinal, Bytes: text}
			ordinal++
			return scan(0, b)
		})
		if errors.Is(err, ErrStop) {
			break
		}
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

// Scan hands out the events that the options choose, one after another: in the
// order in which they begin in their log, or backwards, and those of several logs
// merged by time. It ends with ctx, with the first error of reading a file or of
// visit, or when there is no more.
func Scan(ctx context.Context, logs []Log, o Options, visit func(*Event) error) (Stats, error) {
	return Each(ctx, logs, o, func(_ int, e *Event) error { return visit(e) })
}

// Each hands out the events that the options choose in no order, to as many workers
// as Options says, each with a number of its own from 0: calls with one worker
// number never overlap.
func Each(ctx context.Context, logs []Log, o Options, visit func(worker int, e *Event) error) (Stats, error) {
	var stats Stats
	var match *filter.Matcher
	if o.Query != nil {
		match = o.Query.program.Matcher(o.Query.config)
	}
	for i, l := range logs {
		var failed error
		out := Event{Log: i}
		a := audit.NewAssembler(audit.AssemblerConfig{Timeout: o.Timeout}, func(e *audit.Event) {
			if failed != nil || !o.Range.Contains(e.ID.Time()) {
				return
			}
			stats.Events++
			if match != nil && !match.Match(e) {
				return
			}
			stats.Matched++
			out.Event = *e
			out.Lines = out.Lines[:0]
			for _, r := range e.Records {
				line := r.AppendLine(nil, r.Node)
				if r.Enrichment != nil {
					line = append(append(line, audit.Separator), r.Enrichment...)
				}
				out.Lines = append(out.Lines, line)
			}
			failed = visit(0, &out)
		})
		err := l.lines(ctx, o, &stats, func(_ string, text []byte) error {
			for line := range bytes.Lines(text) {
				r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte{'\n'}))
				switch {
				case err == nil:
					stats.Records++
					a.Push(r, r.ID.Time())
				case bytes.IndexByte(line, 0) >= 0:
					stats.Skipped.Binary++
				default:
					stats.Skipped.Malformed++
				}
			}
			return failed
		})
		if err == nil {
			a.Flush()
			err = failed
		}
		if errors.Is(err, ErrStop) {
			break
		}
		if err != nil {
			return stats, err
		}
	}
	return stats, nil
}

// lines hands out pieces of the log in its order.
func (l Log) lines(ctx context.Context, o Options, stats *Stats, piece func(file string, text []byte) error) error {
	if l.Stream != nil {
		stats.Files++
		return readLines(ctx, l.Stream, l.Name, o, stats, piece)
	}
	for _, name := range l.Files {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		stats.Files++
		var r io.Reader = f
		magic := make([]byte, 2)
		if n, _ := f.ReadAt(magic, 0); n == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
			if r, err = gzip.NewReader(f); err != nil {
				f.Close()
				return fmt.Errorf("read log %s: %w", name, err)
			}
		}
		err = readLines(ctx, r, name, o, stats, piece)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func readLines(ctx context.Context, src io.Reader, name string, o Options, stats *Stats, piece func(string, []byte) error) error {
	var text []byte
	r := trail.NewReader(src)
	for r.Next() {
		stats.Lines++
		stats.Bytes += int64(len(r.Bytes())) + 1
		text = append(append(text, r.Bytes()...), '\n')
		if len(text) >= max(o.BlockSize, 1<<20) {
			if err := errors.Join(ctx.Err(), piece(name, text)); err != nil {
				return err
			}
			text = text[:0]
		}
	}
	stats.Skipped.Long += uint64(r.Stats().Long)
	if err := r.Err(); err != nil {
		return fmt.Errorf("read log %s: %w", name, err)
	}
	return piece(name, text)
}
