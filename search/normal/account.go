package normal

import (
	"bytes"

	"vigil/audit/tables"
	"vigil/search/auparse"
)

func (n *Normalizer) v4() bool { return n.cfg.Version == auparse.V4 }

// account is the kind of the account that the user id at p stands for.
func (n *Normalizer) account(p pos) string {
	v := n.at.value(p)
	if v == nil {
		return ""
	}
	return accountKind(number(v))
}

// accountOf is the kind of the account whose name is at p.
func (n *Normalizer) accountOf(p pos) string {
	start := len(n.buf)
	n.buf = n.appendValue(n.buf, p)
	name := n.buf[start:]
	n.buf = n.buf[:start]
	if n.cfg.UserID != nil {
		if id, ok := n.cfg.UserID(name); ok {
			return accountKind(int32(id))
		}
	}
	return "unknown-acct"
}

func accountKind(id int32) string {
	switch {
	case id == -1:
		return "unset-acct"
	case id == 0:
		return "privileged-acct"
	case id < 1000:
		return "service-acct"
	case id < 60000:
		return "user-acct"
	}
	return "unknown-acct"
}

// number is what strtol and a conversion to int make of v: 0 if it does not begin with a number, and negative from
// 2147483648 on, so that 4294967295 is -1.
func number(v []byte) int32 {
	negative := len(v) > 0 && v[0] == '-'
	if negative {
		v = v[1:]
	}
	var id uint64
	for _, d := range v {
		if d < '0' || d > '9' {
			break
		}
		if id = id*10 + uint64(d-'0'); id > 1<<62/10 {
			break
		}
	}
	if negative {
		id = -id
	}
	return int32(uint32(id))
}

// program finds the program that is named in record i or behind it: by the script that it runs if it is one of the
// frequent interpreters.
func (n *Normalizer) program(i int) pos {
	exe := n.at.at(i, "exe")
	switch n.recs[i].Type {
	case tables.TypeSystemBoot, tables.TypeSystemShutdown:
		return exe
	}
	if exe.rec == 0 {
		return exe
	}
	start := len(n.buf)
	n.buf = n.appendValue(n.buf, exe)
	script := interpreter(n.buf[start:])
	n.buf = n.buf[:start]
	if script { // comm stands right in front of exe: stock looks from there on
		c := &n.at
		c.field = max(exe.field-2, 0)
		if comm, ok := c.find("comm"); ok {
			return comm
		}
	}
	return exe
}

// interpreter reports whether a program is known to run scripts, by whose names the process goes.
func interpreter(exe []byte) bool {
	const bin = "/usr/bin/"
	if !bytes.HasPrefix(exe, []byte(bin)) {
		return false
	}
	name := exe[len(bin):]
	return string(name) == "sh" || bytes.HasPrefix(name, []byte("bash")) || bytes.HasPrefix(name, []byte("python")) ||
		bytes.HasPrefix(name, []byte("perl"))
}
