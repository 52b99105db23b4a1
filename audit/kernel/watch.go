package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"vigil/audit/tables"
)

const (
	// askTimeout bounds what the watcher asks of the engine.
	askTimeout = time.Second

	// The reasons of a kick.
	overrun = "overrun" // a delivery failed
	stopped = "stopped" // the reader was late
	probe   = "probe"   // somebody else has asked for our registration
)

// watch looks after the registration and the kernel's queues until ctx ends.
func (s *Source) watch(ctx context.Context) {
	defer close(s.watching)
	if s.ctl == nil {
		return
	}
	tick := time.NewTicker(s.cfg.WatchEvery)
	defer tick.Stop()
	w := watcher{Source: s}
	for {
		select {
		case <-ctx.Done():
			return
		case reason := <-s.kicked:
			if reason != probe && s.Mode() == Daemon {
				w.storm = w.storm || reason == overrun
				w.poke(ctx, reason)
			}
			w.check(ctx, true)
		case <-tick.C:
			w.check(ctx, false)
		}
	}
}

// watcher is what watch remembers from one look to the next.
type watcher struct {
	*Source
	unicast uint64 // counted at the last look
	storm   bool   // the backlog may have been full since we last poked in silence
}

// ask reads the status.
func (s *Source) ask(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return s.ctl.Status(ctx)
}

// check asks who is registered. While records come in by unicast we are, and the
// kernel has better things to do than to answer.
func (w *watcher) check(ctx context.Context, always bool) {
	unicast := w.n.unicast.Load()
	came := unicast - w.unicast
	w.unicast = unicast
	daemon := w.Mode() == Daemon
	if came >= uint64(w.limit)/2 && w.limit != 0 {
		w.storm = true
	}
	if came != 0 && daemon && !always || !daemon && !w.wantsBack() {
		return
	}
	status, err := w.ask(ctx)
	if err != nil {
		w.cfg.Logger.Debug("read audit status", "error", err)
		return
	}
	holder := int(status.PID)
	free := holder == 0 || status.PID != w.pid && !w.env.alive(holder)
	switch {
	case daemon && status.PID == w.pid:
		w.storm = w.waitedMore(status) || w.storm
		if w.storm && came == 0 {
			w.storm = w.release(ctx)
		}
	case daemon && free:
		w.again(ctx)
	case daemon:
		w.lose(holder)
	case free:
		w.retake(ctx)
	default:
		w.holder = HeldError{PID: holder, Comm: w.env.comm(holder)}
	}
}

// release wakes the processes that the kernel holds because its backlog was
// full, now that it is not, and reports whether there were any, so that it is
// worth looking again.
//
// The kernel forgets them in two ways. A process that finds the backlog full
// tests, queues itself and sleeps: if kauditd empties the backlog between the
// first and the last, nobody wakes it (audit.c, audit_log_start). And kauditd
// wakes one at a time, one for each round it makes: if that one is an auditctl,
// held for having spoken in a storm (audit_receive), it makes no record, there
// is no next round, and the others sleep on until backlog_wait_time ends, a
// minute (seen here: 52 s). Each record of ours is a round, and wakes one.
func (w *watcher) release(ctx context.Context) bool {
	n, known := w.env.held()
	if known && n == 0 {
		return false
	}
	before := w.pokes
	for range releaseLimit {
		if !w.sendPoke(ctx, "held") || !w.awaitPoke(ctx, w.pokes) {
			break
		}
		if n, known = w.env.held(); n == 0 {
			break
		}
	}
	if known {
		w.cfg.Logger.Warn("the kernel held processes for a full audit backlog that was empty: woken", "messages", w.pokes-before)
	}
	return known
}

// wantsBack reports whether an observer is to become the daemon when it can.
func (s *Source) wantsBack() bool {
	return s.cfg.OnTaken == TakenRetake && s.cfg.Mode != Observer
}

// again registers once more when the kernel has dropped us although we live
// (audit.c, auditd_reset after a failed delivery).
func (w *watcher) again(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := w.register(ctx); err != nil {
		w.cfg.Logger.Warn("register again as audit daemon", "error", err)
		return
	}
	w.cfg.Logger.Warn("the kernel had dropped our registration: registered again")
}

