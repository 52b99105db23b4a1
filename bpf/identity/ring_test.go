package identity

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"
)

// fakeRing is a ring of the kernel's shape whose producer the test is.
type fakeRing struct {
	*ring
	data     []byte
	produced []byte // the producer's page
	slides   int
}

func newFakeRing(size int) *fakeRing {
	consumer := make([]byte, 4096)
	f := &fakeRing{data: make([]byte, size), produced: make([]byte, 4096)}
	f.ring = newRing(consumer, f.produced, size)
	f.slide = func(offset int64) ([]byte, error) {
		f.slides++
		return append(append([]byte{}, f.data[offset:]...), f.data[:offset]...), nil
	}
	return f
}

// put writes a record with these flags in its header, in place of what is there.
func (f *fakeRing) put(record []byte, flags uint32) {
	at := binary.NativeEndian.Uint64(f.produced)
	header := binary.NativeEndian.AppendUint32(nil, uint32(len(record))|flags)
	for i, b := range append(append(header, 0, 0, 0, 0), record...) {
		f.data[(int(at)+i)%len(f.data)] = b
	}
	binary.NativeEndian.PutUint64(f.produced, at+uint64(ringHeader+len(record)+7)&^7)
	f.window = nil // a mapping would show what was written; this copy does not
}

func (f *fakeRing) read(t *testing.T) (records []string, complete bool) {
	t.Helper()
	complete, err := f.drain(time.Millisecond, func(b []byte) { records = append(records, string(b)) })
	if err != nil {
		t.Fatal(err)
	}
	return records, complete
}

func TestRing(t *testing.T) {
	f := newFakeRing(4 * os.Getpagesize())
	if got, ok := f.read(t); len(got) != 0 || !ok {
		t.Errorf("an empty ring: %q, %t", got, ok)
	}
	f.put([]byte("one"), 0)
	f.put([]byte("thrown away"), ringDiscard)
	f.put([]byte("two"), 0)
	f.put([]byte("not yet"), ringBusy)
	f.put([]byte("behind"), 0)
	if got, ok := f.read(t); len(got) != 2 || got[0] != "one" || got[1] != "two" || ok {
		t.Errorf("before a record that is being written: %q, %t", got, ok)
	}
	busy := bytes.Index(f.data, []byte("not yet")) - ringHeader
	f.data[busy+3] &^= ringBusy >> 24
	f.window = nil
	if got, ok := f.read(t); len(got) != 2 || got[1] != "behind" || !ok {
		t.Errorf("once it is written: %q, %t", got, ok)
	}
	for i := range 1000 { // round and round, over the end
		want := string(bytes.Repeat([]byte{byte(i)}, i%700))
		f.put([]byte(want), 0)
		if got, ok := f.read(t); len(got) != 1 || got[0] != want || !ok {
			t.Fatalf("record %d: got %d records, %t", i, len(got), ok)
		}
	}
}

func TestRingCorrupt(t *testing.T) {
	f := newFakeRing(4096)
	f.put([]byte("x"), 1<<29)
	if _, err := f.drain(0, func([]byte) {}); !errors.Is(err, errRingCorrupt) {
		t.Errorf("got %v, want %v", err, errRingCorrupt)
	}
}
