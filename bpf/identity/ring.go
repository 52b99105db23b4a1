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

var errRingCorrupt = errors.New("ring buffer is corrupt")

// ring reads a BPF ring buffer in place. The ebpf package's reader asks the kernel (epoll) before each batch and copies
// every record; here an empty ring costs two loads, so that a look-up can afford to drain it first.
type ring struct {
	consumer, producer *uint64
	data               []byte
	mask               uint64
	scratch            []byte // for a record that goes over the ring's end
	unmap              func() error
}

// mapRing maps the ring buffer with the descriptor fd and of size bytes. Close unmaps it.
func mapRing(fd, size int) (*ring, error) {
	page := os.Getpagesize()
	consumer, err := unix.Mmap(fd, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map ring's consumer page: %w", err)
	}
	// The kernel would map the data a second time behind its end, so that no record were cut: that counts twice as
	// resident memory.
	producer, err := unix.Mmap(fd, int64(page), page+size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Munmap(consumer)
		return nil, fmt.Errorf("map ring: %w", err)
	}
	r := newRing(consumer, producer, page)
	r.unmap = func() error { return errors.Join(unix.Munmap(consumer), unix.Munmap(producer)) }
	return r, nil
}

// newRing reads the ring that lies in producer behind a page with the producer's position.
func newRing(consumer, producer []byte, page int) *ring {
	return &ring{
		consumer: (*uint64)(unsafe.Pointer(&consumer[0])),
		producer: (*uint64)(unsafe.Pointer(&producer[0])),
		data:     producer[page:],
		mask:     uint64(len(producer)-page) - 1,
		unmap:    func() error { return nil },
	}
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
		at := consumed & r.mask
		length := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if length&ringBusy != 0 {
			if deadline.IsZero() {
				deadline = time.Now().Add(bound)
			} else if time.Now().After(deadline) {
				return false, nil
			}
			continue
		}
		size := uint64(length &^ (ringBusy | ringDiscard))
		if size+ringHeader > r.mask+1 {
			return false, fmt.Errorf("%w: record of %d bytes", errRingCorrupt, size)
		}
		if length&ringDiscard == 0 {
			record(r.at(at+ringHeader, size))
		}
		consumed += (size + ringHeader + 7) &^ 7
		if count%64 == 0 { // make room early
			atomic.StoreUint64(r.consumer, consumed)
		}
	}
	return true, nil
}

// at is the size bytes that begin at offset from, which may be the ring's end.
func (r *ring) at(from, size uint64) []byte {
	from &= r.mask
	if from+size <= uint64(len(r.data)) {
		return r.data[from : from+size]
	}
	r.scratch = append(r.scratch[:0], r.data[from:]...)
	r.scratch = append(r.scratch, r.data[:size-uint64(len(r.scratch))]...)
	return r.scratch
}

func (r *ring) close() error { return r.unmap() }
