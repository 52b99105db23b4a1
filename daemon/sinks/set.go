package sinks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"vigil/daemon/config"
	"vigil/forward"
	"vigil/forward/format"
)

// Config is what sinks share.
type Config struct {
	Trail    Trail
	StateDir string       // for cursors and dead letters
	Machine  string       // the machine's id, for UIDs
	Host     string       // the host's name
	Names    format.Names // of users and groups; nil: ids stay ids
	Version  string       // of Vigil
	OnLost   func(forward.Lost)
	Log      *slog.Logger

	redactors *redactors // nil: nobody asks what they do
}

// drainTime is what a sink has, when it ends, for what is on its way to arrive.
const drainTime = 2 * time.Second

// Set is the sinks that run.
type Set struct {
	c Config

	mu    sync.Mutex
	sinks []*sink
}

// New returns a Set without sinks.
func New(c Config) *Set {
	c.redactors = &redactors{}
	return &Set{c: c}
}

// sink is a sink that runs.
type sink struct {
	settings config.Sink
	stop     context.CancelFunc
	ended    chan struct{}

	mu     sync.Mutex
	runner *forward.Runner // nil: it could not be made
	fault  error           // why
}

// Check makes each sink once and throws it away, so that what is wrong with one is
// said before anything is touched.
func (s *Set) Check(ctx context.Context, list []config.Sink) error {
	for _, settings := range list {
		made, _, err := s.c.open(ctx, settings)
		if err != nil {
			return err
		}
		if err := made.Close(); err != nil {
			return fmt.Errorf("close sink %s: %w", settings.Name, err)
		}
	}
	return nil
}

// Apply has just the sinks of list run: those whose settings have changed anew.
func (s *Set) Apply(ctx context.Context, list []config.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept, gone []*sink
	for _, old := range s.sinks {
		if slices.ContainsFunc(list, func(n config.Sink) bool { return reflect.DeepEqual(n, old.settings) }) {
			kept = append(kept, old)
		} else {
			gone = append(gone, old)
		}
	}
	stopAll(gone)
	for _, old := range gone {
		if s.c.Trail.Needs != nil {
			s.c.Trail.Needs.drop(old.settings.Name)
		}
	}
	s.sinks = kept
	for _, settings := range list {
		if !slices.ContainsFunc(kept, func(k *sink) bool { return k.settings.Name == settings.Name }) {
			s.sinks = append(s.sinks, s.start(ctx, settings))
		}
	}
}

func stopAll(list []*sink) {
	for _, k := range list {
		k.stop()
	}
	for _, k := range list {
		<-k.ended
	}
}

// start has a sink run until it is stopped.
func (s *Set) start(ctx context.Context, settings config.Sink) *sink {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	k := &sink{settings: settings, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(k.ended)
		s.keep(ctx, k)
	}()
	return k
}

// Bounds of the wait before a sink that has failed is begun again.
const (
	againFirst = time.Second
	againMost  = time.Minute
)

// keep runs a sink, again and again if it fails on our side: the disk is full, or the
// cursor cannot be read.
func (s *Set) keep(ctx context.Context, k *sink) {
	for wait := againFirst; ; wait = min(2*wait, againMost) {
		begun := time.Now()
		err := s.run(ctx, k)
		if ctx.Err() != nil {
			if err != nil {
				s.c.Log.Error("a sink did not end well", "err", err)
			}
			return
		}
		k.failed(err)
		s.c.Log.Error("a sink has failed and is begun again", "err", err, "in", wait.String())
		if time.Since(begun) > againMost {
			wait = againFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (s *Set) run(ctx context.Context, k *sink) error {
	runner, err := s.c.runner(ctx, k.settings)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.runner, k.fault = runner, nil
	k.mu.Unlock()
	return runner.Run(ctx, drainTime)
}

func (k *sink) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.runner, k.fault = nil, err
}

func (k *sink) status() forward.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.runner != nil {
		return k.runner.Status()
	}
	s := forward.Status{Name: k.settings.Name, State: forward.Failed}
	if k.fault != nil {
		s.Error = k.fault.Error()
	}
	return s
}

// Status says how each sink is doing.
func (s *Set) Status() []forward.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]forward.Status, 0, len(s.sinks))
	for _, k := range s.sinks {
		st := k.status()
		st.Type = k.settings.Type
		st.Redacted, st.Redaction = s.c.redactors.status(k.settings.Name)
		list = append(list, st)
	}
	return list
}

// Close gives the sinks until patience is over to send what the trail holds, stops
// them and saves their cursors. Those whose far end takes nothing are not waited for.
func (s *Set) Close(patience time.Duration) {
	deadline := time.Now().Add(patience)
	for s.busy() && time.Now().Before(deadline) {
		<-time.After(10 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stopAll(s.sinks)
	s.sinks = nil
}

func (s *Set) busy() bool {
	return slices.ContainsFunc(s.Status(), func(st forward.Status) bool { return st.State == forward.Sending })
}

// Op is what an operator can ask of a sink.
type Op string

// What can be asked.
const (
	Pause  Op = "pause"
	Resume Op = "resume"
	Rewind Op = "rewind" // to the oldest line of the trail
	Skip   Op = "skip"   // to the newest
)

// Do does what an operator asks of the sink with a name.
func (s *Set) Do(ctx context.Context, name string, op Op) error {
	k, err := s.find(name)
	if err != nil {
		return err
	}
	k.mu.Lock()
	runner, fault := k.runner, k.fault
	k.mu.Unlock()
	if runner == nil {
		return s.mend(k, op, fault)
	}
	switch op {
	case Pause:
		return runner.Pause(ctx)
	case Resume:
		return runner.Resume(ctx)
	case Rewind:
		return runner.Move(ctx, "")
	case Skip:
		return runner.Move(ctx, forward.Newest)
	}
	return fmt.Errorf("no operation %q", string(op))
}

// mend gives a sink that cannot run, because its cursor cannot be read, a new one.
func (s *Set) mend(k *sink, op Op, fault error) error {
	c := forward.Cursor{}
	switch op {
	case Rewind:
	case Skip:
		c.Place = forward.Newest
	default:
		return fmt.Errorf("%s sink %s: it does not run: %w", op, k.settings.Name, fault)
	}
	return c.Save(forward.CursorPath(s.c.StateDir, k.settings.Name))
}

func (s *Set) find(name string) (*sink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, k := range s.sinks {
		if k.settings.Name == name {
			return k, nil
		}
		names = append(names, k.settings.Name)
	}
	if len(names) == 0 {
		return nil, errors.New("no sinks are configured")
	}
	return nil, fmt.Errorf("no sink is called %q: there are %v", name, names)
}
