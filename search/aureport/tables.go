package aureport

import (
	"vigil/audit/tables"
	"vigil/search/aulog"
	"vigil/search/auparse"
)

// kind is one of the reports.
type kind uint8

const (
	summary kind = iota // the main one, if none is asked for
	avcs
	auths
	commands
	configs
	cryptos
	events
	files
	hosts
	integrities
	keys
	logins
	mods
	macs
	anomalies
	pids
	responses
	syscalls
	logs
	terminals
	ttys
	users
	virts
	executables
)

// table says what a report looks like and what is in it.
type table struct {
	title, columns string
	above, below   int // the lengths of the lines round the columns
	totals, total  string
	totalsLine     int
	want           aulog.Want
	holds          func(tables.Type) bool // a record of which an event must have; nil: none
	row            func(*rows, *aulog.Event, *aulog.Facts)
	count          func(*totals, *aulog.Event, *aulog.Facts)
	byNumber       bool // equal totals are in the order of their numbers
}

// What several reports look for; all of them look for wantAlways.
const (
	wantAlways = aulog.WantPID | aulog.WantSuccess
	wantPlace  = aulog.WantTerminal | aulog.WantHost
	wantUser   = aulog.WantExe | aulog.WantAcct | wantPlace

	wantOverview = aulog.WantLoginUID | aulog.WantComm | aulog.WantFile | aulog.WantKey | wantUser
)

// escape is how the names of totals are printed: aureport forgets about some.
func (t *table) escape(say *speaker) auparse.Escape {
	switch t.total {
	case "total  obj", "total  host", "total  terminal":
		return say.harmless
	}
	return say.escape
}

// tableOf returns what there is to say of a report.
func tableOf(k kind) table {
	if t, ok := reportsOfTypes()[k]; ok {
		return t
	}
	return reportsOfNames()[k]
}

// reportsOfTypes are the reports of events that have a record of a certain type.
func reportsOfTypes() map[kind]table {
	return map[kind]table{
		avcs: {
			"AVC Report", "# date time comm subj syscall class permission obj result event", 63, 63,
			"Avc Object Summary Report", "total  obj", 33,
			aulog.WantComm | aulog.WantAVC, isAVC, (*rows).avc, (*totals).objects, false,
		},
		auths: {
			"Authentication Report", "# date time acct host term exe success event", 44, 44,
			"Authentication Summary Report", "total  acct", 29,
			aulog.WantUID | wantUser, isAuth, (*rows).auth, (*totals).auth, false,
		},
		configs: {
			"Config Change Report", "# date time type auid success event", 35, 35,
			"Config Change Summary Report", "total  type", 28,
			aulog.WantLoginUID, isConfig, (*rows).typeAuid, (*totals).types, true,
		},
		cryptos: {
			"Crypto Report", "# date time auid type success event", 35, 35,
			"Crypto Summary Report", "total  type", 21,
			aulog.WantLoginUID, isCrypto, (*rows).auidType, (*totals).types, true,
		},
		events: {
			"Event Report", "# date time event type auid success", 35, 35,
			"Event Summary Report", "total  type", 22,
			aulog.WantLoginUID, nil, (*rows).event, (*totals).types, true,
		},
		integrities: {
			"Integrity Report", "# date time type success event", 30, 30,
			"Integrity Summary Report", "total  type", 24,
			aulog.WantLoginUID, isIntegrity, (*rows).typed, (*totals).types, true,
		},
		logins: {
			"Login Report", "# date time auid host term exe success event", 44, 44,
			"Login Summary Report", "total  auid", 28,
			aulog.WantLoginUID | wantUser, isLogin, (*rows).login, (*totals).logins, false,
		},
		mods: {
			"Account Modifications Report", "# date time auid addr term exe acct success event", 49, 49,
			"Acct Modification Summary Report", "total  type", 32,
			aulog.WantLoginUID | wantUser, isMod, (*rows).mod, (*totals).types, true,
		},
		macs: {
			"MAC Report", "# date time auid type success event", 35, 35,
			"MAC Summary Report", "total  type", 18,
			aulog.WantLoginUID, isMAC, (*rows).auidType, (*totals).types, true,
		},
		anomalies: {
			"Anomaly Report", "# date time type exe term host auid event", 41, 41,
			"Anomaly Summary Report", "total  type", 22,
			aulog.WantLoginUID | aulog.WantComm | wantUser, isAnomaly, (*rows).anomaly, (*totals).types, true,
		},
		responses: {
			"Response to Anomaly Report", "# date time type success event", 30, 30,
			"Anomaly Response Summary Report", "total  type", 31,
			0, isResponse, (*rows).typed, (*totals).types, true,
		},
		ttys: {
			"TTY Report", "# date time event auid term sess comm data", 47, 47, "", "", 0,
			aulog.WantLoginUID | aulog.WantSession | aulog.WantComm | aulog.WantTerminal, isTTY, (*rows).tty, nil, false,
		},
		virts: {
			"Virtualization Report", "# date time type success event", 30, 30,
			"Virtualization Summary Report", "total  type", 29,
			0, isVirt, (*rows).typed, (*totals).types, true,
		},
	}
}

