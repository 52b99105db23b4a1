package who

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// Recall learns from a record that an earlier run has written to the trail, in the same boot: who has logged in since, and
// which of the processes that still run are of which exec session. The records come in their order, and before Append and
// Observe are called.
func (w *Who) Recall(r audit.Record) {
	w.logins.Observe(r)
	if w.cfg.Boot == 0 || !bytes.Contains(r.Enrichment, []byte(attribution.KeyEntryID+"=")) || !bearsProcess(r.Type) || !w.read(r) {
		return
	}
	var a attribution.Attribution
	if !attribution.Parse(r, &a) || a.Entry == nil || a.Entry.ID == "" || a.Start < w.cfg.Boot {
		return
	}
	q := Query{ID: stamp(time.Now()), PID: w.q.PID}
	w.p = Process{}
	if !w.processes.Lookup(&q, &w.p) {
		return
	}
	// Each run computes anew when the machine has booted, by clocks that are adjusted meanwhile.
	if since := int64(a.Start-w.cfg.Boot) - int64(w.p.Start); w.p.Start != 0 && -sameStart < since && since < sameStart {
		w.entries.Recall(&w.p.Process, a.Entry)
	}
}

// sameStart is how far apart two accounts may be of when one process was made, nanoseconds. A pid does not come again
// within it, unless there are very few.
const sameStart = int64(time.Second)

// Load learns what the processes run that run already, and which logins systemd knows of, so that what they do from now on
// is told with forebears and persons. It returns when it has, or when ctx ends; it must be called before Append, Observe
// and Run.
func (w *Who) Load(ctx context.Context) {
	w.logins.Load(w.cfg.Containers.Host)
	dir, err := os.Open(w.cfg.Tree.Proc)
	if err != nil {
		return
	}
	defer dir.Close()
	for ctx.Err() == nil {
		names, err := dir.Readdirnames(256)
		for _, name := range names {
			pid, err := strconv.ParseUint(name, 10, 31)
			if err != nil || ctx.Err() != nil {
				continue
			}
			w.p = Process{}
			if w.processes.Lookup(&Query{ID: stamp(time.Now()), PID: uint32(pid)}, &w.p) && w.p.Start != 0 {
				w.tree.Load(&w.p.Process)
			}
		}
		if err != nil {
			return
		}
	}
}

// stamp is the stamp that an event of now would have.
func stamp(now time.Time) audit.ID {
	return audit.ID{Sec: now.Unix(), Milli: uint16(now.Nanosecond() / int(time.Millisecond))}
}
