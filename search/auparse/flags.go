package auparse

import (
	"strconv"

	"vigil/search/auparse/words"
)

// oflagBase returns the base in which libauparse reads oflag=. The kernel prints it in octal, with 0x in MQ_OPEN.
func (x *Interpreter) oflagBase() uint64 {
	if x.version == V3 {
		return 16
	}
	return 0
}

// appendOpenFlags appends the flags of open(2). Neither O_WRONLY nor O_RDWR is O_RDONLY.
func (x *Interpreter) appendOpenFlags(dst, value []byte, base uint64) []byte {
	n, ok := parseUint(value, base)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	if n&3 == 0 {
		dst = append(dst, "O_RDONLY"...)
	}
	return words.OpenFlag.AppendFlags(dst, start, n, x.version)
}

// appendAccess appends the mode of access(2).
func (x *Interpreter) appendAccess(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case n&15 == 0:
		return append(dst, "F_OK"...)
	}
	return x.flags(dst, words.AccessMode, value)
}

// appendProt appends a protection of memory; mask says which bits count.
func (x *Interpreter) appendProt(dst, value []byte, mask uint64) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case n&7 == 0:
		return append(dst, "PROT_NONE"...)
	}
	return words.Prot.AppendFlags(dst, len(dst), n&mask, x.version)
}

// appendMmap appends the flags of mmap(2).
func (x *Interpreter) appendMmap(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	if n&15 == 0 {
		dst = append(dst, "MAP_FILE"...)
	}
	if dst = words.Mmap.AppendFlags(dst, start, n, x.version); len(dst) == start {
		dst = appendHex(dst, value)
	}
	return dst
}

// appendClone appends the flags of clone(2) and the signal in their lowest byte.
func (x *Interpreter) appendClone(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	dst = words.Clone.AppendFlags(dst, start, n, x.version)
	if signal := n & 0xff; signal > 0 && signal < 32 {
		if word, ok := words.Signal.Find(signal, x.version); ok {
			if len(dst) > start {
				dst = append(dst, '|')
			}
			dst = append(dst, word...)
		}
	}
	if len(dst) == start {
		dst = append(dst, "0x"...)
		dst = strconv.AppendUint(dst, uint64(uint32(n)), 16)
	}
	return dst
}

// appendSched appends a scheduling policy.
func (x *Interpreter) appendSched(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	word, ok := words.Sched.Find(n&15, x.version)
	if !ok {
		return appendIn(dst, "unknown-scheduler-policy(0x", value)
	}
	dst = append(dst, word...)
	if n&0x40000000 != 0 {
		dst = append(dst, "|SCHED_RESET_ON_FORK"...)
	}
	return dst
}

// appendSeek appends the origin of lseek(2).
func (x *Interpreter) appendSeek(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := words.Seek.Find(n&0xff, x.version); ok {
		return append(dst, word...)
	}
	return appendIn(dst, "unknown-whence(", value)
}

// appendShm appends the flags of shmget(2) and its mode.
func (x *Interpreter) appendShm(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	if dst = words.Shm.AppendFlags(dst, start, n, x.version); len(dst) > start {
		dst = append(dst, '|')
	}
	dst = append(dst, '0')
	return appendOctal(dst, uint32(n&0777))
}

// appendPersonality appends an execution domain, and whether addresses are not random in it.
func (x *Interpreter) appendPersonality(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	word, ok := words.Persona.Find(n&0xff, x.version)
	if !ok {
		return appendIn(dst, "unknown-personality(0x", value)
	}
	dst = append(dst, word...)
	if n&0x40000 != 0 {
		dst = append(dst, "|~ADDR_NO_RANDOMIZE"...)
	}
	return dst
}

// appendIoctl appends a request of ioctl(2).
func (x *Interpreter) appendIoctl(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := words.Ioctl.Find(uint64(uint32(n)), x.version); ok {
		return append(dst, word...)
	}
	dst = append(dst, "0x"...)
	return strconv.AppendUint(dst, uint64(uint32(n)), 16)
}

// appendCapabilities appends the capabilities of a set.
func (x *Interpreter) appendCapabilities(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	for i := range 64 {
		word, ok := words.Capability.Find(uint64(i), x.version)
		if n&(1<<i) == 0 || !ok {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, word...)
	}
	if len(dst) == start {
		dst = append(dst, "none"...)
	}
	return dst
}

// appendWalkFlags appends what flags= of a PATH record meant to audit 3: how the kernel walked the path, in its numbers
// of Linux 2.6.
func appendWalkFlags(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case uint32(n) == 0:
		return append(dst, "none"...)
	}
	start := len(dst)
	for _, f := range [...]struct {
		bit  uint64
		name string
	}{
		{1, "follow"}, {2, "directory"}, {4, "continue"}, {0x10, "parent"}, {0x20, "noalt"}, {0x40, "atomic"},
		{0x100, "open"}, {0x200, "create"}, {0x400, "access"},
	} {
		if n&f.bit != 0 {
			dst = appendItem(dst, start, f.name)
		}
	}
	if len(dst) == start {
		dst = appendHex(dst, value)
	}
	return dst
}

// appendPerm appends the permissions of a rule. None are all.
func appendPerm(dst, value []byte) []byte {
	n, ok := parseInt(value, 10)
	if !ok {
		return conversionError(dst, value)
	}
	if n == 0 {
		n = 15
	}
	start := len(dst)
	for _, p := range [...]struct {
		bit  int64
		name string
	}{{4, "read"}, {2, "write"}, {1, "exec"}, {8, "attr"}} {
		if n&p.bit != 0 {
			dst = appendItem(dst, start, p.name)
		}
	}
	return dst
}

// appendItem appends an item of a list that starts at start.
func appendItem(dst []byte, start int, item string) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(dst, item...)
}

// appendMode appends a file's mode, in octal digits: its type and its permissions.
func appendMode(dst, value []byte) []byte { return appendModeOf(dst, value, 8) }

func appendModeOf(dst, value []byte, base uint64) []byte {
	n, ok := parseUint(value, base)
	if !ok {
		return conversionError(dst, value)
	}
	mode := uint32(n)
	switch mode & 0170000 {
	case 0140000:
		dst = append(dst, "socket"...)
	case 0120000:
		dst = append(dst, "link"...)
	case 0100000:
		dst = append(dst, "file"...)
	case 0060000:
		dst = append(dst, "block"...)
	case 0040000:
		dst = append(dst, "dir"...)
	case 0020000:
		dst = append(dst, "character"...)
	case 0010000:
		dst = append(dst, "fifo"...)
	default:
		dst = appendOctal(dst, mode&0170000/010000)
	}
	dst = append(dst, ',')
	dst = appendSpecial(dst, mode)
	return appendOctal(dst, mode&0777)
}

// appendModeShort appends a mode without a type.
func appendModeShort(dst, value []byte, base uint64) []byte {
	n, ok := parseUint(value, base)
	if !ok {
		return conversionError(dst, value)
	}
	dst = appendSpecial(dst, uint32(n))
	dst = append(dst, '0')
	return appendOctal(dst, uint32(n)&0777)
}

// appendSpecial appends the bits of a mode above the permissions, each with a comma.
func appendSpecial(dst []byte, mode uint32) []byte {
	if mode&04000 != 0 {
		dst = append(dst, "suid,"...)
	}
	if mode&02000 != 0 {
		dst = append(dst, "sgid,"...)
	}
	if mode&01000 != 0 {
		dst = append(dst, "sticky,"...)
	}
	return dst
}
