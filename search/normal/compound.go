package normal

import "vigil/audit/tables"

// compound finds the parts of an event with a system call, the record sys.
func (n *Normalizer) compound(sys int) {
	p, c := &n.parts, &n.at
	c.set(sys)
	p.result = c.seekIn("success", sys)
	p.subjPrime = c.seekIn("auid", sys)
	p.subjSec = c.seek("uid", sys)
	p.subjKind = n.account(p.subjSec)
	p.subjSec = in(p.subjSec, sys)
	if n.attributes {
		for _, name := range [...]string{"ppid", "pid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid", "tty"} {
			c.seek(name, sys)
		}
	}
	p.session = c.seekIn("ses", sys)
	if n.attributes {
		p.subjLabel = c.seekIn("subj", sys)
	}
	p.how = n.program(sys)
	if p.how.rec == 0 {
		c.set(sys)
	}
	if p.key, _ = c.find("key"); string(c.value(p.key)) == "(null)" {
		p.key = pos{}
	}

	start := len(n.buf)
	n.buf = n.appendValue(n.buf, c.at(sys, "syscall"))
	name := n.buf[start:len(n.buf):len(n.buf)]
	does := calls[string(name)]
	if does == other && n.v4() {
		does = calls4[string(name)]
	}
	if n.decided(sys) {
		return
	}
	action := p.action // of a decision about the call, if there was one
	n.call(sys, does, name)
	if action != "" {
		p.action = action
	}
}

// decided looks for a record that says more than the system call does, and reports whether it says all.
func (n *Normalizer) decided(sys int) bool {
	p, c := &n.parts, &n.at
	for i := range n.recs {
		switch n.recs[i].Type {
		case tables.TypeAVC:
			p.action = "accessed-mac-policy-controlled-object"
			return false
		case tables.TypeFanotify:
			p.action = "accessed-policy-controlled-file"
			return false
		case tables.TypeSELinuxErr:
			p.action, p.objKind = "caused-mac-policy-error", "system"
			return true
		case tables.TypeMACPolicyLoad:
			p.action, p.objKind = "loaded-selinux-policy", n.policy()
			if n.v4() && i == 0 {
				p.objPrime = c.at(0, "lsm")
			}
			return true
		case tables.TypeMACStatus:
			p.action, p.objKind = "changed-selinux-enforcement-to", n.policy()
			p.objPrime = c.at(0, "enforcing")
			return true
		case tables.TypeMACConfigChange:
			p.action, p.objKind = "changed-selinux-boolean", n.policy()
			p.objPrime = c.at(0, "bool")
			return true
		case tables.TypeNetfilterCfg:
			p.action, p.objKind = "loaded-firewall-rule-to", "firewall"
			p.objPrime = c.at(0, "table")
			return true
		case tables.TypeKernModule:
			n.call(sys, loadModule, nil)
			return true
		case tables.TypeTimeAdjNTPVal, tables.TypeTimeInjOffset:
			p.action, p.objKind = "changed-system-time", "system"
			return true
		case tables.TypeAnomPromiscuous:
			n.promiscuity(i)
			return true
		case tables.TypeBPF:
			p.action, p.objKind = n.bpf(i), "process"
			p.objPrime = n.subject(i, sys, "prog-id")
			return true
		case tables.TypeEventListener:
			p.action, p.objKind = n.listen(i), "socket"
			p.objPrime = n.subject(i, sys, "nl-mcgrp")
			return true
		}
	}
	return n.before()
}

// before looks for what the first record says if it is one that the kernel puts before the system call.
func (n *Normalizer) before() bool {
	p, c := &n.parts, &n.at
	switch n.recs[0].Type {
	case tables.TypeConfigChange:
		p.objKind = "unknown"
		if p.actionAt = c.at(0, "op"); p.actionAt.rec != 1 {
			p.actionAt = pos{}
			return true
		}
		p.objKind = "audit-config"
		n.setting()
		return true
	case tables.TypeAnomLink:
		if p.action, p.objKind = "used-suspcious-link", "unknown"; n.v4() {
			n.link()
		}
		return true
	}
	return false
}

