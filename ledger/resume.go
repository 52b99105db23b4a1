package ledger

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// Resume goes on from the end of a trail: tail is its last lines
// (trail.Recovery.Tail) and last its last LEDGER line (trail.Recovery.Ledger),
// nil if there is none. If that was written in the same boot, serials that are
// missing after the tail are reported as lost while we were down. Resume belongs
// before the first Observe. It returns the stamp of the newest kernel record, and
// whether counting goes on from it.
func (l *Ledger) Resume(tail, last []byte) (newest audit.ID, same bool) {
	serials := make([]uint32, 0, 512)
	var told []Loss // what the trail says itself to be missing
	for line := range bytes.Lines(tail) {
		r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil || string(r.Node) != l.cfg.Node {
			continue
		}
		if r.Type == tables.TypeLedger {
			if own, err := ParseLine(bytes.TrimSuffix(line, []byte{'\n'})); err == nil && own.Loss.told() {
				told = append(told, own.Loss)
			}
		}
		if !r.Type.FromKernel() {
			continue
		}
		if len(serials) == 0 || before(newest.Serial, r.ID.Serial) {
			newest = r.ID
		}
		serials = append(serials, r.ID.Serial)
	}
	written, err := ParseLine(last)
	if len(serials) == 0 || err != nil || written.Boot != l.cfg.Boot || l.cfg.Boot == "" {
		return newest, false
	}
	// Records of different events interleave, so an event that begins before the
	// tail may have records in it. What is higher than everything in the first
	// half has all its records in the second.
	half := serials[:(len(serials)+1)/2]
	first := half[0]
	for _, s := range half {
		if before(first, s) {
			first = s
		}
	}
	l.gaps.Resume(first + 1)
	for _, s := range serials[len(half):] {
		if before(first, s) {
			l.gaps.Observe(s)
		}
	}
	l.forget(told, first, newest.Serial)
	l.resumed, l.isResumed = newest, true
	return newest, true
}

// forget makes the serials of losses that are in the trail already pass for
// seen, so that a restart does not report them again.
func (l *Ledger) forget(told []Loss, after, newest uint32) {
	for _, loss := range told {
		for s, n := loss.First, min(uint64(loss.Last-loss.First)+1, maxForget); n > 0; s, n = s+1, n-1 {
			if before(after, s) && before(s, newest) {
				l.gaps.Observe(s)
			}
		}
	}
}

// maxForget bounds the work that a line of the trail can make.
const maxForget = 1 << 20
