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
	f, ok := v.extra(key)
	if !ok {
		return nil, false
	}
	return v.decode(f), true
}

// extra returns a field of the enrichment, which is walked once an event: there
// may be fifty, and some fields here ask for many of them.
func (v *View) extra(key string) (audit.Field, bool) {
	if len(v.subject.Enrichment) == 0 {
		return audit.Field{}, false
	}
	if v.done&doneExtra == 0 {
		v.done |= doneExtra
		v.extras = v.extras[:0]
		fs := v.subject.Extra()
		for f, ok := fs.Next(); ok; f, ok = fs.Next() {
			v.extras = append(v.extras, f)
		}
	}
	for i := range v.extras {
		if string(v.extras[i].Name) == key {
			return v.extras[i], true
		}
	}
	return audit.Field{}, false
}

func (v *View) attributionUint(key string) (uint64, bool) {
	f, ok := v.extra(key)
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
	for _, key := range [...]string{keyCgroup, keyContainerID, keyStart, keyUnit, keyPodName, "P1" + keyAncestorPID} {
		if _, ok := v.extra(key); ok {
			v.attr = true
			break
		}
	}
	return v.attr
}

// ancestor returns an attribute of the n-th ancestor, 1 being the parent.
func (v *View) ancestor(n int, suffix string) ([]byte, bool) {
	if n < 1 || n > maxAncestors {
		return nil, false
	}
	var key [16]byte
	k := append(key[:0], 'P')
	k = strconv.AppendUint(k, uint64(n), 10)
	k = append(k, suffix...)
	f, ok := v.extra(string(k))
	if !ok {
		return nil, false
	}
	return v.decode(f), true
}

