package auparse

import (
	"bytes"

	"vigil/audit/tables"
)

// kind says how a field's value is printed.
type kind uint8

const (
	kindNone kind = iota
	kindUser
	kindGroup
	kindSyscall
	kindArch
	kindExit
	kindEscaped
	kindPerm
	kindMode
	kindSockaddr
	kindWalkFlags
	kindPromiscuous
	kindCapability
	kindResult
	kindA0
	kindA1
	kindA2
	kindA3
	kindSignal
	kindList
	kindTTY
	kindSession
	kindCapabilities
	kindNetfilterFamily
	kindICMP
	kindProtocol
	kindAddr
	kindPersonality
	kindSeccomp
	kindOpenFlags
	kindMmap
	kindModeShort
	kindLabel
	kindProctitle
	kindHook
	kindNetfilterAction
	kindMACProtocol
	kindIoctl
	kindKey
	kindFanotify
	kindMulticast
	kindResolve
	kindTrust
	kindFanType
	kindFanInfo
	kindErrno
)

// kindOf returns the kind of a field, which hangs on the record's type for some names.
func (x *Interpreter) kindOf(t tables.Type, name, value []byte) kind {
	switch t {
	case tables.TypeExecve:
		if len(name) > 0 && name[0] == 'a' && string(name) != "argc" && !bytes.Contains(name, []byte("_len")) {
			return kindEscaped
		}
	case tables.TypeTrustedApp:
		if x.version == V3 {
			if len(value) > 0 && value[0] == '"' {
				return kindEscaped
			}
			return kindNone
		}
		if k := x.kindByName(t, name, value); k != kindNone || string(name) == "pid" {
			return k
		}
		return kindEscaped
	}
	return x.kindByName(t, name, value)
}

// kindByName returns the kind of a name.
func (x *Interpreter) kindByName(t tables.Type, name, value []byte) kind {
	switch string(name) {
	case "acct":
		if countHex(value) == len(value) || value[0] == '"' {
			return kindEscaped
		}
		return kindNone
	case "saddr":
		switch t {
		case tables.TypeAVC:
			return kindNone
		case tables.TypeNetfilterPkt:
			return kindAddr
		}
		return kindSockaddr
	case "id":
		if t == tables.TypeAddGroup || t == tables.TypeDelGroup || t == tables.TypeGrpMgmt {
			return kindGroup
		}
		return kindUser
	case "fp":
		if t == tables.TypeCryptoKeyUser {
			return kindNone
		}
		return kindCapabilities
	case "msg":
		if t == tables.TypeUserTTY {
			return kindEscaped
		}
		return kindNone
	case "mode":
		if t == tables.TypeMQOpen {
			return kindModeShort
		}
		return kindMode
	case "flags":
		if x.version == V3 && t == tables.TypePath {
			return kindWalkFlags
		}
		return kindMmap
	case "uring_op", "obj_trust", "subj_trust", "fan_type", "fan_info", "errno":
		if x.version == V3 {
			return kindNone
		}
	}
	return kindOfName(name)
}

// kindOfName returns the kind of a name that means the same in every record.
func kindOfName(name []byte) kind {
	switch string(name) {
	case "auid", "uid", "euid", "suid", "fsuid", "ouid", "oauid", "old-auid", "iuid", "inode_uid", "sauid", "obj_uid":
		return kindUser
	case "gid", "egid", "sgid", "fsgid", "ogid", "igid", "inode_gid", "obj_gid", "new_gid":
		return kindGroup
	case "syscall", "uring_op":
		return kindSyscall
	case "arch":
		return kindArch
	case "exit":
		return kindExit
	case "comm", "exe", "name", "cwd", "cmd", "path", "dir", "file", "vm", "watch", "device", "cgroup", "apparmor",
		"operation", "denied_mask", "requested_mask", "info", "profile", "ocomm", "grp", "new_group",
		"invalid_context", "sw", "root_dir", "old-disk", "new-disk", "old-fs", "new-fs", "old-net", "new-net",
		"old-rng", "new-rng", "old-chardev", "new-chardev":
		return kindEscaped
	case "key":
		return kindKey
	case "proctitle":
		return kindProctitle
	case "ses":
		return kindSession
	case "a0":
		return kindA0
	case "a1":
		return kindA1
	case "a2":
		return kindA2
	case "a3":
		return kindA3
	case "subj", "obj", "scontext", "tcontext", "vm-ctx", "img-ctx":
		return kindLabel
	case "res", "result":
		return kindResult
	case "cap_fi", "cap_fp", "cap_pi", "cap_pe", "cap_pp", "cap_pa", "fi", "pi", "pe", "pp", "pa", "old_pi", "old_pe",
		"old_pp", "old_pa", "new_pi", "new_pe", "new_pp":
		return kindCapabilities
	}
	return kindOfRareName(name)
}

// kindOfRareName knows the names that hardly any record has.
func kindOfRareName(name []byte) kind {
	switch string(name) {
	case "addr":
		return kindAddr
	case "perm", "perm_mask":
		return kindPerm
	case "prom", "old_prom":
		return kindPromiscuous
	case "capability":
		return kindCapability
	case "sig", "sigev_signo":
		return kindSignal
	case "list":
		return kindList
	case "data":
		return kindTTY
	case "family":
		return kindNetfilterFamily
	case "icmptype":
		return kindICMP
	case "proto":
		return kindProtocol
	case "per":
		return kindPersonality
	case "code":
		return kindSeccomp
	case "oflag":
		return kindOpenFlags
	case "hook":
		return kindHook
	case "action":
		return kindNetfilterAction
	case "macproto":
		return kindMACProtocol
	case "ioctlcmd":
		return kindIoctl
	case "resp":
		return kindFanotify
	case "nl-mcgrp":
		return kindMulticast
	case "resolve":
		return kindResolve
	case "obj_trust", "subj_trust":
		return kindTrust
	case "fan_type":
		return kindFanType
	case "fan_info":
		return kindFanInfo
	case "errno":
		return kindErrno
	}
	return kindNone
}
