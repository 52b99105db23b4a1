package sentence

import (
	"vigil/audit"
	"vigil/audit/tables"
)

// decision reports whether the event has a record that says more than its system call, and makes it the one to tell
// of.
func (t *Teller) decision() bool {
	for _, r := range t.e.Records {
		switch r.Type {
		case tables.TypeAVC, tables.TypeUserAVC, tables.TypeAppArmorDenied, tables.TypeAppArmorAllowed, tables.TypeNetfilterCfg, tables.TypeMACStatus, tables.TypeMACPolicyLoad,
			tables.TypeMACConfigChange, tables.TypeAnomPromiscuous, tables.TypeAnomAbend, tables.TypeAnomLink,
			tables.TypeSeccomp, tables.TypeConfigChange, tables.TypeFeatureChange, tables.TypeBPF,
			tables.TypeEventListener, tables.TypeIntegrityData, tables.TypeIntegrityMetadata, tables.TypeFanotify,
			tables.TypeSELinuxErr, tables.TypeTTY, tables.TypeUserTTY, tables.TypeLogin:
			return true
		}
	}
	return false
}

// decided tells of such a record.
func (t *Teller) decided(dst []byte) []byte {
	for _, r := range t.e.Records {
		sys := t.main
		if sys.Type != tables.TypeSyscall {
			sys = r
		}
		t.main = sys
		switch r.Type {
		case tables.TypeAVC, tables.TypeUserAVC, tables.TypeAppArmorDenied, tables.TypeAppArmorAllowed:
			return t.access(dst, r)
		case tables.TypeNetfilterCfg:
			dst = t.does(dst, r, phrase{"changed", "change"}, "the firewall")
			return t.detail(dst, r, " table ", "table")
		case tables.TypeMACStatus:
			dst = t.does(dst, r, phrase{"set", "set"}, "SELinux")
			return t.choice(dst, r, "enforcing", " to enforce", " not to enforce")
		case tables.TypeMACPolicyLoad:
			return t.does(dst, r, phrase{"loaded", "load"}, "a security policy")
		case tables.TypeMACConfigChange:
			dst = t.does(dst, r, phrase{"set", "set"}, "the SELinux boolean")
			return t.detail(t.detail(dst, r, " ", "bool"), r, " to ", "val")
		case tables.TypeAnomPromiscuous:
			dst = t.detail(t.does(dst, r, phrase{"switched", "switch"}, "the network device"), r, " ", "dev")
			return t.choice(dst, r, "prom", " out of promiscuous mode", " into promiscuous mode")
		case tables.TypeAnomAbend:
			dst = append(t.program(append(t.who(dst), "'s process"...)), " crashed"...)
			return t.detail(dst, r, " by signal ", "sig")
		case tables.TypeAnomLink:
			dst = append(t.who(dst), " was kept from following a link"...)
			if path, ok := t.file(); ok {
				dst = t.path(append(dst, " at "...), path)
			}
			return t.program(dst)
		case tables.TypeSeccomp:
			return t.filtered(dst, r)
		case tables.TypeConfigChange:
			return t.config(dst, r)
		case tables.TypeFeatureChange:
			dst = t.does(dst, r, phrase{"set", "set"}, "the audit feature")
			return t.detail(t.detail(dst, r, " ", "feature"), r, " to ", "new")
		case tables.TypeBPF:
			dst = t.choice(append(t.who(dst), ' '), r, "op", "loaded", "unloaded")
			dst = t.detail(append(dst, " the BPF program"...), r, " ", "prog-id")
			return t.program(dst)
		case tables.TypeEventListener:
			dst = t.choice(append(t.who(dst), ' '), r, "op", "began", "stopped")
			return t.program(append(dst, " listening to audit events"...))
		case tables.TypeIntegrityData, tables.TypeIntegrityMetadata:
			dst = t.detail(append(dst, "the integrity of"...), r, " ", "name")
			dst = t.detail(append(dst, " was found broken"...), r, ": ", "cause")
			return t.program(dst)
		case tables.TypeFanotify:
			return t.scanned(dst, r)
		case tables.TypeSELinuxErr:
			return t.program(append(t.who(dst), " met an error of the SELinux policy"...))
		case tables.TypeTTY, tables.TypeUserTTY:
			return t.typed(dst, r)
		case tables.TypeLogin:
			return t.login(dst, r)
		}
	}
	return dst
}

// does appends who did what, and whether it failed: for records whose event may have no system call.
func (t *Teller) does(dst []byte, r audit.Record, p phrase, what string) []byte {
	dst = t.who(dst)
	return append(append(did(dst, p, r.Result()), ' '), what...)
}

// detail appends a field of r behind a word, if it is there.
func (t *Teller) detail(dst []byte, r audit.Record, before, name string) []byte {
	f, ok := r.Get(name)
	if !ok || blank(f) {
		return dst
	}
	return t.appendText(append(dst, before...), f)
}

// blank reports whether a field says nothing.
func blank(f audit.Field) bool {
	switch string(f.Value) {
	case "", "?", `"?"`, `""`, "(none)":
		return true
	}
	return f.IsNull()
}

