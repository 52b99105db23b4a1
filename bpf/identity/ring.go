package identity

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// <linux/bpf.h>: the word before each record in the ring.
const (
	ringBusy    = 1 << 31
	ringDiscard = 1 << 30
	ringHeader  = 8
)

const (
	ringWindow = 128 << 10
	spin       = 50 * time.Microsecond // a record is written in less
)

var errRingCorrupt = errors.New("ring buffer is corrupt")

// ring reads a BPF ring buffer in place. The ebpf package's reader asks the kernel (epoll) before each batch, copies
// every record and maps the whole ring twice, which counts as resident memory. Here an empty ring costs two loads, so
// that a look-up can afford to drain it first, and only a window of it is mapped.
type ring struct {
	consumer, producer *uint64
	size               uint64
	window             []byte // the ring's bytes from position from on
	from               uint64
	slide              func(offset int64) ([]byte, error) // moves the window to an offset, a multiple of the page size
	unmap              func() error
}

// mapRing maps the ring buffer with the descriptor fd and of size bytes. close unmaps it.
func mapRing(fd, size int) (*ring, error) {
	page := os.Getpagesize()
	consumer, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map ring's consumer page: %w", err)
	}
	producer, err := unix.Mmap(fd, int64(page), page, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(consumer)
		return nil, fmt.Errorf("map ring's producer page: %w", err)
	}
	r := newRing(consumer, producer, size)
	var mapped []byte
	// The data lie twice in a row behind the two pages: a window may go over the ring's end.
	r.slide = func(offset int64) ([]byte, error) {
		if mapped != nil {
			_ = unix.Munmap(mapped)
		}
		mapped, err = unix.Mmap(fd, 2*int64(page)+offset, min(ringWindow, size)+page, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			mapped = nil
			return nil, fmt.Errorf("map ring: %w", err)
		}
		return mapped, nil
	}
	r.unmap = func() error {
		err := errors.Join(unix.Munmap(consumer), unix.Munmap(producer))
		if mapped != nil {
			err = errors.Join(err, unix.Munmap(mapped))
		}
		return err
	}
	return r, nil
}

// newRing reads a ring of size bytes with these pages for the positions; its slide and unmap are to be set.
func newRing(consumer, producer []byte, size int) *ring {
	return &ring{
		consumer: (*uint64)(unsafe.Pointer(&consumer[0])),
		producer: (*uint64)(unsafe.Pointer(&producer[0])),
		size:     uint64(size),
	}
}

// empty reports whether every record that was begun has been read.
func (r *ring) empty() bool {
	return atomic.LoadUint64(r.consumer) == atomic.LoadUint64(r.producer)
}

// drain calls record for each record that was begun before the call, in their order; its argument is valid during the
// call only. It waits at most bound for records that another processor is still writing; it returns false when that was
// not enough, and is to be called again.
func (r *ring) drain(bound time.Duration, record func([]byte)) (bool, error) {
	consumed := atomic.LoadUint64(r.consumer)
	produced := atomic.LoadUint64(r.producer)
	if consumed == produced {
		return true, nil
	}
	defer func() { atomic.StoreUint64(r.consumer, consumed) }()
	var deadline time.Time
	for count := 1; consumed < produced; count++ {
		head, err := r.at(consumed, ringHeader)
		if err != nil {
			return false, err
		}
		length := atomic.LoadUint32((*uint32)(unsafe.Pointer(&head[0])))
		if length&ringBusy != 0 {
			now := time.Now()
			if deadline.IsZero() {
				deadline = now.Add(bound)
			}
			if now.After(deadline) {
				return false, nil
			}
			if bound-deadline.Sub(now) > spin {
				time.Sleep(spin)
			}
			continue
		}
		size := uint64(length &^ (ringBusy | ringDiscard))
		if length&ringDiscard == 0 {
			body, err := r.at(consumed, ringHeader+size)
			if err != nil {
				return false, err
			}
			record(body[ringHeader:])
		}
		consumed += (size + ringHeader + 7) &^ 7
		if count%64 == 0 { // make room early
			atomic.StoreUint64(r.consumer, consumed)
		}
	}
	return true, nil
}

// at is the size bytes at a position, valid until the next call.
func (r *ring) at(position, size uint64) ([]byte, error) {
	if offset := position - r.from; position >= r.from && offset+size <= uint64(len(r.window)) {
		return r.window[offset : offset+size], nil
	}
	from := position &^ uint64(os.Getpagesize()-1)
	window, err := r.slide(int64(from & (r.size - 1)))
	if err != nil {
		r.window = nil
		return nil, err
	}
	r.window, r.from = window, from
	if position-from+size > uint64(len(window)) {
		return nil, fmt.Errorf("%w: record of %d bytes", errRingCorrupt, size)
	}
	return window[position-from:][:size], nil
}

func (r *ring) close() error { return r.unmap() }
