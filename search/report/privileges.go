package report

import (
	"bytes"
	"math/bits"

	"vigil/audit/tables"
	"vigil/search/report/document"
	"vigil/search/report/facts"
)

// privileges lists how somebody came to be more than he was.
func privileges() listing {
	return listing{user: true, empty: "nobody changed privileges",
		columns: []document.Column{{Name: "how"}, {Name: "to"}, {Name: "command", Kind: document.Wide}},
		pick: func(m *moment, emit func(row)) {
			switch m.Type {
			case tables.TypeUserCmd: // sudo tells of the command so
				emit(newRow(m, base(m.Known(m.Exe)), nil, m.Known(m.Cmd)))
			case tables.TypeUserStart, tables.TypeUserAuth:
				becomes(m, emit)
			default:
				if m.exec {
					raised(m, emit)
				}
			}
		}}
}

// becomes tells of programs by which one becomes another user. Of sudo's session
// USER_CMD has told already; that the right password was given leads to a session.
func becomes(m *moment, emit func(row)) {
	program := base(m.Known(m.Exe))
	switch string(program) {
	case "su", "runuser", "pkexec", "polkit-agent-helper-1", "doas", "run0", "ksu":
	case "sudo":
		if m.Type == tables.TypeUserStart {
			return
		}
	default:
		return
	}
	if m.Type == tables.TypeUserAuth {
		if m.failed {
			emit(newRow(m, program, account(m), []byte("(not authenticated)")))
		}
		return
	}
	emit(newRow(m, program, account(m)))
}

// raised tells of an execution that brought privileges: of a program with a setuid
// or setgid bit that changed the user or group, or with capabilities in its file.
func raised(m *moment, emit func(row)) {
	how, to := "", []byte(nil)
	mode, first := uint32(0), true
	if !bytes.Equal(m.UID.Value, m.EUID.Value) || !bytes.Equal(m.GID.Value, m.EGID.Value) {
		m.Paths(func(p facts.Path) {
			if first { // the program; its interpreter and loader come after it
				mode, first = p.Mode, false
			}
		})
	}
	switch {
	case mode&0o4000 != 0 && !bytes.Equal(m.UID.Value, m.EUID.Value):
		how, to = "setuid", m.EUID.Value
		if name := m.Known(m.EUIDName); name != nil {
			to = name
		}
	case mode&0o2000 != 0 && !bytes.Equal(m.GID.Value, m.EGID.Value):
		how, to = "setgid", append([]byte("group "), m.EGID.Value...)
	default:
		gained := gainedCapabilities(m)
		if gained == 0 {
			return
		}
		how, to = "capabilities", appendCapabilities(nil, gained)
	}
	emit(newRow(m, []byte(how), to, m.CommandLine(nil)))
}

// gainedCapabilities returns what the permitted set has that it did not have
// before, as the record of the execution of a program with capabilities says.
func gainedCapabilities(m *moment) uint64 {
	r, ok := m.Event.First(tables.TypeBPRMFcaps)
	if !ok {
		return 0
	}
	var before, after uint64
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		switch string(f.Name) {
		case "old_pp":
			before, _ = f.Hex()
		case "pp", "new_pp":
			after, _ = f.Hex()
		}
	}
	return after &^ before
}

// capabilities are the names of <linux/capability.h>, by number.
var capabilities = [...]string{"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
	"sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
	"perfmon", "bpf", "checkpoint_restore"}

// appendCapabilities appends the names of a set.
func appendCapabilities(dst []byte, set uint64) []byte {
	if bits.OnesCount64(set) >= len(capabilities) {
		return append(dst, "all capabilities"...)
	}
	for i := range 64 {
		if set&(1<<i) == 0 {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		if i < len(capabilities) {
			dst = append(append(dst, "cap_"...), capabilities[i]...)
		} else {
			dst = append(dst, "cap_?"...)
		}
	}
	return dst
}
