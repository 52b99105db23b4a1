package tables

import "strconv"

// Type is the number of a record type: <linux/audit.h>, the user-space ranges
// that the audit tools share, and two of Vigil's own (TypeLedger,
// TypeContainer) at the end of the range left to user space.
type Type uint16

// firstType is the number that typeIndex starts with.
const firstType = 1000

// String returns the name that stands after "type=" in the log, "SYSCALL", or
// "UNKNOWN[1499]" for a number without one, as auditd prints it. It allocates
// for the latter only.
func (t Type) String() string {
	if name, ok := t.name(); ok {
		return name
	}
	return string(t.AppendTo(nil))
}

// FromKernel reports whether a record of a trail bears a serial of the kernel's.
// Records that daemons write themselves (DAEMON_*, LEDGER, CONTAINER, RESP_ALERT)
// have serials of their own.
func (t Type) FromKernel() bool {
	const firstDaemon, lastDaemon = 1200, 1299 // linux/audit.h, AUDIT_FIRST_DAEMON
	switch {
	case t >= firstDaemon && t <= lastDaemon:
		return false
	case t == TypeLedger, t == TypeContainer, t == TypeRespAlert:
		return false
	}
	return true
}

// AppendTo appends what String returns.
func (t Type) AppendTo(dst []byte) []byte {
	if name, ok := t.name(); ok {
		return append(dst, name...)
	}
	return t.appendUnknown(dst)
}

// AppendLog appends the name that a log has for the type: what String returns,
// but UNKNOWN[1423] for the kernel's types that auditd 3.0.9 has no name for.
// ausearch of that version takes a name that it does not know for the start
// of an event of its own, and prints one event as several; it knows UNKNOWN[n],
// as do all newer ones. TypeByName reads both.
func (t Type) AppendLog(dst []byte) []byte {
	switch t {
	case TypeDMCtrl, TypeDMEvent, TypeIPEAccess, TypeIPEConfigChange, TypeIPEPolicyLoad,
		TypeLandlockAccess, TypeLandlockDomain, TypeMACTaskContexts, TypeMACObjContexts,
		TypeIntegrityUserspace:
		return t.appendUnknown(dst)
	}
	return t.AppendTo(dst)
}

func (t Type) appendUnknown(dst []byte) []byte {
	dst = append(dst, "UNKNOWN["...)
	dst = strconv.AppendUint(dst, uint64(t), 10)
	return append(dst, ']')
}

// Known reports whether the type has a name.
func (t Type) Known() bool {
	_, ok := t.name()
	return ok
}

func (t Type) name() (string, bool) {
	i := int(t) - firstType
	if i < 0 || i >= len(typeIndex) || typeIndex[i] == 0 {
		return "", false
	}
	return typeNames.at(int(typeIndex[i]) - 1), true
}

// TypeByName returns the type that String prints as name, "UNKNOWN[1499]"
// included. Names are upper case. It does not allocate.
func TypeByName(name []byte) (Type, bool) {
	const prefix, suffix = "UNKNOWN[", "]"
	if len(name) > len(prefix)+len(suffix) && string(name[:len(prefix)]) == prefix {
		return parseUnknown(name[len(prefix):])
	}
	// The conversion does not escape and so needs no heap for a name of up to
	// 32 bytes, which every known one is.
	if len(name) > 32 {
		return 0, false
	}
	i, ok := typeNames.find(string(name))
	if !ok {
		return 0, false
	}
	return typeNumbers[i], true
}

// parseUnknown reads the "1499]" of UNKNOWN[1499].
func parseUnknown(s []byte) (Type, bool) {
	digits := s[:len(s)-1]
	if s[len(s)-1] != ']' || len(digits) > 5 {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return Type(n), n <= 0xffff
}

// Types returns every type that has a name, in the order of their numbers. The
// slice is the caller's.
func Types() []Type {
	list := make([]Type, 0, len(typeNumbers))
	for i, at := range typeIndex {
		if at != 0 {
			list = append(list, Type(i+firstType))
		}
	}
	return list
}
