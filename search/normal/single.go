package normal

import "vigil/audit/tables"

// single finds the parts of an event of one record, or of one that stands alone.
func (n *Normalizer) single() {
	p, c, t := &n.parts, &n.at, n.first
	m, known := meanings[t]
	if !known {
		m.objKind = "unknown"
		if t >= tables.TypeMACPolicyLoad && t <= 1499 {
			m.objKind = "mac-config"
		}
	}
	p.action, p.objKind = m.action, m.objKind
	if t == tables.TypeUringOp && n.v4() {
		p.action = "io_uring-operation"
	}
	if p.objKind == "mac-config" {
		p.objKind = n.policy()
	}
	switch {
	case t >= tables.TypeDaemonStart && t <= 1298:
		n.daemon(t)
		return
	case t >= tables.TypeMACUnlblAllow && t <= 1499:
		n.label(t)
		return
	}
	for _, name := range m.objects {
		if name == "" || p.objPrime.rec != 0 {
			break
		}
		p.objPrime = c.at(0, name)
	}
	switch t {
	case tables.TypeConfigChange:
		n.configChange()
	case tables.TypeLogin:
		n.login()
	case tables.TypeUserLogin:
		n.userLogin()
	case tables.TypeAVC:
		n.avc()
	case tables.TypeBPF:
		p.action, p.subjKind = n.bpf(0), "system"
	case tables.TypeNetfilterCfg:
		if c.set(0); n.attributes {
			c.seek("pid", 0)
			p.subjLabel = c.seek("subj", 0)
		}
		p.how, p.subjKind = c.seek("comm", 0), "system"
	case tables.TypeAnomPromiscuous:
		n.promiscuous()
	case tables.TypeAnomAbend, tables.TypeSeccomp, tables.TypeFeatureChange:
		n.process(t)
	case tables.TypeEventListener:
		n.listener()
	default:
		n.user(t)
	}
}

// user finds the parts that most messages have: who, from where, with which program and result.
func (n *Normalizer) user(t tables.Type) {
	p, c := &n.parts, &n.at
	c.set(0)
	if p.subjSec = c.seek("uid", 0); t == tables.TypeTrustedApp && !n.v4() {
		c.set(0) // its fields have no meaning for 3.0.9
	}
	if p.subjPrime, _ = c.find("auid"); p.subjPrime.rec != 0 {
		p.session, _ = c.find("ses")
	}
	if p.subjKind = n.account(p.subjSec); t == tables.TypeTrustedApp && p.subjKind != "" && !n.v4() {
		p.subjKind = "unknown-acct"
	}
	n.origin(t)
	switch t {
	case tables.TypeTTY:
		p.how = c.at(0, "comm")
	case tables.TypeAnomExec:
		p.how = c.at(0, "terminal")
	default:
		p.how = n.program(0)
	}
	switch t {
	case tables.TypeUserAVC:
		if s := c.at(0, "scontext"); s.rec != 0 {
			p.subjPrime = s
		}
		p.result = c.at(0, "seresult")
	case tables.TypeUserDevice, tables.TypeUsysConfig:
		p.actionAt = c.at(0, "op")
	case tables.TypeCryptoSession:
		p.objSec = c.at(0, "rport")
	case tables.TypeSoftwareUpdate:
		if p.objSec = c.at(0, "sw_type"); p.objSec.rec != 0 {
			p.obj2 = c.at(0, "root_dir")
		}
	case tables.TypeVirtControl, tables.TypeVirtResource:
		p.obj2 = c.at(0, "vm")
	}
	if p.objPrime.rec == 0 {
		p.objSec, p.obj2 = pos{}, pos{}
	}
}

// origin finds the label and the result, behind the places that a message of a program came from.
func (n *Normalizer) origin(t tables.Type) {
	p, c := &n.parts, &n.at
	if !n.attributes {
		if c.over {
			c.set(0)
		}
		p.result = c.seek("res", 0)
		return
	}
	c.set(0)
	c.seek("pid", 0)
	p.subjLabel = c.seek("subj", 0)
	if t >= tables.TypeUserAuth && t <= 1198 || t >= tables.TypeAnomLoginFailures && t <= 2998 {
		c.seek("hostname", 0)
		c.seek("addr", 0)
		switch t {
		case tables.TypeUserStart, tables.TypeUserEnd, tables.TypeUserErr:
		default:
			c.seek("terminal", 0)
		}
	}
	p.result = c.seek("res", 0)
}

// daemon finds the parts of what auditd says of itself.
func (n *Normalizer) daemon(t tables.Type) {
	p, c := &n.parts, &n.at
	if p.objKind == "unknown" {
		p.objKind = "service"
	}
	p.subjKind = "auditd"
	c.set(0)
	if p.subjPrime, _ = c.find("auid"); p.subjPrime.rec != 0 {
		p.subjSec, _ = c.find("uid")
	}
	if p.subjSec.rec == 0 {
		c.set(0)
	}
	p.session, _ = c.find("ses")
	n.origin(t)
	switch t {
	case tables.TypeDaemonStart:
		p.howWord = "init"
	case tables.TypeDaemonEnd, tables.TypeDaemonConfig, tables.TypeDaemonReconfig, tables.TypeDaemonRotate,
		tables.TypeDaemonResume:
		p.howWord = "signal"
	}
}

// label finds the parts of what the kernel's network labels say, and of newer records of the security modules.
func (n *Normalizer) label(t tables.Type) {
	p, c := &n.parts, &n.at
	c.set(0)
	if p.subjPrime, _ = c.find("auid"); p.subjPrime.rec != 0 {
		p.session, _ = c.find("ses")
	}
	if p.subjKind = n.account(p.subjPrime); p.subjKind == "" {
		p.subjKind = "unknown-acct"
	}
	if p.session.rec == 0 {
		c.set(0)
	}
	p.subjLabel = c.seek("subj", 0)
	switch t {
	case tables.TypeMACMapAdd, tables.TypeMACMapDel:
		if p.objPrime, _ = c.find("nlbl_domain"); p.objPrime.rec == 0 {
			c.set(0)
		}
	case tables.TypeMACUnlblAllow:
		p.action = n.unlabeled()
	}
	p.result = c.seek("res", 0)
}
