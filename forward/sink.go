package forward

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vigil/audit"
)

// Sink is a far end. Its methods are called by one Runner; Send by as many goroutines
// at a time as Limits.Window says.
type Sink interface {
	// Limits says how batches must be made. It does not change.
	Limits() Limits
	// Send delivers a batch and returns when the far end has it. The batch is valid,
	// and must not be changed, until then. The error says what is to be done:
	//
	//	nil            all items were taken
	//	*Verdicts      some were not: which, and why, and which may be sent again
	//	ErrTooLarge    the batch is larger than the far end takes: send its halves
	//	*Refused       the far end takes no offence at us but at what the batch says:
	//	               send its halves, to find the item that it is about
	//	*Later         not now: send it again after a time that the far end named
	//	*Broken        not now, and what was sent before and is still held (see
	//	               Limits.Hold) may not have arrived: send that again, too
	//	another        not now: send it again after a while
	//
	// A batch is sent again as long as it takes. ctx ends when the Runner does.
	Send(ctx context.Context, b *Batch) error
	// Close gives back what the sink holds.
	Close() error
}

// Standing is a Sink with a Hold.
type Standing interface {
	// Standing says whether the connection stands on which batches were sent that
	// are held: nil, or a *Broken. It is not called while a Send runs.
	Standing() error
}

// Encoder gives events the form in which a sink takes them. It belongs to one
// goroutine. The bytes of an event may be several messages, as the sink's form has
// it. An event of which nothing is appended is passed over.
type Encoder interface {
	Append(dst []byte, e Event) []byte
}

// Shortener is an Encoder that cuts or splits what is too long for the far end.
type Shortener interface {
	// Shortened returns how many messages were cut or split since the sink was begun.
	Shortened() uint64
}

// Limits are the measures of a far end.
type Limits struct {
	// MaxEvents and MaxBytes bound a batch; MaxEvent the bytes of one event. An event
	// that is larger is a dead letter. 0 is 1,000, 1 MiB and MaxBytes.
	MaxEvents, MaxBytes, MaxEvent int
	// PerEvent and PerBatch are what the far end counts beside the events' bytes:
	// commas, brackets, headers.
	PerEvent, PerBatch int
	// Linger is how long a batch that is not full waits for more; 0 is 200 ms. Under
	// 0 it does not wait.
	Linger time.Duration
	// Window is how many batches may be on their way at a time. With more than one
	// they may arrive in another order. 0 is 1.
	Window int
	// Hold is how long a connection must stand after a batch was sent on it for the
	// batch to count as taken, for far ends that acknowledge nothing: if it breaks
	// before, the batch is sent again. Such a sink is [Standing]. 0: not at all.
	Hold time.Duration
}

// complete returns l with what is 0 filled in.
func (l Limits) complete() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.MaxEvents, 1000)
	def(&l.MaxBytes, 1<<20)
	def(&l.MaxEvent, l.MaxBytes-l.PerBatch-l.PerEvent)
	def(&l.Window, 1)
	if l.Linger == 0 {
		l.Linger = 200 * time.Millisecond
	}
	return l
}

// Item is an event in a Batch.
type Item struct {
	UID  UID
	ID   audit.ID
	Data []byte // as the Encoder made it

	place ref
}

// Batch is events that are sent together, in the order of the trail.
type Batch struct {
	Items []Item
	// Try is how often the batch has been sent before.
	Try int
}

// Bytes returns the bytes of all items, without what the sink adds.
func (b *Batch) Bytes() int {
	n := 0
	for i := range b.Items {
		n += len(b.Items[i].Data)
	}
	return n
}

// ErrTooLarge says that a batch is larger than the far end takes.
var ErrTooLarge = errors.New("too large for the far end")

// Refused says that the far end will never take a batch as it is, because of what
// it says. It is not for errors of ours, as a wrong password: those are mended, and
// the events must not be lost meanwhile.
type Refused struct{ Reason string }

func (e *Refused) Error() string { return "refused: " + e.Reason }

// Later says when a batch may be sent again.
type Later struct {
	After time.Duration // 0: as the Runner thinks
	Err   error         // why
}

func (e *Later) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *Later) Unwrap() error { return e.Err }

// Broken says that a connection broke, so that what is held must be sent again.
type Broken struct{ Err error }

func (e *Broken) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *Broken) Unwrap() error { return e.Err }

// Verdicts says that a far end has judged the items of a batch one by one. Those that
// are not named were taken.
type Verdicts struct {
	Rejected []Rejection
	Again    []int // may be sent again: indices into Items, ascending
	Err      error // why these are to be sent again, nil if none are
}

// Rejection is an item that the far end will never take.
type Rejection struct {
	Index  int // into Items
	Reason string
}

func (e *Verdicts) Error() string {
	s := fmt.Sprintf("%d items rejected, %d to be sent again", len(e.Rejected), len(e.Again))
	if len(e.Rejected) > 0 {
		s += ": " + e.Rejected[0].Reason
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}
