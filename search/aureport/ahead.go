package aureport

import (
	"errors"
	"io"

	"vigil/search/aulog"
)

// batch is copies of events that follow one another, in memory that is used again. The slices are never grown, since
// records are views of text and events of records.
type batch struct {
	events  []aulog.Event
	records []aulog.Record
	text    []byte
}

// The size of a batch: enough that handing it over costs nothing beside reading it.
const (
	batchText    = 256 << 10
	batchRecords = 2048
)

func newBatch(text, records int) *batch {
	return &batch{
		events: make([]aulog.Event, 0, records), records: make([]aulog.Record, 0, records), text: make([]byte, 0, text),
	}
}

func (b *batch) reset() { b.events, b.records, b.text = b.events[:0], b.records[:0], b.text[:0] }

// add copies an event, and returns false if there is no room for it.
func (b *batch) add(e *aulog.Event) bool {
	if len(b.text)+size(e) > cap(b.text) || len(b.records)+len(e.Records) > cap(b.records) || len(b.events) == cap(b.events) {
		return false
	}
	start := len(b.records)
	for _, r := range e.Records {
		b.records = append(b.records, aulog.Record{Type: r.Type, Text: b.copy(r.Text), Interp: b.copy(r.Interp)})
	}
	b.events = append(b.events, aulog.Event{
		ID: e.ID, Node: b.copy(e.Node), Records: b.records[start:len(b.records):len(b.records)], Enriched: e.Enriched,
	})
	return true
}

func (b *batch) copy(v []byte) []byte {
	if v == nil {
		return nil
	}
	start := len(b.text)
	b.text = append(b.text, v...)
	return b.text[start:len(b.text):len(b.text)]
}

func size(e *aulog.Event) int {
	n := len(e.Node)
	for i := range e.Records {
		n += len(e.Records[i].Text) + len(e.Records[i].Interp)
	}
	return n
}

// ahead reads a log on one processor while another makes the report: it hands out the events in their order.
type ahead struct {
	full chan *batch
	free chan *batch
	stop chan struct{}
	err  error // of reading; may be looked at when full is closed
}

// batchesAhead is how far the reader may be ahead.
const batchesAhead = 4

// readAhead starts to read. The caller must take every batch from full and give it back, or close stop first and then
// do so.
func readAhead(log *aulog.Reader) *ahead {
	a := &ahead{full: make(chan *batch, batchesAhead), free: make(chan *batch, batchesAhead), stop: make(chan struct{})}
	for range batchesAhead {
		a.free <- newBatch(batchText, batchRecords)
	}
	go a.run(log)
	return a
}

func (a *ahead) run(log *aulog.Reader) {
	defer close(a.full)
	b := <-a.free
	for {
		e, err := log.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				a.err = err
			}
			a.full <- b
			return
		}
		if b.add(e) {
			continue
		}
		if !a.hand(b) {
			return
		}
		b = <-a.free
		if !b.add(e) { // larger than a batch
			b = newBatch(max(batchText, size(e)), max(batchRecords, len(e.Records)))
			b.add(e)
		}
	}
}

// hand passes a batch on, and returns false if nobody wants it any more.
func (a *ahead) hand(b *batch) bool {
	select {
	case <-a.stop:
		return false
	default:
		a.full <- b
		return true
	}
}

// done takes a batch back.
func (a *ahead) done(b *batch) {
	b.reset()
	select {
	case a.free <- b:
	default: // one that was made for a large event
	}
}
