package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"vigil/audit/tables"
)

const (
	// controlBuffer is the receive buffer of a control socket. The kernel sends
	// the rules, one message of about 2 KiB with its overhead each, faster than
	// we read them, and drops one for which it finds no room within 100 ms
	// (audit.c, audit_send_list_thread).
	controlBuffer = 16 << 20

	// replyTimeout bounds a request whose context has no deadline. A sender may
	// be held by a full backlog for backlog_wait_time, 60 s by default.
	replyTimeout = 90 * time.Second

	// waitSlice is how often a wait for replies looks at its context.
	waitSlice = 50 * time.Millisecond

	// maxHeld is how many sends may be held in the kernel at a time, given up
	// by their callers, before further ones are refused.
	maxHeld = 4
)

// ControlConfig says how a Control reaches the engine. The zero value is valid.
type ControlConfig struct {
	// ProcRoot is where the host's proc file system is; "" is /proc.
	ProcRoot string
	// Dial opens the socket; nil opens the kernel's.
	Dial func(ctx context.Context) (Socket, error)
}

// Control asks and tells the audit engine things, over a socket of its own, so
// that it never waits behind records. It is safe for concurrent use; requests
// take turns. Every call takes until its context ends, 90 s if that has no
// deadline: the kernel holds whoever talks to it while its backlog is over the
// limit, and so it is wise not to ask in a storm, all the more since the kernel
// wakes the held one at a time.
//
// An error wraps the kernel's errno, or is a *SetupError if the environment is
// to blame.
type Control struct {
	env  environment
	sock Socket

	turn chan struct{} // holds one token: whose turn it is to exchange
	held chan struct{} // holds a token for every send under way
	seq  uint32        // of the last request; guarded by turn

	sends   sync.WaitGroup // sends under way
	closing sync.Once
	closed  chan struct{}
}

// DialControl opens a control socket. It does not talk to the engine yet, so a
// lack of capabilities shows at the first call.
func DialControl(ctx context.Context, cfg ControlConfig) (*Control, error) {
	cfg.ProcRoot = procRoot(cfg.ProcRoot)
	env := environment(cfg.ProcRoot)
	dial := cfg.Dial
	if dial == nil {
		dial = func(context.Context) (Socket, error) {
			sock, _, err := dialHost(env)
			return sock, err
		}
	}
	sock, err := dial(ctx)
	if err != nil {
		return nil, diagnose("open audit socket", err, capAuditControl, env)
	}
	// Less room than asked for is enough for most rule sets.
	_, _ = sock.Buffer(controlBuffer)
	c := &Control{env: env, sock: sock, turn: make(chan struct{}, 1), held: make(chan struct{}, maxHeld), closed: make(chan struct{})}
	c.turn <- struct{}{}
	return c, nil
}

// procRoot returns where proc is.
func procRoot(root string) string {
	if root == "" {
		return "/proc"
	}
	return root
}

// Close closes the socket. Calls that run return ErrClosed. If the kernel holds
// a request, the descriptor goes when the kernel lets go.
func (c *Control) Close() error {
	var err error
	c.closing.Do(func() {
		close(c.closed)
		c.sock.Wake()
		<-c.turn // whoever had it has seen closed by now, or has finished
		closed := make(chan error, 1)
		go func() {
			c.sends.Wait()
			closed <- c.sock.Close()
		}()
		select {
		case err = <-closed:
		case <-time.After(waitSlice):
		}
	})
	return err
}

// reply takes one message that answers a request; it returns true when the
// answer is complete. The payload is a view.
type reply func(t tables.Type, payload []byte) (done bool, err error)

// do sends one request, waits for its acknowledgement and, if take is not nil,
// for the answer, and returns the acknowledgement's code. The two arrive in
// either order (audit.c sends answers from a thread of their own).
func (c *Control) do(ctx context.Context, op string, t tables.Type, payload []byte, take reply) (int32, error) {
	need := capAuditControl
	if t == tables.TypeUser || t >= 1100 {
		need = capAuditWrite
	}
	code, err := c.exchange(ctx, t, payload, take)
	if err != nil {
		return 0, diagnose(op, err, need, c.env)
	}
	return code, nil
}

// exchange is do without the explanations.
func (c *Control) exchange(ctx context.Context, t tables.Type, payload []byte, take reply) (int32, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, replyTimeout)
		defer cancel()
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.closed:
		return 0, ErrClosed
	}
	defer func() { c.turn <- struct{}{} }()
	select {
	case <-c.closed:
		return 0, ErrClosed
	default:
	}
	c.seq++
	if err := c.send(ctx, appendMessage(nil, t, flagRequest|flagAck, c.seq, payload)); err != nil {
		return 0, err
	}
	return c.collect(ctx, c.seq, take)
}

// send hands a message over without being held longer than ctx allows. A send
// that is given up runs on: its answer is recognised by its sequence and
// skipped.
func (c *Control) send(ctx context.Context, p []byte) error {
	select {
	case c.held <- struct{}{}:
	default:
		return errors.New("the kernel holds earlier requests: its backlog is full")
	}
	sent := make(chan error, 1)
	c.sends.Go(func() {
		sent <- c.sock.Send(p)
		<-c.held
	})
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return ErrClosed
	}
}

// collect reads until the request seq is acknowledged and answered.
func (c *Control) collect(ctx context.Context, seq uint32, take reply) (code int32, err error) {
	acked, answered := false, take == nil
	for !acked || !answered {
		batch, _, err := c.sock.Receive()
		if err != nil && !errors.Is(err, syscall.ENOBUFS) {
			return 0, err
		}
		if err != nil {
			return 0, fmt.Errorf("answer did not fit: %w", err)
		}
		for _, d := range batch {
			t, s, ok := header(d.Data)
			if !ok || s != seq || d.Port != 0 {
				continue // unsolicited, late, or not the kernel's
			}
			body := d.Data[headerSize:]
			if t == typeError {
				if code, err = ackCode(body); err != nil {
					return 0, err
				}
				if code < 0 {
					return 0, codeError(code)
				}
				acked = true
				continue
			}
			if answered {
				continue
			}
			if answered, err = take(t, body); err != nil {
				return 0, err
			}
		}
		if len(batch) == 0 {
			if err := c.wait(ctx); err != nil {
				return 0, err
			}
		}
	}
	return code, nil
}

// wait waits a little for something to receive.
func (c *Control) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closed:
		return ErrClosed
	default:
	}
	_, err := c.sock.Wait(waitSlice, true)
	return err
}
