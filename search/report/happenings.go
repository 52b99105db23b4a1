package report

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/report/document"
)

func isLogin(t tables.Type) bool { return t == tables.TypeUserLogin }

func isAuthentication(t tables.Type) bool { return t == tables.TypeUserAuth || t == tables.TypeGrpAuth }

// isAccountChange reports whether records of a type tell of changed accounts,
// groups, roles or passwords. Stock aureport leaves out the last four.
func isAccountChange(t tables.Type) bool {
	switch t {
	case tables.TypeAddUser, tables.TypeDelUser, tables.TypeAddGroup, tables.TypeDelGroup, tables.TypeUserMgmt, tables.TypeGrpMgmt,
		tables.TypeUserChauthtok, tables.TypeRoleAssign, tables.TypeRoleRemove,
		tables.TypeGrpChauthtok, tables.TypeAcctLock, tables.TypeAcctUnlock, tables.TypeChuserID:
		return true
	}
	return false
}

// isConfiguration reports whether records of a type tell of a changed
// configuration: audit's, the system's, the firewall's, or a security module's.
// Stock aureport leaves out FEATURE_CHANGE.
func isConfiguration(t tables.Type) bool {
	switch t {
	case tables.TypeConfigChange, tables.TypeDaemonConfig, tables.TypeUsysConfig, tables.TypeUserMACConfigChange, tables.TypeNetfilterCfg,
		tables.TypeFeatureChange:
		return true
	}
	return t >= tables.TypeMACPolicyLoad && t <= tables.TypeMACUnlblStcDel
}

func isAnomaly(t tables.Type) bool { return t >= 1700 && t < 1800 || t >= 2100 && t < 2200 }

func isResponse(t tables.Type) bool { return t >= 2200 && t < 2300 }

func isAlert(t tables.Type) bool { return t == tables.TypeRespAlert }

func isDecision(t tables.Type) bool {
	switch t {
	case tables.TypeAVC, tables.TypeUserAVC, tables.TypeLandlockAccess:
		return true
	}
	return false
}

// isMAC reports whether records of a type tell of mandatory access control itself:
// the kernel's from MAC_POLICY_LOAD on, and those of programs on labels and roles.
func isMAC(t tables.Type) bool {
	return t >= tables.TypeMACPolicyLoad && t <= tables.TypeMACUnlblStcDel || t >= 2300 && t < 2400
}

func logins() listing {
	return listing{empty: "nobody logged in: programs like sshd and login tell of logins by USER_LOGIN",
		columns: []document.Column{{Name: "account"}, {Name: "from"}, {Name: "terminal"}, {Name: "program"}},
		pick: func(m *moment, emit func(row)) {
			if isLogin(m.Type) {
				emit(newRow(m, account(m), from(m), terminal(m), m.Known(m.Exe)))
			}
		}}
}

func authentications() listing {
	return listing{user: true, empty: "nobody was authenticated",
		columns: []document.Column{{Name: "account"}, {Name: "from"}, {Name: "terminal"}, {Name: "program"}},
		pick: func(m *moment, emit func(row)) {
			if isAuthentication(m.Type) {
				emit(newRow(m, account(m), from(m), terminal(m), m.Known(m.Exe)))
			}
		}}
}

func accounts() listing {
	return listing{user: true, empty: "no account, group or password was changed",
		columns: []document.Column{{Name: "change"}, {Name: "account"}, {Name: "what", Kind: document.Wide}, {Name: "program"}},
		pick: func(m *moment, emit func(row)) {
			if isAccountChange(m.Type) {
				what := bytes.TrimSpace(m.Operation())
				emit(newRow(m, m.Type.AppendTo(nil), account(m), what, m.Known(m.Exe)))
			}
		}}
}

func configuration() listing {
	return listing{user: true, empty: "no configuration was changed",
		columns: []document.Column{{Name: "change"}, {Name: "what", Kind: document.Wide}, {Name: "program"}},
		pick: func(m *moment, emit func(row)) {
			if isConfiguration(m.Type) || isDaemon(m.Type) {
				emit(newRow(m, m.Type.AppendTo(nil), m.Details(nil), m.Known(m.Exe)))
			}
		}}
}

// isDaemon reports whether records of a type are the audit daemon's own: when it
// began and ended is a matter of configuration.
func isDaemon(t tables.Type) bool { return t >= tables.TypeDaemonStart && t < 1300 }

func anomalies() listing {
	return listing{user: true, empty: "there is no anomaly",
		columns: []document.Column{{Name: "type"}, {Name: "what", Kind: document.Wide}, {Name: "program"}},
		pick: func(m *moment, emit func(row)) {
			if isAnomaly(m.Type) || isResponse(m.Type) {
				emit(newRow(m, m.Type.AppendTo(nil), m.Details(nil), m.Known(m.Exe)))
			}
		}}
}

func decisions() listing {
	return listing{user: true, empty: "no security module has told of a decision",
		columns: []document.Column{{Name: "decision"}, {Name: "program"}, {Name: "object", Kind: document.Wide}, {Name: "what", Kind: document.Wide}},
		pick: func(m *moment, emit func(row)) {
			for i := range m.Event.Records {
				if r := &m.Event.Records[i]; isDecision(r.Type) {
					emit(decision(m, r))
				}
			}
		}}
}

// decision is the row of one record: an event may have several.
func decision(m *moment, r *audit.Record) row {
	verdict, perms := r.AVC()
	what := bytes.Clone(perms)
	var object, program []byte
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		switch string(f.Name) {
		case "apparmor":
			verdict = bytes.ToLower(m.Text(f))
		case "operation", "requested_mask", "tclass", "blockers", "class":
			if len(what) > 0 {
				what = append(what, ' ')
			}
			what = append(what, m.Text(f)...)
		case "path", "name":
			object = m.Text(f)
		case "comm", "exe":
			program = m.Text(f)
		}
	}
	if r.Type == tables.TypeLandlockAccess {
		verdict = []byte("denied")
	}
	w := newRow(m, verdict, program, object, what)
	w.result = r.Result()
	return w
}

func alerts() listing {
	return listing{user: true, empty: "there is no alert",
		columns: []document.Column{{Name: "rule"}, {Name: "priority"}, {Name: "output", Kind: document.Wide}},
		pick: func(m *moment, emit func(row)) {
			if !isAlert(m.Type) {
				return
			}
			var cells [3][]byte
			fs := m.Main.Fields()
			for f, ok := fs.Next(); ok; f, ok = fs.Next() {
				switch string(f.Name) {
				case "rule":
					cells[0] = m.Text(f)
				case "priority":
					cells[1] = m.Text(f)
				case "output":
					cells[2] = m.Text(f)
				}
			}
			emit(newRow(m, cells[:]...))
		}}
}
