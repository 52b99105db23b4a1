package normal

import (
	"vigil/audit/tables"
	"vigil/search/auparse"
)

// meaning is what a record of a type says when it stands alone.
type meaning struct {
	action  string
	objKind string
	objects [2]string // the fields that may hold the object, the first that is there
}

// meanings has the types that have an action or an object. "suspcious" and "use-role" are spelled so by stock.
var meanings = map[tables.Type]meaning{
	tables.TypeUser:                  {"sent-message", "unknown", [2]string{"addr"}},
	tables.TypeLogin:                 {"changed-login-id-to", "user-session", [2]string{"auid"}},
	tables.TypeUserAuth:              {"authenticated", "user-session", [2]string{"acct"}},
	tables.TypeUserAcct:              {"was-authorized", "user-session", [2]string{"acct"}},
	tables.TypeUserMgmt:              {"modified-user-account", "account", [2]string{"id", "acct"}},
	tables.TypeCredAcq:               {"acquired-credentials", "user-session", [2]string{"acct"}},
	tables.TypeCredDisp:              {"disposed-credentials", "user-session", [2]string{"acct"}},
	tables.TypeUserStart:             {"started-session", "user-session", [2]string{"terminal"}},
	tables.TypeUserEnd:               {"ended-session", "user-session", [2]string{"terminal"}},
	tables.TypeUserAVC:               {"accessed-mac-policy-controlled-object", "unknown", [2]string{"tcontext"}},
	tables.TypeUserChauthtok:         {"changed-password", "user-session", [2]string{"acct"}},
	tables.TypeUserErr:               {"caused-account-error", "user-session", [2]string{"terminal"}},
	tables.TypeCredRefr:              {"refreshed-credentials", "user-session", [2]string{"acct"}},
	tables.TypeUsysConfig:            {"changed-configuration", "system", [2]string{}},
	tables.TypeUserLogin:             {"logged-in", "user-session", [2]string{"terminal"}},
	tables.TypeUserLogout:            {"logged-out", "user-session", [2]string{"terminal"}},
	tables.TypeAddUser:               {"added-user-account", "account", [2]string{"id", "acct"}},
	tables.TypeDelUser:               {"deleted-user-account", "account", [2]string{"id", "acct"}},
	tables.TypeAddGroup:              {"added-group-account-to", "account", [2]string{"id", "acct"}},
	tables.TypeDelGroup:              {"deleted-group-account-from", "account", [2]string{"id", "acct"}},
	tables.TypeDACCheck:              {"access-result", "unknown", [2]string{}},
	tables.TypeChgrpID:               {"changed-group", "unknown", [2]string{}},
	tables.TypeTest:                  {"sent-test", "unknown", [2]string{}},
	tables.TypeTrustedApp:            {"unknown", "unknown", [2]string{}},
	tables.TypeUserSELinuxErr:        {"access-error", "unknown", [2]string{}},
	tables.TypeUserCmd:               {"ran-command", "process", [2]string{"cmd"}},
	tables.TypeUserTTY:               {"typed", "keystrokes", [2]string{"data"}},
	tables.TypeChuserID:              {"changed-user-id", "unknown", [2]string{}},
	tables.TypeGrpAuth:               {"authenticated-to-group", "unknown", [2]string{}},
	tables.TypeSystemBoot:            {"booted-system", "system", [2]string{}},
	tables.TypeSystemShutdown:        {"shutdown-system", "service", [2]string{}},
	tables.TypeSystemRunlevel:        {"changed-to-runlevel", "system", [2]string{"new-level"}},
	tables.TypeServiceStart:          {"started-service", "service", [2]string{"unit"}},
	tables.TypeServiceStop:           {"stopped-service", "service", [2]string{"unit"}},
	tables.TypeGrpMgmt:               {"modified-group-account", "account", [2]string{"id", "acct"}},
	tables.TypeGrpChauthtok:          {"changed-group-password", "user-session", [2]string{"acct"}},
	tables.TypeMACCheck:              {"mac-permission", "unknown", [2]string{}},
	tables.TypeAcctLock:              {"locked-account", "account", [2]string{"id", "acct"}},
	tables.TypeAcctUnlock:            {"unlocked-account", "account", [2]string{"id", "acct"}},
	tables.TypeUserDevice:            {"configured-device", "keystrokes", [2]string{"device"}},
	tables.TypeSoftwareUpdate:        {"installed-software", "software", [2]string{"sw"}},
	tables.TypeDaemonStart:           {"started-audit", "service", [2]string{}},
	tables.TypeDaemonEnd:             {"shutdown-audit", "service", [2]string{}},
	tables.TypeDaemonAbort:           {"aborted-auditd-startup", "service", [2]string{}},
	tables.TypeDaemonConfig:          {"changed-auditd-configuration", "service", [2]string{}},
	tables.TypeDaemonReconfig:        {"reconfigured-auditd", "service", [2]string{}},
	tables.TypeDaemonRotate:          {"rotated-audit-logs", "service", [2]string{}},
	tables.TypeDaemonResume:          {"resumed-audit-logging", "service", [2]string{}},
	tables.TypeDaemonAccept:          {"remote-audit-connected", "service", [2]string{}},
	tables.TypeDaemonClose:           {"remote-audit-disconnected", "service", [2]string{}},
	tables.TypeDaemonErr:             {"audit-error", "service", [2]string{}},
	tables.TypeConfigChange:          {"changed-audit-configuration", "audit-config", [2]string{}},
	tables.TypeTTY:                   {"typed", "keystrokes", [2]string{"data"}},
	tables.TypeNetfilterCfg:          {"loaded-firewall-rule-to", "firewall", [2]string{"table"}},
	tables.TypeSeccomp:               {"called-seccomp-controlled-syscall", "process", [2]string{}},
	tables.TypeFeatureChange:         {"changed-audit-feature", "system", [2]string{}},
	tables.TypeKernModule:            {"loaded-kernel-module", "unknown", [2]string{}},
	tables.TypeFanotify:              {"accessed-policy-controlled-file", "unknown", [2]string{}},
	tables.TypeBPF:                   {"bpf-program", "process", [2]string{"prog-id"}},
	tables.TypeEventListener:         {"connected", "socket", [2]string{"nl-mcgrp"}},
	tables.TypeAVC:                   {"accessed-mac-policy-controlled-object", "unknown", [2]string{"tcontext"}},
	tables.TypeMACPolicyLoad:         {"loaded-selinux-policy", "mac-config", [2]string{}},
	tables.TypeMACStatus:             {"changed-selinux-enforcement-to", "mac-config", [2]string{"enforcing"}},
	tables.TypeMACConfigChange:       {"changed-selinux-boolean", "mac-config", [2]string{"bool"}},
	tables.TypeMACMapAdd:             {"added-mac-network-domain-mapping-to", "mac-config", [2]string{}},
	tables.TypeMACMapDel:             {"deleted-mac-network-domain-mapping-from", "mac-config", [2]string{}},
	tables.TypeAnomPromiscuous:       {"changed-socket-promiscuous-mode", "socket", [2]string{"dev"}},
	tables.TypeAnomAbend:             {"crashed-program", "process", [2]string{"exe"}},
	tables.TypeAnomLink:              {"used-suspcious-link", "unknown", [2]string{}},
	tables.TypeAnomCreat:             {"created-suspicious-file", "unknown", [2]string{}},
	tables.TypeKernel:                {"initialized-audit-subsystem", "unknown", [2]string{}},
	tables.TypeAnomLoginFailures:     {"failed-log-in-too-many-times-to", "user-session", [2]string{"acct"}},
	tables.TypeAnomLoginTime:         {"attempted-log-in-during-unusual-hour-to", "user-session", [2]string{"acct"}},
	tables.TypeAnomLoginSessions:     {"opened-too-many-sessions-to", "user-session", [2]string{"acct"}},
	tables.TypeAnomLoginLocation:     {"attempted-log-in-from-unusual-place-to", "user-session", [2]string{"acct"}},
	tables.TypeAnomRBACIntegrityFail: {"tested-file-system-integrity-of", "file-system", [2]string{"hostname"}},
	tables.TypeAnomExec:              {"attempted-execution-of-forbidden-program", "process", [2]string{"cmd"}},
	tables.TypeUserRoleChange:        {"changed-role-to", "user-session", [2]string{"selected-context"}},
	tables.TypeRoleAssign:            {"assigned-user-role-to", "account", [2]string{"id", "acct"}},
	tables.TypeRoleRemove:            {"removed-use-role-from", "account", [2]string{"id", "acct"}},
	tables.TypeLabelOverride:         {"overrode-label-of", "mac-config", [2]string{}},
	tables.TypeLabelLevelChange:      {"modified-level-of", "printer", [2]string{"printer"}},
	tables.TypeFSRelabel:             {"relabeled-filesystem", "mac-config", [2]string{}},
	tables.TypeDevAlloc:              {"", "mac-config", [2]string{}},
	tables.TypeDevDealloc:            {"", "mac-config", [2]string{}},
	tables.TypeUserMACPolicyLoad:     {"loaded-mac-policy", "mac-config", [2]string{}},
	tables.TypeRoleModify:            {"modified-role", "mac-config", [2]string{}},
	tables.TypeUserMACConfigChange:   {"changed-mac-configuration", "mac-config", [2]string{}},
	tables.TypeUserMACStatus:         {"changed-selinux-enforcement-to", "unknown", [2]string{}},
	tables.TypeCryptoLogin:           {"crypto-officer-logged-in", "unknown", [2]string{}},
	tables.TypeCryptoLogout:          {"crypto-officer-logged-out", "unknown", [2]string{}},
	tables.TypeCryptoKeyUser:         {"negotiated-crypto-key", "user-session", [2]string{"fp"}},
	tables.TypeCryptoSession:         {"started-crypto-session", "user-session", [2]string{"addr"}},
	tables.TypeVirtControl:           {"issued-vm-control", "virtual-machine", [2]string{"op"}},
	tables.TypeVirtResource:          {"assigned-vm-resource", "virtual-machine", [2]string{"resrc"}},
	tables.TypeVirtMachineID:         {"assigned-vm-id", "virtual-machine", [2]string{"vm"}},
	tables.TypeVirtIntegrityCheck:    {"checked-integrity-of", "unknown", [2]string{}},
	tables.TypeVirtCreate:            {"created-vm-image", "unknown", [2]string{}},
	tables.TypeVirtDestroy:           {"deleted-vm-image", "unknown", [2]string{}},
	tables.TypeVirtMigrateIn:         {"migrated-vm-from", "unknown", [2]string{}},
	tables.TypeVirtMigrateOut:        {"migrated-vm-to", "unknown", [2]string{}},
}

