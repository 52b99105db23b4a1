package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"vigil/search"
	"vigil/search/when"
)

// parseRange reads --since and --until; "" is an open end.
func parseRange(since, until string) (r search.Range, err error) {
	clock := when.Clock{Now: time.Now(), Boot: bootTime, Locale: cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_TIME"), os.Getenv("LANG"))}
	if since != "" {
		if r.From, err = clock.Start(since); err != nil {
			return r, fmt.Errorf("--since: %w", err)
		}
	}
	if until != "" {
		if r.To, err = clock.End(until); err != nil {
			return r, fmt.Errorf("--until: %w", err)
		}
	}
	if !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From) {
		return r, fmt.Errorf("--until %s is before --since %s", until, since)
	}
	return r, nil
}

// bootTime is when the kernel was started, btime of proc(5).
func bootTime() (time.Time, error) {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return time.Time{}, fmt.Errorf("find the time of the boot: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20) // the line of interrupts is long
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "btime "); ok {
			if sec, err := strconv.ParseInt(text, 10, 64); err == nil {
				return time.Unix(sec, 0), nil
			}
		}
	}
	return time.Time{}, errors.Join(errors.New("find the time of the boot: no btime in /proc/stat"), lines.Err())
}
