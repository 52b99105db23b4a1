package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"vigil/search"
)

// progressBar shows on a terminal how far a scan is.
type progressBar struct {
	mu      sync.Mutex
	w       io.Writer
	on      bool
	started time.Time
	last    time.Time
	shown   bool
}

func newProgressBar(w io.Writer, on bool) *progressBar {
	return &progressBar{w: w, on: on, started: time.Now()}
}

// show is search.Options.Progress: a line that is written over, five times a second,
// from a second after the start on.
func (b *progressBar) show(p search.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.on || now.Sub(b.started) < time.Second || now.Sub(b.last) < 200*time.Millisecond {
		return
	}
	b.last, b.shown = now, true
	rate := float64(p.Done) / now.Sub(b.started).Seconds() / (1 << 20)
	if p.Total > 0 {
		fmt.Fprintf(b.w, "\r\x1b[Kreading: %3d %%, %.0f MiB/s", 100*p.Done/p.Total, rate)
		return
	}
	fmt.Fprintf(b.w, "\r\x1b[Kreading: %d MiB, %.0f MiB/s", p.Done>>20, rate)
}

// clear takes the line away.
func (b *progressBar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		b.shown = false
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
