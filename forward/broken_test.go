package forward_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/forward"
)

// TestOrderAfterABreak: what was held on a connection that broke is sent again before
// what it broke with, however short the wait is.
func TestOrderAfterABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		b := &bench{trail: newTrail(), far: &far{limits: forward.Limits{MaxEvents: 1, Hold: time.Minute}}}
		b.far.answer = func(b *forward.Batch) error {
			if sent = append(sent, string(b.Items[0].Data)); len(sent) == 2 {
				return &forward.Broken{Err: errors.New("it is gone")}
			}
			return nil
		}
		b.trail.append(user(1), user(2), user(3))
		start(t, b, func(c *forward.Config) { c.Backoff = forward.Backoff{First: 1, Max: 1} })
		<-time.After(10 * time.Second)
		if diff := cmp.Diff(sent, []string{"1/1", "2/1", "1/1", "2/1", "3/1"}); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
	})
}