// reportsOfNames are the reports of events that have something: a file, a host, a process.
func reportsOfNames() map[kind]table {
	return map[kind]table{
		commands: {
			"Command Report", "# date time comm term host auid event", 36, 37,
			"Command Summary Report", "total  command", 33,
			aulog.WantLoginUID | aulog.WantComm | wantPlace, nil, (*rows).command, (*totals).commands, false,
		},
		files: {
			"File Report", "# date time file syscall success exe auid event", 47, 47,
			"File Summary Report", "total  file", 27,
			aulog.WantLoginUID | aulog.WantExe | aulog.WantFile, nil, (*rows).file, (*totals).files, false,
		},
		hosts: {
			"Host Report", "# date time host syscall auid event", 35, 35,
			"Host Summary Report", "total  host", 27,
			aulog.WantLoginUID | aulog.WantHost, nil, (*rows).host, (*totals).hosts, false,
		},
		keys: {
			"Key Report", "# date time key success exe auid event", 47, 47,
			"Key Summary Report", "total  key", 27,
			aulog.WantLoginUID | aulog.WantExe | aulog.WantKey, nil, (*rows).key, (*totals).keys, false,
		},
		pids: {
			"Process ID Report", "# date time pid exe syscall auid event", 38, 38,
			"Pid Summary Report", "total  pid", 26,
			aulog.WantLoginUID | aulog.WantExe, nil, (*rows).pid, (*totals).pids, true,
		},
		syscalls: {
			"Syscall Report", "# date time syscall pid comm auid event", 39, 39,
			"Syscall Summary Report", "total  syscall", 26,
			aulog.WantLoginUID | aulog.WantComm, nil, (*rows).syscall, (*totals).syscalls, false,
		},
		terminals: {
			"Terminal Report", "# date time term host exe auid event", 36, 36,
			"Terminal Summary Report", "total  terminal", 31,
			aulog.WantLoginUID | wantUser, nil, (*rows).terminal, (*totals).terminals, false,
		},
		users: {
			"User ID Report", "# date time auid term host exe event", 36, 36,
			"User Summary Report", "total  auid", 27,
			aulog.WantUID | aulog.WantLoginUID | wantUser, nil, (*rows).user, (*totals).users, false,
		},
		executables: {
			"Executable Report", "# date time exe term host auid event", 36, 36,
			"Executable Summary Report", "total  file", 33,
			aulog.WantLoginUID | wantUser, nil, (*rows).executable, (*totals).executables, false,
		},
	}
}

// The record types of each report, as numbers where stock takes a whole range of <linux/audit.h> and libaudit.

func isAVC(t tables.Type) bool { return t == tables.TypeAVC || t == tables.TypeUserAVC }

// isAuth is what may be an authentication: USER_MGMT is one if it failed.
func isAuth(t tables.Type) bool { return t == tables.TypeUserAuth || t == tables.TypeUserMgmt }

func isConfig(t tables.Type) bool {
	switch t {
	case tables.TypeConfigChange, tables.TypeDaemonConfig, tables.TypeUsysConfig, tables.TypeNetfilterCfg, tables.TypeFeatureChange,
		tables.TypeUserMACConfigChange:
		return true
	}
	return isKernelMAC(t)
}

// isKernelMAC is MAC_POLICY_LOAD to MAC_UNLBL_STCDEL.
func isKernelMAC(t tables.Type) bool { return t >= 1403 && t <= 1417 }

func isMAC(t tables.Type) bool       { return isKernelMAC(t) || t >= 2300 && t <= 2399 }
func isCrypto(t tables.Type) bool    { return t >= 1600 && t <= 1699 || t >= 2400 && t <= 2499 }
func isIntegrity(t tables.Type) bool { return t >= 1800 && t <= 1899 }
func isLogin(t tables.Type) bool     { return t == tables.TypeUserLogin }
func isResponse(t tables.Type) bool  { return t >= 2200 && t <= 2299 }
func isTTY(t tables.Type) bool       { return t == tables.TypeTTY || t == tables.TypeUserTTY }
func isVirt(t tables.Type) bool      { return t >= 2500 && t <= 2599 }

func isMod(t tables.Type) bool {
	switch t {
	case tables.TypeUserMgmt, tables.TypeUserChauthtok, tables.TypeAddUser, tables.TypeDelUser, tables.TypeAddGroup,
		tables.TypeDelGroup, tables.TypeGrpMgmt, tables.TypeRoleAssign, tables.TypeRoleRemove:
		return true
	}
	return false
}

func isAnomaly(t tables.Type) bool { return t == tables.TypeSeccomp || isStrange(t) }

// isStrange is the types of anomalies proper.
func isStrange(t tables.Type) bool { return t >= 1700 && t <= 1799 || t >= 2100 && t <= 2199 }
