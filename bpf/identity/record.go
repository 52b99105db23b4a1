package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// kind says what a ring record reports; the numbers are those of identity.bpf.c.
type kind uint16

const (
	kindFork kind = 1 + iota
	kindExec
	kindExit
	kindMove // between cgroups
	kindSeen // by a scan of all processes
	kindPath // a cgroup's path
	kindGone // a cgroup was removed
)

const (
	recordSize = 104
	pathSize   = 1024
	goneSize   = 24
	pathHeader = 24
	pathCut    = 1
)

// record is struct record of identity.bpf.c. The fallbacks make them from /proc.
type record struct {
	kind    kind
	pid     uint32
	start   uint64 // CLOCK_BOOTTIME, ns
	clock   int64  // CLOCK_MONOTONIC, ns
	cgroup  uint64
	cgroup1 uint64
	stamp   int64 // see identity.bpf.c
	ppid    uint32
	creator uint32
	nspid   uint32
	exec    uint32
	auid    uint32
	session uint32
	pidns   uint32
	mntns   uint32
	netns   uint32
	comm    Comm
}

// path is struct path of identity.bpf.c, its names joined.
type path struct {
	key  uint64
	path string
}

var errRecord = errors.New("malformed ring record")

// decodeProcess reads a fork, exec, exit, move or seen record into r.
func decodeProcess(b []byte, r *record) error {
	if len(b) < recordSize {
		return fmt.Errorf("%w: %d bytes", errRecord, len(b))
	}
	b = b[:recordSize]
	n := binary.NativeEndian
	r.kind = kind(n.Uint16(b))
	r.pid = n.Uint32(b[4:])
	r.start = n.Uint64(b[8:])
	r.clock = int64(n.Uint64(b[16:]))
	r.cgroup = n.Uint64(b[24:])
	r.cgroup1 = n.Uint64(b[32:])
	r.stamp = int64(n.Uint64(b[40:]))
	r.ppid = n.Uint32(b[48:])
	r.creator = n.Uint32(b[52:])
	r.nspid = n.Uint32(b[56:])
	r.exec = n.Uint32(b[60:])
	r.auid = n.Uint32(b[64:])
	r.session = n.Uint32(b[68:])
	r.pidns = n.Uint32(b[72:])
	r.mntns = n.Uint32(b[76:])
	r.netns = n.Uint32(b[80:])
	copy(r.comm[:], b[88:])
	return nil
}

// decodePath reads a path record. A path whose upper part did not fit does not begin with a slash.
func decodePath(b []byte) (path, error) {
	if len(b) < pathHeader {
		return path{}, fmt.Errorf("%w: path of %d bytes", errRecord, len(b))
	}
	n := binary.NativeEndian
	flags, depth, length := n.Uint16(b[2:]), int(n.Uint16(b[4:])), int(n.Uint16(b[6:]))
	p := path{key: n.Uint64(b[8:])}
	names := b[pathHeader:]
	if length > len(names) {
		return path{}, fmt.Errorf("%w: names of %d bytes in a record of %d", errRecord, length, len(b))
	}
	names = names[:length]
	parts := strings.Split(string(names), "\x00")
	if parts[len(parts)-1] != "" || len(parts)-1 != depth {
		return path{}, fmt.Errorf("%w: %d names, not %d", errRecord, len(parts)-1, depth)
	}
	parts = parts[:depth]
	var s strings.Builder
	s.Grow(length + 1)
	for i := depth - 1; i >= 0; i-- {
		if s.Len() > 0 || flags&pathCut == 0 {
			s.WriteByte('/')
		}
		s.WriteString(parts[i])
	}
	if s.Len() == 0 && flags&pathCut == 0 {
		s.WriteByte('/')
	}
	p.path = s.String()
	return p, nil
}

// decodeGone reads the key of a cgroup that was removed.
func decodeGone(b []byte) (uint64, error) {
	if len(b) < goneSize {
		return 0, fmt.Errorf("%w: removal of %d bytes", errRecord, len(b))
	}
	return binary.NativeEndian.Uint64(b[8:]), nil
}

// kindOf is the kind of a raw record; 0 when it is too short to have one.
func kindOf(b []byte) kind {
	if len(b) < 2 {
		return 0
	}
	return kind(binary.NativeEndian.Uint16(b))
}
