package identity

import "bytes"

// Unset is what AUID and Session are when there was no login, and when they are not known.
const Unset = ^uint32(0)

// Comm is a process's name as the kernel keeps it: at most 15 bytes, ended by NUL.
type Comm [16]byte

// String returns the name without its end.
func (c Comm) String() string {
	if i := bytes.IndexByte(c[:], 0); i >= 0 {
		return string(c[:i])
	}
	return string(c[:])
}

// Process is what is known of a process at some time. Fields that are not known are zero; AUID and Session are Unset.
type Process struct {
	PID     uint32
	Start   uint64 // when it was made, ns since boot (CLOCK_BOOTTIME): with PID, one process of this boot
	PPID    uint32 // its parent when it was made; the parent may be gone since
	Creator uint32 // who called clone; another process than the parent after CLONE_PARENT, as runc does
	ExecID  uint32 // how many programs it has executed, those of its forebears since boot included
	Comm    Comm
	AUID    uint32 // loginuid
	Session uint32

	// Cgroup is the path in version 2's hierarchy, Cgroup1 that in the first version 1 hierarchy in which the process
	// is not in the root; "" if there is none. Names may hold any byte but slash and newline. A path that does not
	// begin with a slash lacks its upper part.
	Cgroup, Cgroup1 string

	NSPID               uint32 // its pid in its own pid namespace
	PIDNS, MntNS, NetNS uint32 // inode numbers of its namespaces, as /proc/PID/ns shows them

	ref ref
}

// Ancestor is a forebear of a process. Its fields are a Process's.
type Ancestor struct {
	PID    uint32
	ExecID uint32
	Start  uint64
	Comm   Comm
}

// Query is what an audit record says of the process that it is about.
type Query struct {
	PID   uint32
	Sec   int64 // the record's stamp, audit(Sec.Milli:serial)
	Milli uint16
	// Exec says that the record is of an execve or execveat that succeeded. The answer is then the process as that
	// exec made it.
	Exec bool
	// PPID and Comm are the record's fields, if it has them; they help to tell processes that had the same pid within
	// a tick of the clock. Comm is decoded, and "" if not known.
	PPID uint32
	Comm []byte
}

// Match says how far an answer can be relied upon.
type Match uint8

const (
	// NoProcess: nothing is known of a process that had the pid then.
	NoProcess Match = iota
	// Exact: this process, and every field as it was then.
	Exact
	// Partial: this process, but it changed within a tick of the event, or was not watched yet: what cannot be told
	// is not known.
	Partial
	// Ambiguous: more than one process had the pid within the event's tick; the fields in which they agree are set.
	Ambiguous
	// Late: this process, as it was some time after the event. Only the fallbacks say so.
	Late
	// Lost: the ring had overflown, and what happened to the process then is not known.
	Lost
	// Busy: the ring could not be read up to the event within the bound.
	Busy

	matches = int(Busy) + 1
)

// String returns a word for status pages and metrics.
func (m Match) String() string {
	if int(m) >= matches {
		return "invalid"
	}
	return [matches]string{"no_process", "exact", "partial", "ambiguous", "late", "lost", "busy"}[m]
}

// Known reports whether the Process that came with m may be used; its fields that are not known are unset then.
func (m Match) Known() bool {
	return m == Exact || m == Partial || m == Ambiguous || m == Late
}