// link finds the link that somebody was kept from following.
func (n *Normalizer) link() {
	p, c := &n.parts, &n.at
	if n.file(3, false); p.objPrime.rec != 0 {
		return
	}
	if p.objPrime = c.at(0, "name"); p.objPrime.rec != 0 {
		p.objKind = "symlink"
	}
}

// policy is the kind of object that security policies are.
func (n *Normalizer) policy() string {
	if n.v4() {
		return "security-policy"
	}
	return "mac-config"
}

// subject is the field of record i that is the object if the record stands before the system call, as the kernel
// writes it. Behind it stock takes the program.
func (n *Normalizer) subject(i, sys int, name string) pos {
	if i > sys {
		return n.at.at(sys, "exe")
	}
	return n.at.at(0, name)
}

// promiscuity finds which way a network device has gone.
func (n *Normalizer) promiscuity(i int) {
	p, c := &n.parts, &n.at
	p.objKind = "socket"
	p.objPrime = c.at(0, "dev")
	if v := c.value(c.at(i, "prom")); v != nil {
		p.action = "left-promiscuous-mode-on-device"
		if number(v) > 0 {
			p.action = "entered-promiscuous-mode-on-device"
		}
	}
}

// call finds the object of a system call.
func (n *Normalizer) call(sys int, does call, name []byte) {
	p, c := &n.parts, &n.at
	if does == other {
		p.action, p.objKind = "triggered-unknown-audit-rule", "admin-defined-rule"
		if key := c.at(sys, "key"); key.rec != 0 && string(c.value(key)) != "(null)" {
			p.action, p.objPrime = "triggered-audit-rule", key
		}
		return
	}
	d := &deeds[does]
	p.action, p.objKind = d.action, d.objKind
	switch d.object {
	case inPath, inPathAny:
		n.callOnFile(does)
	case inTarget:
		n.killed()
	case inSocket:
		p.objPrime = n.nth(1, "saddr")
	case inModule:
		p.objPrime = n.nth(1, "name")
	case inProgram:
		if p.objPrime = n.program(0); p.objPrime.rec != 0 && d.byCall {
			p.howName = name
		}
		if d.obj2 != "" {
			p.obj2 = n.nth(0, d.obj2)
		}
	case inComm:
		if p.action = "allocated-memory"; string(c.value(p.result)) == "yes" {
			p.action, p.objPrime = d.action, c.at(0, "comm")
		}
	}
	if does == device {
		switch p.objKind {
		case "character-device":
			p.action = "made-character-device"
		case "block-device":
			p.action = "made-block-device"
		}
	}
}

// callOnFile finds the one or two files that a system call was about.
func (n *Normalizer) callOnFile(does call) {
	p, c, d := &n.parts, &n.at, &deeds[does]
	from, labelled := d.from, n.labelled()
	c.over = true
	switch {
	case d.obj2 != "":
		p.obj2 = n.nth(0, d.obj2)
		switch {
		case n.v4() && does == fchown:
			return
		case n.v4() && d.action != "changed-file-ownership-of":
			c.over = true
		}
	case does == mount && string(c.value(p.result)) != "yes":
		from = 2
	case does != rename && d.obj2At != 0:
		p.obj2 = n.nth(d.obj2At, "name")
	}
	mode := n.file(from, d.object == inPathAny)
	if does == mount {
		labelled = mode.rec - 1
	}
	n.labelIn(labelled)
	if does == rename {
		at := d.obj2At
		if n.v4() {
			at = 5
		}
		p.obj2 = n.nth(at, "name")
	}
}

// killed says who was killed. Stock of audit 3 takes any further record for a list of them.
func (n *Normalizer) killed() {
	p := &n.parts
	if !n.v4() {
		p.objPrime = n.at.at(1, "saddr")
		if len(n.recs) > 2 {
			p.action = "killed-list-of-pids"
		}
		return
	}
	for i := range n.recs {
		if n.recs[i].Type == tables.TypeObjPID {
			n.victims = append(n.victims, i)
		}
	}
	if len(n.victims) > 1 {
		p.action, p.objKind = "killed-list-of-pids", "process-group"
	}
}
