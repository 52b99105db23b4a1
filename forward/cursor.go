package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vigil/audit"
	"vigil/internal/atomicfile"
)

// Cursor is how far a sink has got. All that lies before Place has been settled, and
// of what lies after it the parts of events that Skip names: records of events
// interleave, so there is no single place between what is settled and what is not.
type Cursor struct {
	Version int    `json:"version"`
	Place   string `json:"place"` // for OpenLog; empty: the oldest line
	Boot    string `json:"boot,omitempty"`
	Last    Stamp  `json:"last,omitzero"` // of the event settled last
	Skip    []Skip `json:"skip,omitempty"`

	// What has become of events, over the life of the cursor.
	Counts Counts `json:"counts"`
}

// Counts say what has become of the events that a sink was to have.
type Counts struct {
	Events   uint64 `json:"events"`   // read
	Filtered uint64 `json:"filtered"` // not wanted by the sink's filter
	Sampled  uint64 `json:"sampled"`  // wanted, and left out by sampling
	// Aggregated are those that another stands for, which is counted where it belongs.
	Aggregated uint64 `json:"aggregated"`
	Accepted   uint64 `json:"accepted"` // by the far end
	Bytes      uint64 `json:"bytes"`    // of the accepted ones, encoded
	Rejected   uint64 `json:"rejected"` // by the far end, or too large for it: they are in the dead-letter file
	Buried     uint64 `json:"buried"`   // rejected, and the dead-letter file could not be written: they are in the trail alone
	Skipped    uint64 `json:"skipped"`  // times that an operator moved the cursor on
	Lost       uint64 `json:"lost"`     // bytes of the trail that were deleted before they could be read
	Losses     uint64 `json:"losses"`   // how often that happened
}

// Skip says that the records of an event that end no later than Until bytes after
// the cursor's place have been settled.
type Skip struct {
	Event Stamp  `json:"event"`
	Node  uint64 `json:"node,omitempty"` // a sum of the node's name
	Until int64  `json:"until"`
}

// Stamp is the stamp of an event in its text form, "SEC.mmm:SERIAL".
type Stamp struct{ audit.ID }

// MarshalText returns the text form; that of the zero stamp is empty.
func (s Stamp) MarshalText() ([]byte, error) {
	if s == (Stamp{}) {
		return nil, nil
	}
	return s.AppendTo(nil), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Stamp) UnmarshalText(text []byte) error {
	*s = Stamp{}
	if len(text) == 0 {
		return nil
	}
	r, err := audit.ParseLine(append(append([]byte("type=EOE msg=audit("), text...), "): "...))
	if err != nil {
		return fmt.Errorf("parse stamp %.60q: %w", text, err)
	}
	s.ID = r.ID
	return nil
}

const cursorVersion = 1

// maxCursor bounds a cursor file: the 8,192 events that an assembler holds at most
// take less.
const maxCursor = 2 << 20

// CursorPath is where the cursor of a sink lies: in the folder "cursors" of the
// state directory.
func CursorPath(stateDir, sink string) string {
	return filepath.Join(stateDir, "cursors", sink+".json")
}

// LoadCursor reads a cursor file; ok is false if there is none yet. An error names
// the file: reading from the start again would send everything twice, and from the
// end would lose what lies between, so it is for a person to choose
// (`vigil forward rewind` or `skip`).
func LoadCursor(path string) (c Cursor, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Cursor{}, false, nil
	}
	if err == nil && len(text) > maxCursor {
		err = errors.New("too large to be a cursor")
	}
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && c.Version != cursorVersion {
		err = fmt.Errorf("version %d, and this Vigil knows %d", c.Version, cursorVersion)
	}
	if err != nil {
		return Cursor{}, false, fmt.Errorf("read cursor %s: %w", path, err)
	}
	return c, true, nil
}

// Save writes the cursor file whole, with mode 0600, and makes the disk sure of it.
func (c *Cursor) Save(path string) error {
	c.Version = cursorVersion
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write cursor %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write cursor: %w", err)
	}
	if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write cursor: %w", err)
	}
	return nil
}
