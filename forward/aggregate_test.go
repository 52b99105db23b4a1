package forward_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/filter/field"
	"vigil/forward"
	"vigil/forward/aggregate"
)

// standing encodes an event as its serial and those it stands for.
type standing struct{}

func (standing) Append(dst []byte, e forward.Event) []byte {
	dst = fmt.Appendf(dst, "%d", e.ID.Serial)
	if _, serials, ok := strings.Cut(string(e.Records[0].Enrichment), "AGGREGATE_SERIALS="); ok {
		dst = fmt.Appendf(dst, "=%s", serials)
	}
	return dst
}

// by is a program's event of one record.
func by(comm string, serial int) string {
	return fmt.Sprintf("type=ANOM_ABEND msg=%s: pid=1 comm=%q exe=\"/bin/x\" sig=11 res=1", stamp(serial), comm)
}

// together puts events of ls together, for a minute.
func together(t *testing.T) func(*forward.Config) {
	return func(c *forward.Config) {
		t.Helper()
		a, err := aggregate.New([]aggregate.Rule{{Filter: "proc.name = ls", By: []string{"proc.name"}, MaxTime: time.Minute}}, field.Config{})
		if err != nil {
			t.Fatal(err)
		}
		c.Encoder, c.Aggregator = standing{}, a
	}
}

func TestAggregatesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, together(t))
		b.trail.append(by("ls", 1), by("ps", 2), by("ls", 3))
		b.wants("2")
		<-time.After(59 * time.Second)
		if got := b.far.taken(); len(got) != 1 {
			t.Errorf("before the minute is over: %q", got)
		}
		<-time.After(2 * time.Second)
		b.wants("2", "1=1,3")
		b.trail.append(by("ls", 4), by("ls", 5))
		<-time.After(10 * time.Second)
		if err := b.stop(); err != nil { // which waits for no minute
			t.Fatal(err)
		}
		b.wants("2", "1=1,3", "4=4,5")
		c, _, err := forward.LoadCursor(forward.CursorPath(b.dir, "siem"))
		if err != nil || c.Counts.Events != 5 || c.Counts.Accepted != 3 || c.Counts.Aggregated != 2 || len(c.Skip) != 0 {
			t.Errorf("the cursor has %+v, %v", c, err)
		}
		again := start(t, &bench{trail: b.trail, dir: b.dir}, together(t))
		b.trail.append(by("ps", 6))
		<-time.After(2 * time.Minute)
		again.wants("6")
	})
}

// TestAggregatesAfterACrash: what waited in an aggregate is read again, and what was
// sent meanwhile is not sent twice.
func TestAggregatesAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, together(t))
		b.trail.append(by("ls", 1), by("ps", 2), by("ls", 3), by("ps", 4))
		b.wants("2", "4")
		<-time.After(time.Second)
		text, err := os.ReadFile(forward.CursorPath(b.dir, "siem"))
		if err != nil {
			t.Fatal(err)
		}
		crashed := &bench{trail: b.trail, dir: t.TempDir()}
		path := forward.CursorPath(crashed.dir, "siem")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		start(t, crashed, together(t))
		b.trail.append(by("ls", 5))
		<-time.After(2 * time.Minute)
		crashed.wants("1=1,3,5")
	})
}

// TestAggregatesThatAreNotTaken are sent again, when the sink is there again with other
// settings, too.
func TestAggregatesThatAreNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{far: &far{answer: func(*forward.Batch) error { return errors.New("not now") }}}, together(t))
		b.trail.append(by("ls", 1), by("ps", 2), by("ls", 3))
		<-time.After(2 * time.Minute)
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		again := start(t, &bench{trail: b.trail, dir: b.dir}, func(c *forward.Config) { c.Encoder = standing{} })
		again.wants("1", "2", "3")
	})
}

// TestAggregatesThatAreRefused are one dead letter, and hold up nothing.
func TestAggregatesThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{far: &far{answer: func(b *forward.Batch) error {
			if strings.Contains(string(b.Items[0].Data), "=") {
				return &forward.Verdicts{Rejected: []forward.Rejection{{Index: 0, Reason: "no lists"}}}
			}
			return nil
		}}}, together(t))
		b.trail.append(by("ls", 1), by("ls", 2))
		<-time.After(2 * time.Minute)
		b.trail.append(by("ps", 3))
		b.wants("3")
		<-time.After(time.Second)
		if s := b.Status(); s.Open != 0 || s.Counts.Rejected != 1 || s.Counts.Aggregated != 1 {
			t.Errorf("got %+v", s)
		}
		if diff := cmp.Diff(b.letters()[0].Text, "1=1,2"); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
	})
}

// TestAggregatesDoNotSpan too much of the trail: the cursor must not grow.
func TestAggregatesDoNotSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, &bench{}, together(t))
		lines := []string{by("ls", 1)}
		for i := 2; i <= 6000; i++ {
			lines = append(lines, by("ps", i))
		}
		b.trail.append(append(lines, by("ls", 6001))...)
		eventually(10*time.Second, func() bool { return b.Status().Counts.Accepted >= 6000 })
		got := b.far.taken()
		if len(got) != 6000 {
			t.Fatalf("%d taken", len(got))
		}
		found := false
		for i, one := range got {
			if one == "1" {
				found = true
				if i < 4000 || i > 5000 {
					t.Errorf("it came as number %d", i)
				}
			}
		}
		if !found {
			t.Error("the first did not come")
		}
	})
}
