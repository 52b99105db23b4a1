package forward_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"vigil/forward"
)

// memory is a trail in memory, as one sees it who opened it at begin.
type memory struct {
	trail *trail
	begin int64 // where reading began
	at    int64
	line  []byte
	lost  int64
	files int64
}

// trail is what memories read. Bytes before gone have been deleted.
type trail struct {
	mu      sync.Mutex
	text    []byte
	gone    int64
	changed chan struct{}
}

func newTrail() *trail { return &trail{changed: make(chan struct{})} }

func (t *trail) append(lines ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range lines {
		t.text = append(append(t.text, l...), '\n')
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// remove deletes what there is so far.
func (t *trail) remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = int64(len(t.text))
}

func (t *trail) open(place string) (forward.Log, error) {
	m := &memory{trail: t}
	switch place {
	case "":
		m.begin = t.gone
	case forward.Newest:
		m.begin = int64(len(t.text))
	default:
		var err error
		if m.begin, err = strconv.ParseInt(place, 10, 64); err != nil {
			return nil, fmt.Errorf("open %q: %w", place, err)
		}
	}
	m.at = m.begin
	return m, nil
}

func (m *memory) Next() bool {
	m.trail.mu.Lock()
	defer m.trail.mu.Unlock()
	if gone := m.trail.gone; m.at < gone {
		m.lost, m.files = m.lost+gone-m.at, m.files+1
		m.begin += gone - m.at
		m.at = gone
	}
	rest := string(m.trail.text[m.at:])
	line, _, ok := strings.Cut(rest, "\n")
	if !ok {
		return false
	}
	m.line = []byte(line)
	m.at += int64(len(line)) + 1
	return true
}

func (m *memory) Bytes() []byte                 { return m.line }
func (m *memory) Err() error                    { return nil }
func (m *memory) Offset() int64                 { return m.at - m.begin }
func (m *memory) Lost() (bytes, files int64)    { return m.lost, m.files }
func (m *memory) Files() int                    { return int(m.files) + 1 }
func (m *memory) Forget(int64)                  {}
func (m *memory) Close() error                  { return nil }
func (m *memory) Place(o int64) (string, error) { return strconv.FormatInt(m.begin+o, 10), nil }

func (m *memory) Behind() int64 {
	m.trail.mu.Lock()
	defer m.trail.mu.Unlock()
	return int64(len(m.trail.text)) - m.at
}

func (m *memory) Changed() <-chan struct{} {
	m.trail.mu.Lock()
	defer m.trail.mu.Unlock()
	return m.trail.changed
}

// far is a far end that does as answer says, or takes everything.
type far struct {
	limits forward.Limits
	answer func(b *forward.Batch) error // nil: takes all
	// standing says whether the connection stands; nil: it does.
	standing func() error

	mu      sync.Mutex
	got     []string // the data of the items taken, in order
	batches int
	closed  bool
}

func (f *far) Limits() forward.Limits { return f.limits }

func (f *far) Send(_ context.Context, b *forward.Batch) error {
	var err error
	if f.answer != nil {
		err = f.answer(b)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches++
	for i, it := range b.Items {
		if took(err, i) {
			f.got = append(f.got, string(it.Data))
		}
	}
	return err
}

func (f *far) Standing() error {
	if f.standing != nil {
		return f.standing()
	}
	return nil
}

func (f *far) Close() error { f.closed = true; return nil }

func (f *far) taken() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.got...)
}

// took reports whether a far end that answers with err has taken item i.
func took(err error, i int) bool {
	v, ok := err.(*forward.Verdicts)
	if !ok {
		return err == nil
	}
	for _, r := range v.Rejected {
		if r.Index == i {
			return false
		}
	}
	for _, a := range v.Again {
		if a == i {
			return false
		}
	}
	return true
}

// serials encodes an event as its serial and its number of records.
type serials struct{}

func (serials) Append(dst []byte, e forward.Event) []byte {
	return fmt.Appendf(dst, "%d/%d", e.ID.Serial, len(e.Records))
}

// stamp is the text of an event's stamp.
func stamp(serial int) string { return fmt.Sprintf("audit(1700000000.%03d:%d)", serial%1000, serial) }

// call is a system call of two records.
func call(serial int) []string {
	return []string{
		"type=SYSCALL msg=" + stamp(serial) + ": arch=c000003e syscall=59 success=yes exit=0 pid=1",
		"type=PROCTITLE msg=" + stamp(serial) + ": proctitle=2F62696E2F6C73",
	}
}

// user is an event of one record.
func user(serial int) string {
	return "type=USER msg=" + stamp(serial) + ": pid=1 uid=0 msg='op=test res=success'"
}

// eventually waits, on the clock of the test, until cond holds.
func eventually(d time.Duration, cond func() bool) bool {
	for range d / (5 * time.Millisecond) {
		if cond() {
			return true
		}
		<-time.After(5 * time.Millisecond)
	}
	return cond()
}
