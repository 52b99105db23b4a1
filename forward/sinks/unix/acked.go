package unix

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"vigil/audit"
	"vigil/forward"
	"vigil/forward/transport"
)

// acked writes to a program that answers for each event. A batch is what may wait for
// answers at a time, so that the next one follows when there are none to come: order
// is kept whatever breaks.
type acked struct {
	dialer  transport.Dialer
	path    string
	window  int
	timeout time.Duration
	conn    net.Conn
	answers *bufio.Reader

	// The items of the batch being sent that have not been answered for: by stamp the
	// first, and for each the next with the same stamp, -1 if there is none.
	waiting map[audit.ID]int
	next    []int
	strange int // answers for events that wait for none
}

// Limits is for [forward.Sink].
func (a *acked) Limits() forward.Limits {
	return forward.Limits{MaxBytes: 1 << 20, MaxEvents: a.window, Linger: 20 * time.Millisecond}
}

// Send is for [forward.Sink].
func (a *acked) Send(ctx context.Context, b *forward.Batch) error {
	if err := a.ready(ctx); err != nil {
		return err
	}
	a.expect(b)
	if err := a.conn.SetDeadline(time.Time{}); err != nil { // what the last Send left
		a.drop()
		return fmt.Errorf("send to %s: %w", a.path, err)
	}
	conn := a.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // wakes reading and writing
	defer stop()
	written := make(chan error, 1)
	go func() { written <- write(conn, b) }()
	left, err := a.await(ctx, len(b.Items))
	if err == nil {
		// It has answered for all, and may still have to read the end of the last one.
		if err = conn.SetWriteDeadline(time.Now().Add(a.timeout)); err == nil {
			err = <-written
		}
		if err != nil {
			a.drop()
		}
		return nil // of the connection the next Send thinks
	}
	a.drop() // which ends the writing, too
	if writing := <-written; writing != nil && !errors.Is(writing, net.ErrClosed) {
		err = writing
	}
	err = fmt.Errorf("send to %s: %w", a.path, err)
	if left == len(b.Items) {
		return err
	}
	return &forward.Verdicts{Again: a.unanswered(len(b.Items)), Err: err}
}

// ready connects unless there is a connection that stands.
func (a *acked) ready(ctx context.Context) error {
	if a.conn != nil && transport.Alive(a.conn) != nil {
		a.drop()
	}
	if a.conn != nil {
		return nil
	}
	conn, _, err := a.dialer.Dial(ctx)
	if err != nil {
		return err
	}
	a.conn = conn
	if a.answers == nil {
		a.answers = bufio.NewReader(conn)
	}
	a.answers.Reset(conn)
	return nil
}

// drop gives up the connection.
func (a *acked) drop() {
	a.conn.Close() //nolint:errcheck // it is broken
	a.conn = nil
}

// expect has all items of a batch wait for answers.
func (a *acked) expect(b *forward.Batch) {
	clear(a.waiting)
	a.strange = 0
	a.next = a.next[:0]
	for range b.Items {
		a.next = append(a.next, -1)
	}
	for i := len(b.Items) - 1; i >= 0; i-- {
		if after, ok := a.waiting[b.Items[i].ID]; ok {
			a.next[i] = after
		}
		a.waiting[b.Items[i].ID] = i
	}
}

// answered takes an answer; false if no event waits for it.
func (a *acked) answered(id audit.ID) bool {
	i, ok := a.waiting[id]
	switch {
	case !ok:
		return false
	case a.next[i] >= 0:
		a.waiting[id] = a.next[i]
	default:
		delete(a.waiting, id)
	}
	return true
}

// unanswered are the items that wait for an answer, ascending.
func (a *acked) unanswered(items int) []int {
	is := make([]bool, items)
	for _, i := range a.waiting {
		for ; i >= 0; i = a.next[i] {
			is[i] = true
		}
	}
	var list []int
	for i := range is {
		if is[i] {
			list = append(list, i)
		}
	}
	return list
}

// await reads answers until left, the events that wait for one, is 0.
func (a *acked) await(ctx context.Context, left int) (int, error) {
	deadline := time.Now().Add(a.timeout)
	for left > 0 {
		if a.answers.Buffered() < ackLength {
			if err := a.conn.SetReadDeadline(deadline); err != nil {
				return left, err
			}
			if err := ctx.Err(); err != nil { // it may have ended before the deadline was set
				return left, err
			}
		}
		line, err := a.answers.ReadSlice('\n')
		if err != nil && len(line) < ackLength {
			return left, a.silence(err, left)
		}
		id, ok := parseAck(line)
		if !ok {
			return left, fmt.Errorf("it answered %.60q, which is no acknowledgement: that is 16, 8 and 16 hexadecimal digits with colons between them, and a newline", line)
		}
		if !a.answered(id) {
			a.strange++ // of an event that came twice, say: nothing follows from it
			continue
		}
		left--
		deadline = time.Now().Add(a.timeout)
	}
	return left, nil
}

// silence says why there are no answers.
func (a *acked) silence(err error, left int) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", a.timeout)
	} else {
		err = fmt.Errorf("read answers: %w", err)
	}
	if a.strange > 0 {
		return fmt.Errorf("%w: %d events wait for one, and %d came that are for none of them", err, left, a.strange)
	}
	return fmt.Errorf("%w: %d events wait for one", err, left)
}

// Close is for [forward.Sink].
func (a *acked) Close() error {
	if a.conn == nil {
		return nil
	}
	return a.conn.Close()
}

// ackLength is that of an acknowledgement: 16, 8 and 16 digits, two colons, a newline.
const ackLength = 43

// parseAck reads an acknowledgement with its newline.
func parseAck(line []byte) (id audit.ID, ok bool) {
	if len(line) != ackLength || line[16] != ':' || line[25] != ':' || line[42] != '\n' {
		return id, false
	}
	sec, secOK := hex(line[:16])
	milli, milliOK := hex(line[17:25])
	serial, serialOK := hex(line[26:42])
	if !secOK || !milliOK || !serialOK || sec > 1<<63-1 || milli > 999 || serial > 1<<32-1 {
		return id, false
	}
	return audit.ID{Sec: int64(sec), Milli: uint16(milli), Serial: uint32(serial)}, true
}

// hex reads hexadecimal digits, at most 16.
func hex(digits []byte) (n uint64, ok bool) {
	for _, c := range digits {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		n = n<<4 | uint64(c)
	}
	return n, true
}
