package sinks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"vigil/audit"
	"vigil/daemon/config"
	"vigil/forward"
)

// Result is how a test of a sink went.
type Result struct {
	UID  forward.UID
	Sent []byte // what was sent
	Took time.Duration
}

// Test sends one event that says it is a test, and returns when the far end has taken
// it. The error is what came back.
func Test(ctx context.Context, s config.Sink, c Config) (r Result, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	sink, encoder, err := c.open(ctx, s)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	now := time.Now()
	e, err := testEvent(now)
	if err != nil {
		return r, err
	}
	r.UID = forward.Origin{Host: c.Machine}.UID(e)
	r.Sent = encoder.Append(nil, forward.Event{Event: e, UID: r.UID})
	if len(r.Sent) == 0 {
		return r, errors.New("the sink's format makes nothing of the test event")
	}
	batch := &forward.Batch{Items: []forward.Item{{UID: r.UID, ID: e.ID, Data: r.Sent}}}
	if err := sink.Send(ctx, batch); err != nil {
		return r, err
	}
	if standing, ok := sink.(forward.Standing); ok {
		select { // what is said to nobody is not said at once
		case <-time.After(sink.Limits().Hold):
		case <-ctx.Done():
		}
		if err := standing.Standing(); err != nil {
			return r, err
		}
	}
	r.Took = time.Since(now)
	return r, nil
}

// testEvent is an event as a program sends them (audit_log_user_message(3)).
func testEvent(now time.Time) (*audit.Event, error) {
	line := fmt.Sprintf("type=USER msg=audit(%d.%03d:0): pid=%d uid=%d auid=4294967295 ses=4294967295 msg='op=vigil-test comm=\"vigil\" exe=\"vigil\" res=success'",
		now.Unix(), now.Nanosecond()/1e6, os.Getpid(), os.Getuid())
	record, err := audit.ParseLine([]byte(line))
	if err != nil {
		return nil, err
	}
	return &audit.Event{ID: record.ID, Records: []audit.Record{record}, End: audit.EndSingle}, nil
}
