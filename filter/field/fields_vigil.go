package field

import "vigil/audit/tables"

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
