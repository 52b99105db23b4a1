package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Open connects to the audit engine as cfg says. A daemon is registered when it
// returns, with auditing on; records wait in the socket from then on. The
// Source keeps a control socket of its own, and a goroutine that watches the
// registration until Drain or Close.
//
// Errors: *SetupError, *HeldError, or what the system said.
func Open(ctx context.Context, cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	env := environment(cfg.ProcRoot)
	s := &Source{
		cfg: cfg, env: env, pid: uint32(os.Getpid()), gather: cfg.Gather,
		batch: make([]Message, 0, batchLimit), arena: make([]byte, 0, arenaSize),
		notices: make(chan error, 8), kicked: make(chan string, 1),
		watching: make(chan struct{}),
	}
	ctl, err := DialControl(ctx, ControlConfig{ProcRoot: cfg.ProcRoot, Dial: cfg.Dial})
	if err != nil {
		return nil, err
	}
	s.ctl = ctl
	status, err := ctl.Status(ctx)
	mode, why, err := s.decide(status, err)
	if err == nil {
		err = s.openSocket(ctx)
	}
	if err == nil {
		err = s.start(ctx, mode, why, status)
	}
	if err != nil {
		s.abandon()
		return nil, err
	}
	// The watcher outlives the call; Drain stops it.
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go s.watch(watching)
	return s, nil
}

// decide picks the mode. statusErr says why the engine's status could not be
// read, which an observer can do without.
func (s *Source) decide(status Status, statusErr error) (Mode, string, error) {
	if statusErr != nil {
		var setup *SetupError
		blind := errors.As(statusErr, &setup) && (setup.Missing == MissingCapability || setup.Missing == MissingPIDNS)
		if s.cfg.Mode == Daemon || !blind {
			return 0, "", statusErr
		}
		s.ctl.Close()
		s.ctl = nil
		if s.cfg.Mode == Observer {
			return Observer, "as configured", nil
		}
		why, _ := setup.advice()
		return Observer, why, nil
	}
	held := status.PID != 0 && (status.PID == s.pid || s.env.alive(int(status.PID)))
	comm := s.env.comm(int(status.PID))
	switch {
	case s.cfg.Mode == Observer:
		return Observer, "as configured", nil
	case !held && s.cfg.Mode == Daemon:
		return Daemon, "as configured", nil
	case !held && status.PID == 0:
		return Daemon, "nobody holds the registration", nil
	case !held:
		return Daemon, fmt.Sprintf("the registration's holder (pid %d) is gone", status.PID), nil
	case s.cfg.Mode == Daemon:
		return 0, "", &HeldError{PID: int(status.PID), Comm: comm}
	}
	s.holder = HeldError{PID: int(status.PID), Comm: comm}
	return Observer, s.holder.who() + " holds the registration", nil
}

// openSocket opens the socket that records come in by.
func (s *Source) openSocket(ctx context.Context) error {
	if s.cfg.Dial != nil {
		sock, err := s.cfg.Dial(ctx)
		if err != nil {
			return diagnose("open audit socket", err, capAuditControl, s.env)
		}
		s.sock = sock
	} else {
		sock, place, err := dialHost(s.env)
		if err != nil {
			return diagnose("open audit socket", err, capAuditControl, s.env)
		}
		s.sock, s.place = sock, place
	}
	got, err := s.sock.Buffer(s.cfg.ReceiveBuffer)
	if err != nil {
		return err
	}
	s.n.receiveBuffer.Store(int64(got))
	if got < s.cfg.ReceiveBuffer {
		s.cfg.Logger.Warn("audit receive buffer is smaller than asked for: storms may stall the system or lose records",
			"asked", s.cfg.ReceiveBuffer, "granted", got, "fix", "give CAP_NET_ADMIN, or raise net.core.rmem_max")
	}
	if got < gatherBuffer {
		s.gather = 0
	}
	return nil
}

// start becomes what mode says.
func (s *Source) start(ctx context.Context, mode Mode, why string, status Status) error {
	if mode == Daemon {
		err := s.becomeDaemon(ctx, why, status)
		var held *HeldError
		if !errors.As(err, &held) || s.cfg.Mode != Auto {
			return err
		}
		// Somebody was faster, or a dead daemon's child has its socket.
		s.holder = *held
		why = held.who() + " holds the registration"
	}
	if err := s.observe(); err != nil {
		return err
	}
	s.enter(Observer, why)
	return nil
}

