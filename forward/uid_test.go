package forward_test

import (
	"testing"

	"vigil/audit"
	"vigil/forward"
)

// TestUID: receivers drop what they have by it, so it must never change.
func TestUID(t *testing.T) {
	origin := forward.Origin{Host: "0123456789abcdef0123456789abcdef", Boot: "7c56b1a2-0000-0000-0000-000000000001"}
	e := &audit.Event{ID: audit.ID{Sec: 1700000000, Milli: 123, Serial: 456}}
	got := origin.UID(e).String()
	if want := "ab7e5474642d6b730000018bcfe5687b000001c8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	seen := map[string]bool{got: true}
	different := func(o forward.Origin, e *audit.Event) {
		t.Helper()
		uid := o.UID(e).String()
		if seen[uid] {
			t.Errorf("%s is another event's, too", uid)
		}
		seen[uid] = true
	}
	different(forward.Origin{Host: "other", Boot: origin.Boot}, e)
	different(forward.Origin{Host: origin.Host}, e)
	different(forward.Origin{Host: origin.Host + origin.Boot[:1], Boot: origin.Boot[1:]}, e)
	different(origin, &audit.Event{ID: e.ID, Node: []byte("web1")})
	different(origin, &audit.Event{ID: audit.ID{Sec: 1700000000, Milli: 124, Serial: 456}})
	different(origin, &audit.Event{ID: audit.ID{Sec: 1700000000, Milli: 123, Serial: 457}})
	if later := origin.UID(&audit.Event{ID: audit.ID{Sec: 1700000001}}).String(); later <= got {
		t.Errorf("%s of a later event does not sort behind %s", later, got)
	}
}
