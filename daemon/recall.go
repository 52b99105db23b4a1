package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"vigil/audit"
	"vigil/trail"
)

// Bounds of what is read of the trail at the start, to learn who has logged in: a
// record takes about a microsecond.
const (
	recalledBytes = 64 << 20
	recallTimeout = 3 * time.Second
)

// recall learns from the trail's last part who has logged in since the machine was
// started, and which processes are of which exec session, and from /proc what runs.
// What cannot be learned is not known: that is no reason not to start.
func (d *daemon) recall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	if err := eachRecent(ctx, d.trail.Path(), recalledBytes, d.attributor.who.Recall); err != nil {
		d.log.Warn("logins of before this start may not be told", "err", err)
	}
	d.attributor.who.Load(ctx)
}

// eachRecent calls take with the records of this boot in the last bytes of a trail.
func eachRecent(ctx context.Context, path string, last int64, take func(audit.Record)) error {
	files, err := trail.Files(path)
	if err != nil {
		return fmt.Errorf("read the trail's last part: %w", err)
	}
	boot := bootTime()
	// The oldest file of which a part is wanted, and from where.
	skip := int64(0)
	for i, f := range slices.Backward(files) {
		if last -= f.Size; last <= 0 {
			files, skip = files[i:], -last
			break
		}
	}
	for _, f := range files {
		err := eachRecord(ctx, f.Path, skip, func(r audit.Record) {
			if !r.ID.Time().Before(boot) {
				take(r)
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may be rotated away meanwhile
			return fmt.Errorf("read the trail's last part: %w", err)
		}
		skip = 0
	}
	return nil
}

// eachRecord calls take with the records of a file from an offset on. Half a line
// there is no record.
func eachRecord(ctx context.Context, path string, from int64, take func(audit.Record)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err
	}
	lines := trail.NewReader(f)
	for n := 0; lines.Next(); n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if r, err := audit.ParseLine(lines.Bytes()); err == nil {
			take(r)
		}
	}
	return lines.Err()
}
