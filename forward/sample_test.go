package forward_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/forward"
)

// TestDraw: what is in a sample today is in it for ever.
func TestDraw(t *testing.T) {
	origin := forward.Origin{Host: "0123456789abcdef0123456789abcdef", Boot: "7c56b1a2-0000-0000-0000-000000000001"}
	var got []string
	for serial := range uint32(3) {
		u := origin.UID(&audit.Event{ID: audit.ID{Sec: 1700000000, Milli: 123, Serial: serial}})
		got = append(got, fmt.Sprintf("%.9f", u.Draw()))
	}
	if diff := cmp.Diff(got, []string{"0.875250484", "0.082653428", "0.244306905"}); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

// TestDrawsAreEven: a sample of a tenth is a tenth, of events that follow each other in
// serial, in time, and of many hosts.
func TestDrawsAreEven(t *testing.T) {
	const n = 100_000
	for name, event := range map[string]func(i int) forward.UID{
		"serials": func(i int) forward.UID {
			return forward.Origin{Host: "h"}.UID(&audit.Event{ID: audit.ID{Sec: 1700000000, Serial: uint32(i)}})
		},
		"times": func(i int) forward.UID {
			return forward.Origin{Host: "h"}.UID(&audit.Event{ID: audit.ID{Sec: 1700000000 + int64(i), Serial: 7}})
		},
		"hosts": func(i int) forward.UID {
			return forward.Origin{Host: fmt.Sprint(i)}.UID(&audit.Event{ID: audit.ID{Sec: 1700000000, Serial: 7}})
		},
	} {
		var tenths [10]int
		for i := range n {
			tenths[int(event(i).Draw()*10)]++
		}
		for _, k := range tenths {
			if math.Abs(float64(k)-n/10) > 500 { // five standard deviations are 474
				t.Errorf("%s: tenths of %v", name, tenths)
				break
			}
		}
	}
}

// TestSample: what is left out is counted and passed over, and who goes back to the
// start of the trail comes to the same sample.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{trail: newTrail()}
		var want []string
		for i := 1; i <= 100; i++ {
			if i == 50 { // the boot of what lies before is not known
				b.trail.append("type=LEDGER msg=" + stamp(0) + ": boot=7c56b1a2-0000-0000-0000-000000000001")
			}
			b.trail.append(user(i))
		}
		start(t, b, func(c *forward.Config) {
			c.Sample = func(e forward.Event) bool { return e.UID.Draw() < 0.2 }
		})
		settled := func(events uint64) func() bool {
			return func() bool { s := b.Status(); return s.Counts.Events == events && s.State == forward.Idle }
		}
		eventually(time.Minute, settled(101))
		want = b.far.taken()
		counts := b.Status().Counts
		if counts.Sampled+counts.Accepted != 101 || counts.Accepted != uint64(len(want)) || len(want) < 10 || len(want) > 35 || counts.Filtered != 0 {
			t.Errorf("%d taken, %+v", len(want), counts)
		}
		if err := b.Move(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		eventually(time.Minute, settled(202))
		if diff := cmp.Diff(b.far.taken(), append(want, want...)); diff != "" {
			t.Errorf("the second time (-got +want):\n%s", diff)
		}
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		if c, ok, err := forward.LoadCursor(forward.CursorPath(b.dir, "siem")); err != nil || !ok || c.Counts.Sampled != 2*counts.Sampled {
			t.Errorf("the cursor has %+v, %v", c, err)
		}
	})
}

// uids encodes an event as its UID.
type uids struct{}

func (uids) Append(dst []byte, e forward.Event) []byte { return e.UID.AppendTo(dst) }

// TestUIDsOfWhatIsSentAgain: what is read again, because it was not taken before the
// sink ended, has the UID that it had, though a record of the next boot was read.
func TestUIDsOfWhatIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail := newTrail()
		for i, id := range []string{"00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"} {
			trail.append("type=LEDGER msg="+stamp(10*i)+": boot="+id, user(10*i+1))
		}
		encoded := func(c *forward.Config) { c.Encoder = uids{} }
		whole := start(t, &bench{trail: trail}, encoded)
		eventually(time.Minute, func() bool { return len(whole.far.taken()) >= 4 })
		want := whole.far.taken()

		// One by one, and just the first is taken: by then the second boot has begun.
		b := &bench{trail: trail, far: &far{limits: forward.Limits{MaxEvents: 1}, answer: func(b *forward.Batch) error {
			if string(b.Items[0].Data) != want[0] {
				return errors.New("not now")
			}
			return nil
		}}}
		start(t, b, encoded)
		eventually(time.Minute, func() bool { return b.Status().Counts.Events >= 3 && b.Status().Failures > 0 })
		if err := b.stop(); err != nil {
			t.Fatal(err)
		}
		again := &bench{trail: trail, dir: b.dir}
		start(t, again, encoded)
		again.wants(want[1:]...)
	})
}