// kinds are the kinds of events by the number of their first record's type: each holds from its number on. V4 differs
// in one type, see kindOf.
var kinds = [...]struct {
	from tables.Type
	kind string
}{
	{1000, "unknown"},
	{1006, "user-login"},
	{1007, "unknown"},
	{1100, "user-login"},
	{1102, "user-account"},
	{1103, "user-login"},
	{1107, "mac-decision"},
	{1108, "user-login"},
	{1111, "configuration"},
	{1112, "user-login"},
	{1114, "user-account"},
	{1118, "unknown"},
	{1119, "group-change"},
	{1120, "user-space"},
	{1122, "mac-decision"},
	{1123, "user-space"},
	{1124, "TTY"},
	{1125, "user-space"},
	{1126, "group-change"},
	{1127, "system-services"},
	{1132, "user-account"},
	{1134, "unknown"},
	{1135, "user-account"},
	{1137, "configuration"},
	{1139, "unknown"},
	{1200, "audit-daemon"},
	{1300, "audit-rule"},
	{1305, "configuration"},
	{1306, "audit-rule"},
	{1316, "unknown"},
	{1317, "audit-rule"},
	{1319, "TTY"},
	{1321, "audit-rule"},
	{1325, "configuration"},
	{1326, "dac-decision"},
	{1327, "unknown"},
	{1328, "configuration"},
	{1329, "unknown"},
	{1331, "av-decision"},
	{1332, "configuration"},
	{1334, "bpf-program"},
	{1335, "audit-daemon"},
	{1336, "unknown"},
	{1400, "mac-decision"},
	{1403, "mac"},
	{1502, "mac-decision"},
	{1504, "mac"},
	{1506, "mac-decision"},
	{1507, "unknown"},
	{1600, "crypto"},
	{1700, "anomaly"},
	{1800, "integrity"},
	{1900, "unknown"},
	{2000, "system-services"},
	{2001, "unknown"},
	{2100, "anomaly"},
	{2109, "integrity"},
	{2110, "anomaly"},
	{2200, "anomaly-response"},
	{2300, "mac"},
	{2400, "crypto"},
	{2500, "virt"},
	{2600, "unknown"},
}

// kindOf is the kind of the events that begin with a record of type t.
func kindOf(t tables.Type, v auparse.Version) string {
	if t == tables.TypeUringOp && v == auparse.V4 {
		return "audit-rule"
	}
	low, high := 0, len(kinds)
	for low < high {
		if mid := (low + high) / 2; kinds[mid].from <= t {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return "unknown"
	}
	return kinds[low-1].kind
}
