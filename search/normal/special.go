package normal

import (
	"bytes"

	"vigil/audit/tables"
)

// The records below have parts of their own.

// whoLoggedIn finds whoever logged in and the session, when they stand in that order.
func (n *Normalizer) whoLoggedIn() {
	p, c := &n.parts, &n.at
	c.set(0)
	if p.subjPrime, _ = c.find("auid"); p.subjPrime.rec != 0 {
		p.session, _ = c.find("ses")
	}
	c.set(0)
	c.seek("pid", 0)
	p.subjLabel = c.seek("subj", 0)
}

func (n *Normalizer) configChange() {
	p, c := &n.parts, &n.at
	n.whoLoggedIn()
	p.result = c.at(0, "res")
	op := bytes.Trim(c.value(c.at(0, "op")), `"`)
	n.setting()
	switch string(op) {
	case "add_rule":
		p.action = "added-audit-rule"
	case "remove_rule":
		p.action = "deleted-audit-rule"
	default:
		return
	}
	// Of a rule, stock looks for the result behind the object, and for none if there is no object.
	p.result = pos{}
	if p.objPrime.rec != 0 {
		p.result, _ = c.find("res")
	}
}

// setting finds what of the audit system was changed.
func (n *Normalizer) setting() {
	p, c := &n.parts, &n.at
	key := n.nth(0, "key")
	if key.rec != 0 && string(c.value(c.at(0, "key"))) != "(null)" {
		p.objPrime = key
		return
	}
	for _, name := range [...]string{"audit_enabled", "audit_pid", "audit_backlog_limit", "audit_failure", "list"} {
		if name == "list" && !n.v4() {
			return
		}
		if p.objPrime = n.nth(0, name); p.objPrime.rec != 0 {
			return
		}
	}
}

func (n *Normalizer) login() {
	p, c := &n.parts, &n.at
	c.set(0)
	p.subjSec = c.seek("uid", 0)
	p.subjKind = n.account(p.subjSec)
	if n.attributes {
		c.set(0)
		c.seek("pid", 0)
		p.subjLabel = c.seek("subj", 0)
	}
	p.subjPrime = c.seek("old-auid", 0)
	p.objPrime = c.seek("auid", 0)
	p.session = c.seek("ses", 0)
	p.result = c.seek("res", 0)
}

func (n *Normalizer) userLogin() {
	p, c := &n.parts, &n.at
	if p.subjPrime = c.at(0, "id"); p.subjPrime.rec != 0 {
		p.subjKind = n.account(p.subjPrime)
	} else if p.subjPrime = c.at(0, "acct"); p.subjPrime.rec != 0 {
		p.subjKind = n.accountOf(p.subjPrime)
	}
	p.session = c.at(0, "ses")
	n.origin(tables.TypeUserLogin)
	p.how = n.program(0)
}

// avc finds the parts of a decision that no system call belongs to: the subject is a label.
func (n *Normalizer) avc() {
	p, c := &n.parts, &n.at
	c.set(0)
	p.how = c.seek("comm", 0)
	p.subjPrime = c.seek("scontext", 0)
	p.subjKind = "unknown-acct"
	p.result = c.at(0, "seresult")
}

// bpf returns the action of the BPF record i.
func (n *Normalizer) bpf(i int) string {
	switch op := n.at.value(n.at.at(i, "op")); {
	case op == nil:
		return "bpf-program"
	case string(op) == "LOAD":
		return "loaded-bpf-program"
	}
	return "unloaded-bpf-program"
}

// listen returns the action of the EVENT_LISTENER record i.
func (n *Normalizer) listen(i int) string {
	switch op := n.at.value(n.at.at(i, "op")); {
	case op == nil:
		return "connected"
	case string(op) == "connect":
		return "connected-to"
	}
	return "disconnected-from"
}

func (n *Normalizer) listener() {
	p, c := &n.parts, &n.at
	p.action = n.listen(0)
	p.subjPrime, p.subjSec = c.at(0, "auid"), c.at(0, "uid")
	p.subjKind = n.account(p.subjSec)
	p.session = c.at(0, "ses")
	c.set(0)
	c.seek("pid", 0)
	p.subjLabel = c.seek("subj", 0)
	p.result = c.at(0, "res")
	p.how = c.at(0, "exe")
}

func (n *Normalizer) promiscuous() {
	p, c := &n.parts, &n.at
	n.whoLoggedIn()
	if p.objPrime = c.at(0, "dev"); p.objPrime.rec != 0 {
		if p.subjSec, _ = c.find("uid"); p.subjSec.rec != 0 {
			p.result, _ = c.find("res")
		}
		p.subjKind = n.account(p.subjSec)
	}
}

// process finds the parts of what the kernel says of a process that crashed, was stopped by a filter or has set a
// feature of the audit system.
func (n *Normalizer) process(t tables.Type) {
	p, c := &n.parts, &n.at
	n.whoLoggedIn()
	c.set(0)
	p.subjSec = c.seek("uid", 0)
	p.subjKind = n.account(p.subjSec)
	exe := c.seek("exe", 0)
	switch t {
	case tables.TypeAnomAbend:
		p.objPrime = exe
		if p.how, _ = c.find("sig"); p.how.rec != 0 {
			p.result, _ = c.find("res")
		}
	case tables.TypeSeccomp:
		if p.how = exe; exe.rec != 0 {
			p.objPrime, _ = c.find("syscall")
		}
		p.result = c.at(0, "code")
	default:
		if p.how = exe; exe.rec == 0 {
			return
		}
		if p.objPrime, _ = c.find("feature"); p.objPrime.rec != 0 {
			p.result, _ = c.find("res")
		}
	}
}

// unlabeled returns the action of a MAC_UNLBL_ALLOW record.
func (n *Normalizer) unlabeled() string {
	switch v := n.at.value(n.at.seek("unlbl_accept", 0)); {
	case v == nil:
		return ""
	case string(v) == "1":
		return "is-allowing-unlabeled-network-traffic"
	}
	return "is-disallowing-unlabeled-network-traffic"
}