// choice appends one of two words by a field: the first if it says 1, LOAD or connect.
func (t *Teller) choice(dst []byte, r audit.Record, name, yes, no string) []byte {
	f, ok := r.Get(name)
	if name == "prom" { // a set of flags
		if n, is := f.Uint(); ok && is && n != 0 {
			return append(dst, no...)
		}
		return append(dst, yes...)
	}
	switch string(f.Value) {
	case "1", "LOAD", "connect":
		return append(dst, yes...)
	}
	return append(dst, no...)
}

// access tells of a decision of a security module.
func (t *Teller) access(dst []byte, r audit.Record) []byte {
	verdict, perms := r.AVC()
	if verdict == nil {
		return t.apparmor(dst, r)
	}
	dst = append(t.who(dst), " was "...)
	dst = appendSafe(dst, verdict)
	if len(perms) > 0 {
		dst = append(dst, " to "...)
		dst = appendSafe(dst, perms)
	}
	for _, name := range [...]string{"path", "name", "dest"} {
		if _, ok := r.Get(name); ok {
			dst = t.detail(dst, r, " ", name)
			break
		}
	}
	dst = t.detail(dst, r, " of class ", "tclass")
	dst = t.detail(t.detail(dst, r, ", by policy for ", "scontext"), r, " on ", "tcontext")
	return t.program(dst)
}

// apparmor tells of a decision of AppArmor.
func (t *Teller) apparmor(dst []byte, r audit.Record) []byte {
	verdict, ok := r.Get("apparmor")
	if v := string(verdict.Value); ok && v != `"DENIED"` && v != `"ALLOWED"` {
		dst = t.detail(append(dst, "AppArmor noted"...), r, " ", "operation")
		return t.program(t.detail(dst, r, " of ", "name"))
	}
	dst = append(t.who(dst), " was "...)
	switch {
	case !ok:
		dst = append(dst, "seen by a security module"...)
	case string(verdict.Value) == `"DENIED"`:
		dst = append(dst, "denied"...)
	default:
		dst = append(dst, "allowed, though the profile denies it,"...)
	}
	dst = t.detail(dst, r, " ", "operation")
	dst = t.detail(t.detail(dst, r, " of ", "name"), r, " by the profile ", "profile")
	return t.program(dst)
}

// filtered tells of a system call that a filter took.
func (t *Teller) filtered(dst []byte, r audit.Record) []byte {
	line := &t.line
	t.x.Load(line, r)
	dst = append(t.who(dst), " met a filter at the system call"...)
	if i := line.Find("syscall"); i >= 0 {
		dst = t.value(append(dst, ' '), i)
	}
	if i := line.Find("code"); i >= 0 {
		dst = t.value(append(dst, ", which answered "...), i)
	}
	return t.program(dst)
}

// config tells of a change of the audit system.
func (t *Teller) config(dst []byte, r audit.Record) []byte {
	op, _ := r.Get("op")
	p := phrase{"changed", "change"}
	what := "the audit system"
	t.buf = op.Text(t.buf[:0])
	switch string(t.buf) {
	case "add_rule":
		p, what = phrase{"added", "add"}, "an audit rule"
	case "remove_rule":
		p, what = phrase{"removed", "remove"}, "an audit rule"
	case "updated_rules":
		p, what = phrase{"moved", "move"}, "what an audit rule watches"
	}
	dst = t.does(dst, r, p, what)
	fields := r.Fields()
	told := 0
	for f, ok := fields.Next(); ok && told < few; f, ok = fields.Next() {
		switch string(f.Name) {
		case "audit_enabled", "audit_pid", "audit_failure", "audit_backlog_limit", "audit_rate_limit",
			"audit_backlog_wait_time", "lost":
			told++
			dst = append(appendSafe(append(dst, ": "...), f.Name), " to "...)
			dst = t.appendText(dst, f)
			dst = t.detail(dst, r, " from ", "old")
		case "path", "dir":
			told++
			dst = t.appendText(append(dst, " at "...), f)
		case "key":
			if r.Type == t.main.Type || f.IsNull() {
				continue // said at the end
			}
			told++
			dst = t.appendText(append(dst, " with the key "...), f)
		}
	}
	return t.program(dst)
}

// scanned tells of a decision of a scanner.
func (t *Teller) scanned(dst []byte, r audit.Record) []byte {
	const allow = "1" // FAN_ALLOW
	dst = t.who(dst)
	if f, _ := r.Get("resp"); string(f.Value) == allow {
		dst = append(dst, " was allowed by a file monitor to use "...)
	} else {
		dst = append(dst, " was denied by a file monitor to use "...)
	}
	if path, ok := t.file(); ok {
		dst = t.path(dst, path)
	} else {
		dst = append(dst, "a file"...)
	}
	return t.program(dst)
}

// typed tells what was typed.
func (t *Teller) typed(dst []byte, r audit.Record) []byte {
	dst = append(t.who(dst), " typed "...)
	t.x.Load(&t.line, r)
	if i := t.line.Find("data"); i >= 0 {
		dst = t.value(dst, i)
	}
	return t.program(dst)
}

// login tells that a process belongs to somebody from now on.
func (t *Teller) login(dst []byte, r audit.Record) []byte {
	t.main = r
	t.x.Load(&t.line, r)
	if i := t.user("auid"); i >= 0 {
		dst = t.value(dst, i)
	} else {
		dst = append(dst, "somebody"...)
	}
	dst = append(dst, " began a login session"...)
	if r.Result() == audit.ResultFailure {
		dst = append(dst, ", which failed,"...)
	}
	return t.program(dst)
}
