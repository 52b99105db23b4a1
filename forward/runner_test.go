package forward_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/forward"
)

// bench is a sink at work on a trail in memory.
type bench struct {
	*forward.Runner
	t     *testing.T
	trail *trail
	far   *far
	dir   string
	lost  []forward.Lost
	stop  func() error
}

func start(t *testing.T, b *bench, change func(*forward.Config)) *bench {
	t.Helper()
	b.t = t
	if b.trail == nil {
		b.trail = newTrail()
	}
	if b.far == nil {
		b.far = &far{}
	}
	if b.dir == "" {
		b.dir = t.TempDir()
	}
	c := forward.Config{
		Name: "siem", Sink: b.far, Encoder: serials{}, Open: b.trail.open, Host: "host",
		Cursor: forward.CursorPath(b.dir, "siem"), Dead: forward.DeadLetterPath(b.dir, "siem"),
		OnLost: func(l forward.Lost) { b.lost = append(b.lost, l) },
		Log:    slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&c)
	}
	runner, err := forward.New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.Runner = runner
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx, time.Second) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	b.stop = stop
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// wants waits until the far end has taken just these.
func (b *bench) wants(want ...string) {
	b.t.Helper()
	eventually(time.Minute, func() bool { return len(b.far.taken()) >= len(want) })
	if diff := cmp.Diff(b.far.taken(), want); diff != "" {
		b.t.Errorf("taken (-got +want):\n%s", diff)
	}
}

func (b *bench) letters() (letters []forward.DeadLetter) {
	b.t.Helper()
	text, err := os.ReadFile(forward.DeadLetterPath(b.dir, "siem"))
	if err != nil {
		b.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var l forward.DeadLetter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			b.t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// enrichments encodes an event as what stands behind the separator of its first record.
type enrichments struct{}

func (enrichments) Append(dst []byte, e forward.Event) []byte {
	return append(dst, e.Records[0].Enrichment...)
}

// Events that bear a container's id alone are completed before they are chosen and
// encoded, from what the trail has told of it before.
func TestContainersAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, func(c *forward.Config) {
			c.Encoder = enrichments{}
			c.Want = func(e *audit.Event) bool { return len(e.Records[0].Enrichment) > 0 }
		})
		inside := func(serial int) string { return user(serial) + "\x1dCONTAINER_ID=\"c1\"" }
		b.trail.append(inside(1), "type=CONTAINER msg="+stamp(2)+`: op=known CONTAINER_ID="c1" CONTAINER_NAME="cart"`, inside(3), user(4))
		b.wants(`CONTAINER_ID="c1"`, `CONTAINER_ID="c1" CONTAINER_NAME="cart"`)
	})
}

func TestEventsArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, nil)
		b.trail.append(call(1)...)
		b.trail.append(user(2))
		b.wants("1/2", "2/1")
		b.trail.append(call(3)...)
		b.wants("1/2", "2/1", "3/2")
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if !b.far.closed {
			t.Error("the sink was not closed")
		}
		b.trail.append(user(4))
		start(t, b, nil) // goes on where it was
		b.wants("1/2", "2/1", "3/2", "4/1")
	})
}

// TestInterleaved: the cursor stands within events, of which some have been sent.
func TestInterleaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		b := &bench{far: &far{limits: forward.Limits{MaxEvents: 1}}}
		b.far.answer = func(batch *forward.Batch) error {
			if string(batch.Items[0].Data) == "1/2" {
				<-block
				return errors.New("not now")
			}
			return nil
		}
		start(t, b, nil)
		one, two, three := call(1), call(2), call(3)
		b.trail.append(three[0], two[0], one[0], three[1]) // 3 ends within 1 and 2
		b.wants("3/2")
		eventually(time.Second, func() bool { return b.Status().Counts.Accepted == 1 && b.Status().Last.Serial == 3 })
		b.trail.append(one[1])
		eventually(time.Second, func() bool { return b.Status().InFlight == 1 })
		close(block)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		b.far.answer = nil
		start(t, b, nil)
		b.trail.append(two[1])
		b.wants("3/2", "1/2", "2/2")
	})
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{}}
		failures := 5
		b.far.answer = func(batch *forward.Batch) error {
			if failures > 0 {
				failures--
				return errors.New("no route to host")
			}
			return nil
		}
		start(t, b, nil)
		b.trail.append(user(1))
		eventually(300*time.Millisecond, func() bool { return b.Status().State == forward.Retrying })
		if s := b.Status(); s.State != forward.Retrying || s.Error != "no route to host" || s.Failures == 0 {
			t.Errorf("got %+v", s)
		}
		began := time.Now()
		b.wants("1/1")
		// 250 ms, 500 ms, 1 s, 2 s and 4 s, of each a random part from one half up.
		if took := time.Since(began); took < 3*time.Second || took > 9*time.Second {
			t.Errorf("it took %v", took)
		}
		eventually(time.Second, func() bool { return b.Status().State == forward.Idle })
		if s := b.Status(); s.State != forward.Idle || s.Failures != 0 || s.Error != "" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestLaterIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{}}
		first := true
		b.far.answer = func(*forward.Batch) error {
			if first {
				first = false
				return &forward.Later{After: 20 * time.Second, Err: errors.New("429")}
			}
			return nil
		}
		began := time.Now()
		start(t, b, nil)
		b.trail.append(user(1))
		b.wants("1/1")
		if took := time.Since(began); took < 20*time.Second || took > 22*time.Second {
			t.Errorf("it took %v, want 20 s and little more", took)
		}
	})
}

func TestTooLargeIsHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{}}
		b.far.answer = func(batch *forward.Batch) error {
			if len(batch.Items) > 2 {
				return forward.ErrTooLarge
			}
			for _, it := range batch.Items {
				if it.ID.Serial == 5 {
					return &forward.Refused{Reason: "I do not like 5"}
				}
			}
			return nil
		}
		var want []string
		b.trail = newTrail()
		for i := 1; i <= 8; i++ {
			b.trail.append(user(i))
			if i != 5 {
				want = append(want, fmt.Sprintf("%d/1", i))
			}
		}
		start(t, b, nil)
		b.wants(want...)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		letters := b.letters()
		if len(letters) != 1 || letters[0].Event.Serial != 5 || letters[0].Reason != "refused: I do not like 5" ||
			letters[0].Text != "5/1" || len(letters[0].UID) != 40 {
			t.Errorf("dead letters: %+v", letters)
		}
		if s := b.Status().Counts; s.Accepted != 7 || s.Rejected != 1 || s.Buried != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

func TestVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{}, trail: newTrail()}
		first := true
		b.far.answer = func(batch *forward.Batch) error {
			if !first {
				return nil
			}
			first = false
			return &forward.Verdicts{
				Rejected: []forward.Rejection{{Index: 0, Reason: "a wrong field"}},
				Again:    []int{2}, Err: errors.New("busy"),
			}
		}
		for i := 1; i <= 4; i++ {
			b.trail.append(user(i))
		}
		start(t, b, nil)
		b.wants("2/1", "4/1", "3/1")
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if letters := b.letters(); len(letters) != 1 || letters[0].Reason != "a wrong field" {
			t.Errorf("dead letters: %+v", letters)
		}
		if s := b.Status().Counts; s.Accepted != 3 || s.Rejected != 1 {
			t.Errorf("got %+v", s)
		}
	})
}

// TestLimits: batches are as large as the far end takes them, to the byte.
func TestLimits(t *testing.T) {
	// Each item is 3 bytes and counts 1 more, a batch 2: three of them are 14.
	for _, c := range []struct {
		limits forward.Limits
		want   []int
	}{
		{forward.Limits{MaxBytes: 14, PerEvent: 1, PerBatch: 2}, []int{3, 3, 1}},
		{forward.Limits{MaxBytes: 13, PerEvent: 1, PerBatch: 2}, []int{2, 2, 2, 1}},
		{forward.Limits{MaxBytes: 15, PerEvent: 1, PerBatch: 2}, []int{3, 3, 1}},
		{forward.Limits{MaxEvents: 4}, []int{4, 3}},
		{forward.Limits{MaxEvent: 3}, []int{7}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := &bench{far: &far{limits: c.limits}, trail: newTrail()}
			var sizes []int
			b.far.answer = func(batch *forward.Batch) error { sizes = append(sizes, len(batch.Items)); return nil }
			for i := 1; i <= 7; i++ {
				b.trail.append(user(i))
			}
			start(t, b, nil)
			eventually(time.Second, func() bool { return b.Status().Counts.Accepted == 7 })
			if diff := cmp.Diff(sizes, c.want); diff != "" {
				t.Errorf("%+v (-got +want):\n%s", c.limits, diff)
			}
		})
	}
}

func TestAnEventTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{limits: forward.Limits{MaxEvent: 3}}, trail: newTrail()}
		b.trail.append(user(1), user(10), user(2))
		start(t, b, nil)
		b.wants("1/1", "2/1")
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if letters := b.letters(); len(letters) != 1 ||
			letters[0].Reason != "larger than the far end takes: 4 bytes, and 3 are allowed" {
			t.Errorf("dead letters: %+v", letters)
		}
	})
}

func TestFilterMovesTheCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, func(c *forward.Config) {
			c.Want = func(e *audit.Event) bool { return e.ID.Serial%2 == 0 }
		})
		b.trail.append(user(1), user(2), user(3))
		b.wants("2/1")
		eventually(time.Second, func() bool { return b.Status().Last.Serial == 3 })
		if s := b.Status(); s.Counts.Filtered != 2 || s.Open != 0 {
			t.Errorf("got %+v", s)
		}
	})
}

// TestHold: what a connection may have swallowed is sent again.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{limits: forward.Limits{MaxEvents: 1, Hold: time.Second}}}
		broken := false
		b.far.answer = func(batch *forward.Batch) error {
			if batch.Items[0].ID.Serial == 3 && !broken {
				broken = true
				return &forward.Broken{Err: errors.New("reset by peer")}
			}
			return nil
		}
		start(t, b, nil)
		b.trail.append(user(1))
		<-time.After(3 * time.Second) // 1 is certain by now
		b.trail.append(user(2))
		b.wants("1/1", "2/1")
		b.trail.append(user(3))
		b.wants("1/1", "2/1", "2/1", "3/1")
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		start(t, b, nil)
		b.trail.append(user(4))
		b.wants("1/1", "2/1", "2/1", "3/1", "4/1")
	})
}

// TestHoldIdle: the connection breaks when nothing more is to be sent.
func TestHoldIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{limits: forward.Limits{Hold: time.Second}}}
		broken := false
		b.far.standing = func() error {
			if broken {
				return nil
			}
			broken = true
			return &forward.Broken{Err: errors.New("reset by peer")}
		}
		start(t, b, nil)
		b.trail.append(user(1))
		b.wants("1/1", "1/1")
		<-time.After(3 * time.Second)
		if s := b.Status(); s.Open != 0 || s.State != forward.Idle {
			t.Errorf("got %+v", s)
		}
		b.wants("1/1", "1/1")
	})
}

// TestCrash: after the process was killed, at most what was sent since the cursor was
// saved is sent twice.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{far: &far{limits: forward.Limits{MaxEvents: 1}}}
		start(t, b, nil)
		for i := 1; i <= 100; i++ {
			b.trail.append(user(i))
		}
		eventually(time.Second, func() bool { return len(b.far.taken()) == 100 })
		<-time.After(time.Second)
		saved, err := os.ReadFile(forward.CursorPath(b.dir, "siem"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		// As it was before the leaving.
		if err := os.WriteFile(forward.CursorPath(b.dir, "siem"), saved, 0o600); err != nil {
			t.Fatal(err)
		}
		start(t, b, nil)
		b.trail.append(user(101))
		eventually(time.Second, func() bool { return strings.HasPrefix(last(b.far.taken()), "101") })
		if n := len(b.far.taken()); n != 101 {
			t.Errorf("%d events were taken, want 101", n)
		}
	})
}

func last(s []string) string { return s[len(s)-1] }

func TestLostRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, nil)
		b.trail.append(user(1), user(2))
		b.wants("1/1", "2/1")
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		b.trail.append(user(3), user(4))
		b.trail.remove()
		b.trail.append(user(5))
		start(t, b, nil)
		b.wants("1/1", "2/1", "5/1")
		if len(b.lost) != 1 || b.lost[0].After.Serial != 2 || b.lost[0].Before.Serial != 5 || b.lost[0].Bytes == 0 || b.lost[0].Sink != "siem" {
			t.Errorf("lost: %+v", b.lost)
		}
	})
}

func TestOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, nil)
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		b.trail.append(user(1))
		b.wants("1/1")
		do(b.Pause(t.Context()))
		b.trail.append(user(2))
		<-time.After(time.Minute)
		b.wants("1/1")
		if s := b.Status().State; s != forward.Paused {
			t.Errorf("state %s", s)
		}
		do(b.Resume(t.Context()))
		b.wants("1/1", "2/1")
		do(b.Move(t.Context(), "")) // rewind
		b.wants("1/1", "2/1", "1/1", "2/1")
		do(b.Pause(t.Context()))
		b.trail.append(user(3))
		do(b.Move(t.Context(), forward.Newest)) // skip
		do(b.Resume(t.Context()))
		b.trail.append(user(4))
		b.wants("1/1", "2/1", "1/1", "2/1", "4/1")
		do(b.stop())
	})
}

func TestBrokenCursor(t *testing.T) {
	dir := t.TempDir()
	path := forward.CursorPath(dir, "siem")
	for _, text := range []string{"", "{", `{"version":7}`, `{"version":1,"last":"yesterday"}`, "null"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := forward.New(forward.Config{Name: "siem", Sink: &far{}, Cursor: path, Log: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: got error %v, want one that names %s", text, err, path)
		}
	}
}