// enriched returns the name in auditd's enrichment, AUID="root", nil if there is
// none or it says that there is none.
func (v *View) enriched(key string) []byte {
	f, ok := v.extra(key)
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

const fromKeys = "Vigil's keys behind 0x1D: "

var vigilFields = []Field{
	{Name: "vigil.cgroup", Type: String, Help: "path of the process's cgroup", Example: "vigil.cgroup startswith /system.slice/",
		Source: fromKeys + keyCgroup, get: getKey(keyCgroup)},
	{Name: "vigil.unit", Type: String, Help: "systemd unit of the process", Example: "vigil.unit = sshd.service",
		Source: fromKeys + keyUnit, get: getKey(keyUnit)},
	{Name: "vigil.slice", Type: String, Help: "systemd slice of the process", Example: "vigil.slice = user-1000.slice",
		Source: fromKeys + keySlice, get: getKey(keySlice)},
	{Name: "vigil.attributed", Type: Bool, Help: "whether Vigil knew the process at the time of the event",
		Example: "vigil.attributed = false", Source: "Vigil's keys behind 0x1D", get: getAttributed},
	{Name: "vigil.proc.start", Type: Uint, Help: "start of the process, nanoseconds since the epoch",
		Example: "vigil.proc.start > 1795258195000000000", Source: fromKeys + keyStart, get: getUintKey(keyStart)},
	{Name: "vigil.proc.script", Type: String, Help: "script that the process, an interpreter, was started for",
		Example: "vigil.proc.script endswith .sh", Source: fromKeys + keyScript, get: getKey(keyScript)},
	{Name: "vigil.login.user", Type: String, Help: "user who logged in at the begin of the session",
		Example: "vigil.login.user = alice", Source: fromKeys + keyLoginUser, get: getKey(keyLoginUser)},
	{Name: "vigil.login.tty", Type: String, Help: "terminal of the login", Example: "vigil.login.tty = pts/0",
		Source: fromKeys + keyLoginTTY, get: getKey(keyLoginTTY)},
	{Name: "vigil.login.address", Type: String, Help: "address that the login came from",
		Example: "vigil.login.address = 192.0.2.7", Source: fromKeys + keyLoginAddr, get: getKey(keyLoginAddr)},
	{Name: "vigil.login.method", Type: String, Help: "how the login was made: ssh, login, su, cron",
		Example: "vigil.login.method = ssh", Source: fromKeys + keyLoginMethod, get: getKey(keyLoginMethod)},
	{Name: "vigil.exec.session", Type: String, Help: "id of the shell that was opened in a container (kubectl exec, docker exec) and of all that it starts",
		Example: "vigil.exec.session exists", Source: fromKeys + keyExecSession, get: getKey(keyExecSession)},
	{Name: "vigil.pod.account", Type: String, Help: "service account of the pod", Example: "vigil.pod.account = default",
		Source: fromKeys + keyPodAccount, get: getKey(keyPodAccount)},

	{Name: "vigil.ledger.op", Type: String, Help: "why the LEDGER line was written: start, segment, loss, end, repair, mark",
		Example: "vigil.ledger.op = loss", Source: "LEDGER op=", Needs: needsLedger, get: getLedger("op")},
	{Name: "vigil.ledger.reason", Type: String, Help: "what kind of loss", Example: "vigil.ledger.reason = gap",
		Source: "LEDGER reason=", Needs: needsLedger, get: getLedger("reason")},
	{Name: "vigil.ledger.mode", Type: String, Help: "daemon or observer", Example: "vigil.ledger.mode = observer",
		Source: "LEDGER mode=", Needs: needsLedger, get: getLedger("mode")},
	{Name: "vigil.ledger.boot", Type: String, Help: "id of the boot", Example: "vigil.ledger.boot exists",
		Source: "LEDGER boot=", Needs: needsLedger, get: getLedger("boot")},
	{Name: "vigil.ledger.chain", Type: String, Help: "value of the hash chain", Example: "vigil.ledger.chain startswith 9f86",
		Source: "LEDGER chain=", Needs: needsLedger, get: getLedger("chain")},
	{Name: "vigil.ledger.count", Type: Uint, Help: "how many were lost, in a line with op=loss", Example: "vigil.ledger.count > 100",
		Source: "LEDGER count=", Needs: needsLedger, get: getLedgerUint("count")},
	{Name: "vigil.ledger.received", Type: Uint, Help: "records received from the kernel", Example: "vigil.ledger.received > 0",
		Source: "LEDGER received=", Needs: needsLedger, get: getLedgerUint("received")},
	{Name: "vigil.ledger.written", Type: Uint, Help: "records written to the trail", Example: "vigil.ledger.written > 0",
		Source: "LEDGER written=", Needs: needsLedger, get: getLedgerUint("written")},
	{Name: "vigil.ledger.lost", Type: Uint, Help: "rise of the kernel's own count of lost records", Example: "vigil.ledger.lost > 0",
		Source: "LEDGER lost=", Needs: needsLedger, get: getLedgerUint("lost")},
	{Name: "vigil.ledger.gaps", Type: Uint, Help: "serials that are missing", Example: "vigil.ledger.gaps > 0",
		Source: "LEDGER gaps=", Needs: needsLedger, get: getLedgerUint("gaps")},
	{Name: "vigil.ledger.dropped", Type: Uint, Help: "records that could not be written", Example: "vigil.ledger.dropped > 0",
		Source: "LEDGER dropped=", Needs: needsLedger, get: getLedgerUint("dropped")},

	{Name: "vigil.detection.rule", Type: String, Help: "name of the detection that fired", Example: `vigil.detection.rule contains "shell"`,
		Source: "RESP_ALERT rule=", Needs: needsAlert, get: getAlert("rule")},
	{Name: "vigil.detection.priority", Type: String, Help: "its priority", Example: "vigil.detection.priority in (Critical, Error)",
		Source: "RESP_ALERT priority=", Needs: needsAlert, get: getAlert("priority")},
	{Name: "vigil.detection.output", Type: String, Help: "its text", Example: "vigil.detection.output contains /etc/shadow",
		Source: "RESP_ALERT output=", Needs: needsAlert, get: getAlert("output")},
}

var (
	needsLedger = []tables.Type{tables.TypeLedger}
	needsAlert  = []tables.Type{tables.TypeRespAlert}
)

func getAttributed(v *View, _ *Ref, out *Values) { out.Bool(v.attributed()) }

func getUintKey(key string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if n, ok := v.attributionUint(key); ok {
			out.Uint(n)
		}
	}
}

func getLedger(name string) func(*View, *Ref, *Values) { return getOf(tables.TypeLedger, name) }
func getAlert(name string) func(*View, *Ref, *Values)  { return getOf(tables.TypeRespAlert, name) }

// getOf takes the text of a field of the first record of a type.
func getOf(t tables.Type, name string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if r, ok := v.ev.First(t); ok {
			if f, ok := r.Get(name); ok && !f.IsNull() {
				out.Bytes(v.text(f))
			}
		}
	}
}

func getLedgerUint(name string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if r, ok := v.ev.First(tables.TypeLedger); ok {
			if f, ok := r.Get(name); ok {
				if n, ok := f.Uint(); ok {
					out.Uint(n)
				}
			}
		}
	}
}