// lose goes on as an observer.
func (w *watcher) lose(pid int) {
	taken := &TakenError{PID: pid, Comm: w.env.comm(pid)}
	w.holder = HeldError(*taken)
	w.n.taken.Add(1)
	var notice error = taken
	if err := w.observe(); err != nil {
		notice = fmt.Errorf("%w: %w", taken, err)
	}
	w.enter(Observer, holder(pid, taken.Comm)+" took the registration")
	w.notify(notice)
}

// retake registers now that nobody else is registered.
func (w *watcher) retake(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	was := RetakenError(w.holder)
	status, err := w.ctl.Status(ctx)
	if err != nil {
		return
	}
	err = w.becomeDaemon(ctx, w.holder.who()+" let go of the registration", status)
	var held *HeldError
	if errors.As(err, &held) {
		w.holder = *held // somebody was faster
		return
	}
	if err != nil {
		w.cfg.Logger.Warn("take back the audit registration", "error", err)
		return
	}
	w.leaving.Store(true)
	w.notify(&was)
}

// notify hands Read a notice.
func (s *Source) notify(err error) {
	select {
	case s.notices <- err:
	default: // nobody reads; Mode and Why say it too
	}
	s.sock.Wake()
}

// probed handles AUDIT_REPLACE, by which the kernel has seen that we live. It
// carries the pid of whoever wanted to register and is now told EEXIST.
func (s *Source) probed(payload []byte) {
	if len(payload) >= 4 && order.Uint32(payload) != s.pid { // we are asked too, when we unregister
		pid := int(order.Uint32(payload))
		s.cfg.Logger.Info("another process asked for the audit registration, which stays ours", "pid", pid, "comm", s.env.comm(pid))
	}
	s.kick(probe)
}

const (
	// pokeEvery is how long a poke may take to come back before the next one.
	pokeEvery = 500 * time.Millisecond

	// pokeLook is how often to look for it.
	pokeLook = 10 * time.Millisecond

	// pokeLimit ends the poking of a stall that poking does not end, as when a
	// rule excludes user messages.
	pokeLimit = 20

	// releaseLimit bounds the messages that wake held processes.
	releaseLimit = 1000

	// pokeText begins our own user messages.
	pokeText = "op=vigil-wake seq="
)

// poke makes the kernel look at its queues, until the message that does so comes
// back, and with it all that was before it. A record has to be queued for that:
// kauditd sleeps on unless its main queue has something, whatever it is woken
// for (audit.c, kauditd_thread), and all that puts a record there shows in the
// stream. A user message says best what it is:
//
//	type=USER msg=audit(...): pid=... msg='op=vigil-wake seq=1 reason=overrun res=success'
func (s *Source) poke(ctx context.Context, reason string) {
	for range pokeLimit {
		if !s.sendPoke(ctx, reason) {
			return
		}
		if s.awaitPoke(ctx, s.pokes) {
			s.stalled.Store(false)
			return
		}
	}
	s.cfg.Logger.Warn("audit queue does not move: a message of ours does not come back", "reason", reason)
}

// sendPoke sends one.
func (s *Source) sendPoke(ctx context.Context, reason string) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	s.pokes++
	text := pokeText + strconv.FormatUint(uint64(s.pokes), 10) + " reason=" + reason + " res=success"
	err := s.ctl.SendUser(ctx, tables.TypeUser, text)
	// Held means sent: the kernel queues first and holds afterwards.
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.cfg.Logger.Warn("wake the kernel's audit queue", "error", err)
		return false
	}
	s.n.pokes.Add(1)
	return true
}

// awaitPoke waits for one to come back.
func (s *Source) awaitPoke(ctx context.Context, seq uint32) bool {
	limit := time.NewTimer(pokeEvery)
	defer limit.Stop()
	look := time.NewTicker(pokeLook)
	defer look.Stop()
	for {
		if s.woken.Load() == seq {
			return true
		}
		select {
		case <-look.C:
		case <-limit.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// recognise takes note of a poke that comes back.
func (s *Source) recognise(payload []byte) {
	_, after, ok := bytes.Cut(payload, []byte("msg='"+pokeText))
	if !ok {
		return
	}
	seq := uint32(0)
	for _, c := range after {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + uint32(c-'0')
	}
	// It ought to be ours; a forged one makes us believe that records flow,
	// which they do.
	s.woken.Store(seq)
}

// waitedMore reports whether processes were held by a full backlog since the
// last look.
func (s *Source) waitedMore(status Status) bool {
	if status.BacklogWaitTimeActual == nil {
		return false
	}
	before := s.waited
	s.waited = *status.BacklogWaitTimeActual
	return s.waited > before
}