// becomeDaemon registers, and changes of the engine's settings what a daemon
// must.
func (s *Source) becomeDaemon(ctx context.Context, why string, status Status) error {
	if s.place.failed != nil {
		s.cfg.Logger.Info("audit socket stays in this network namespace: records come in nevertheless, but not as an observer",
			"reason", s.place.failed)
	}
	if err := s.adjust(ctx, status); err != nil {
		return err
	}
	if err := s.register(ctx); err != nil {
		return errors.Join(err, s.restore(ctx))
	}
	s.waitedMore(status)
	s.enter(Daemon, why)
	// After registering, so that no record is made for which nobody waits.
	if err := s.enable(ctx, status); err != nil {
		return errors.Join(err, s.ctl.Unregister(ctx), s.restore(ctx))
	}
	return nil
}

// register asks for the registration and looks whether it was given. The
// acknowledgement, which would come in among records, is not asked for.
func (s *Source) register(ctx context.Context) error {
	if err := s.sock.Send(appendMessage(nil, typeSet, flagRequest, 0, pidPayload(s.pid))); err != nil {
		return diagnose("register as audit daemon", err, capAuditControl, s.env)
	}
	status, err := s.ctl.Status(ctx)
	if err != nil {
		return err
	}
	switch status.PID {
	case s.pid:
		s.n.registrations.Add(1)
		return nil
	case 0:
		return errors.New("register as audit daemon: the kernel refused, for a reason of its own")
	}
	return &HeldError{PID: int(status.PID), Comm: s.env.comm(int(status.PID))}
}

// abandon closes what Open has opened when it fails.
func (s *Source) abandon() {
	if s.sock != nil {
		s.sock.Close()
	}
	if s.ctl != nil {
		s.ctl.Close()
	}
}

// enter records what the Source is now.
func (s *Source) enter(mode Mode, why string) {
	s.why.Store(&why)
	s.mode.Store(uint32(mode))
	s.cfg.Logger.Info("reading audit records", "mode", mode.String(), "because", why)
}

// observe joins the multicast group.
func (s *Source) observe() error {
	if s.wantsBack() {
		s.twinning.Store(true)
	}
	if s.place.failed != nil {
		return &SetupError{Op: "observe audit records", Missing: MissingNetNS, Err: s.place.failed}
	}
	if err := s.sock.Member(true); err != nil {
		return diagnose("join audit multicast group", err, capAuditRead, s.env)
	}
	return nil
}

const (
	// quietTime bounds the wait for the kernel's backlog to empty.
	quietTime = time.Second

	// closeTimeout bounds what Close asks of the engine.
	closeTimeout = 2 * time.Second
)

// Drain ends the stream in order: it turns auditing off if Open turned it on,
// waits, up to a second, until the kernel has delivered what it has queued,
// unregisters, and puts back the settings Open changed (backlog_limit,
// rate_limit) unless somebody has changed them since. Read, which may go on
// meanwhile, returns what has arrived and then io.EOF.
//
// An observer waits likewise and leaves its group. One whose registration was
// taken changes nothing: the settings are the new daemon's.
//
// It needs a living context; the one whose end made you stop will not do. Only
// the first call does anything; all return its error.
func (s *Source) Drain(ctx context.Context) error {
	s.draining.Do(func() {
		s.stop()
		<-s.watching
		s.drainErr = s.leave(ctx)
		s.unregisterd.Store(true)
		s.sock.Wake()
	})
	return s.drainErr
}

// leave stops the kernel from sending.
func (s *Source) leave(ctx context.Context) error {
	if s.Mode() == Observer {
		s.settle(ctx)
		return s.sock.Member(false)
	}
	var errs []error
	errs = append(errs, s.disable(ctx))
	s.settle(ctx)
	err := s.ctl.Unregister(ctx)
	if errors.Is(err, syscall.EACCES) {
		return nil // it was taken in this very moment
	}
	errs = append(errs, err, s.restore(ctx))
	if s.leaving.Load() {
		errs = append(errs, s.sock.Member(false))
	}
	return errors.Join(errs...)
}

// settle waits until the kernel has nothing queued.
func (s *Source) settle(ctx context.Context) {
	if s.ctl == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	if s.stalled.Load() {
		// The retry queue does not show in the backlog, and unregistering
		// drops it: a poke that comes back says that it is empty.
		s.poke(ctx, "drain")
	}
	for {
		status, err := s.ctl.Status(ctx)
		if err != nil || status.Backlog == 0 {
			return
		}
		select {
		case <-time.After(settleTime):
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the stream, in order if Drain was not called, and closes the
// sockets. What has not been read is gone. It waits for a Read under way.
func (s *Source) Close() error {
	var err error
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = s.Drain(ctx)
		s.closed.Store(true)
		s.sock.Wake()
		s.reading.Lock()
		defer s.reading.Unlock()
		if s.unwatch != nil {
			s.unwatch()
		}
		err = errors.Join(err, s.sock.Close())
		if s.ctl != nil {
			err = errors.Join(err, s.ctl.Close())
		}
	})
	return err
}
