package field

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// Keys that stand behind 0x1D of the record that bears the process. Their values
// are encoded as the kernel encodes strings: "quoted", or upper-case hexadecimal
// when there is a quote, a space or a control character in them.
const (
	keyContainerID      = "CONTAINER_ID"
	keyContainerName    = "CONTAINER_NAME"
	keyContainerImage   = "CONTAINER_IMAGE"
	keyContainerDigest  = "CONTAINER_DIGEST"
	keyContainerRuntime = "CONTAINER_RUNTIME"
	keyContainerPriv    = "CONTAINER_PRIVILEGED"
	keyPodName          = "POD_NAME"
	keyPodNamespace     = "POD_NS"
	keyPodUID           = "POD_ID"
	keyPodAccount       = "POD_ACCOUNT"
	keyPodLabels        = "POD_LABELS" // a=b,c=d
	keyPodSandbox       = "POD_SANDBOX"
	keyCgroup           = "CGROUP"
	keyUnit             = "UNIT"
	keySlice            = "SLICE"
	keyStart            = "PROC_START" // nanoseconds since the epoch
	keyVPID             = "VPID"
	keyScript           = "SCRIPT"
	keyLoginUser        = "LOGIN_USER"
	keyLoginTTY         = "LOGIN_TTY"
	keyLoginAddr        = "LOGIN_ADDR"
	keyLoginMethod      = "LOGIN_METHOD"
	keyExecSession      = "EXEC_SESSION"

	// P1_PID, P1_COMM, P1_EXE, P1_ARGS are of the parent, P2_PID of its parent.
	keyAncestorPID  = "_PID"
	keyAncestorComm = "_COMM"
	keyAncestorExe  = "_EXE"
	keyAncestorArgs = "_ARGS" // the command line with argument 0, separated by spaces
)

// maxAncestors bounds how far ancestors are looked for.
const maxAncestors = 16

// attribution returns the value of a key behind 0x1D.
func (v *View) attribution(key string) ([]byte, bool) {
	if !v.hasSubj || len(v.subject.Enrichment) == 0 {
		return nil, false
	}
	f, ok := v.subject.GetExtra(key)
	if !ok {
		return nil, false
	}
	return v.decode(f), true
}

func (v *View) attributionUint(key string) (uint64, bool) {
	if !v.hasSubj || len(v.subject.Enrichment) == 0 {
		return 0, false
	}
	f, ok := v.subject.GetExtra(key)
	if !ok {
		return 0, false
	}
	return f.Uint()
}

// decode decodes a value of the enrichment.
func (v *View) decode(f audit.Field) []byte {
	b := f.Value
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1]
	}
	start := len(v.buf)
	if out, ok := audit.AppendUnhex(v.buf, b); ok {
		v.buf = out
		return v.cut(start)
	}
	return b
}

// attributed reports whether Vigil has said anything about the process, so that
// what it has not said is known not to be there.
func (v *View) attributed() bool {
	if v.done&doneAttr != 0 {
		return v.attr
	}
	v.done |= doneAttr
	v.attr = false
	if len(v.subject.Enrichment) == 0 {
		return false
	}
	fs := v.subject.Extra()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		switch string(f.Name) {
		case keyCgroup, keyContainerID, keyStart, keyUnit, keyPodName, "P1" + keyAncestorPID:
			v.attr = true
			return true
		}
	}
	return false
}

// ancestor returns an attribute of the n-th ancestor, 1 being the parent.
func (v *View) ancestor(n int, suffix string) ([]byte, bool) {
	if n < 1 || n > maxAncestors || !v.hasSubj || len(v.subject.Enrichment) == 0 {
		return nil, false
	}
	var key [16]byte
	k := append(key[:0], 'P')
	k = strconv.AppendUint(k, uint64(n), 10)
	k = append(k, suffix...)
	fs := v.subject.Extra()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if bytes.Equal(f.Name, k) {
			return v.decode(f), true
		}
	}
	return nil, false
}

// enriched returns the name in auditd's enrichment, AUID="root", nil if there is
// none or it says that there is none.
func (v *View) enriched(key string) []byte {
	if !v.hasSubj || len(v.subject.Enrichment) == 0 {
		return nil
	}
	f, ok := v.subject.GetExtra(key)
	if !ok {
		return nil
	}
	b := v.decode(f)
	if string(b) == "unset" || bytes.HasPrefix(b, []byte("unknown(")) {
		return nil
	}
	return b
}

// needsCall is what every field of a system call needs.
var needsCall = []tables.Type{tables.TypeSyscall}

func getKey(key string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if b, ok := v.attribution(key); ok {
			out.Bytes(b)
		}
	}
}
