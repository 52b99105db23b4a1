package sinks

import (
	"maps"
	"slices"
	"sync"

	"vigil/daemon/config"
	"vigil/forward"
	"vigil/trail"
)

// Needs knows in which segment of the trail each sink stands, so that the trail does
// not delete what is still to be sent.
type Needs struct {
	mu       sync.Mutex // held for moments only: the trail's writer asks
	segments map[string]trail.Segment
	list     []trail.Segment // of segments, made anew with each change
}

// ReadNeeds takes the places of sinks from their cursors. One without a cursor needs
// what it is to begin with, one whose cursor cannot be read may need everything.
func ReadNeeds(stateDir string, list []config.Sink) *Needs {
	n := &Needs{segments: make(map[string]trail.Segment)}
	for _, s := range list {
		cursor, ok, err := forward.LoadCursor(forward.CursorPath(stateDir, s.Name))
		switch {
		case err == nil && (cursor.Place == forward.Newest || !ok && s.Start == config.Newest):
		case err != nil || cursor.Place == "":
			n.set(s.Name, trail.Segment{})
		default:
			at, _ := trail.ParsePosition(cursor.Place) // the zero position if it is none
			n.set(s.Name, at.Segment)
		}
	}
	return n
}

// Segments returns the segments in which sinks stand, for [trail.Config].
func (n *Needs) Segments() []trail.Segment {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list
}

func (n *Needs) set(sink string, s trail.Segment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.segments[sink]; ok && old == s {
		return
	}
	n.segments[sink] = s
	n.list = slices.Collect(maps.Values(n.segments))
}

// drop forgets a sink that is no more.
func (n *Needs) drop(sink string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.segments, sink)
	n.list = slices.Collect(maps.Values(n.segments))
}
