package format

import (
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// network writes whom the event spoke with: the address in SOCKADDR, the packet's,
// or the one that a program gives for a login.
func (j *JSON) network(o *object) {
	f := &j.facts
	switch {
	case f.sockaddr != nil:
		j.socket(o)
	case f.main.Type == tables.TypeNetfilterPkt:
		j.packet(o)
	case f.addr.Name != nil || f.hostname.Name != nil:
		o.key("source")
		start := o.open()
		j.login(o)
		o.closeUnlessEmpty(start)
	}
}

// login writes the address and the name of the host that a login comes from.
func (j *JSON) login(o *object) {
	f := &j.facts
	if f.addr.Name != nil && string(f.addr.Value) != "?" {
		j.field(o, "address", f.addr)
		j.appendAddr(o, "ip", f.addr.Value)
		if host := f.hostname.Value; string(host) != "?" && string(host) != string(f.addr.Value) {
			j.field(o, "domain", f.hostname)
		}
		return
	}
	j.field(o, "address", f.hostname)
}

// socket writes the address of a SOCKADDR record: of this side for bind, of the
// other side for all else, which is the source of what was accepted or received.
func (j *JSON) socket(o *object) {
	f := &j.facts
	a, ok := f.sockaddr.Sockaddr(j.acctText[:0])
	if !ok {
		return
	}
	side, direction := "destination", `"egress"`
	switch f.call {
	case "bind":
		side, direction = "source", ""
	case "accept", "accept4", "recvfrom", "recvmsg", "recvmmsg":
		side, direction = "source", `"ingress"`
	}
	o.key(side)
	start := o.open()
	switch a.Family {
	case audit.FamilyInet, audit.FamilyInet6:
		j.ip(o, "address", a.Addr)
		j.ip(o, "ip", a.Addr)
		o.key("port")
		o.b = strconv.AppendUint(o.b, uint64(a.Port), 10)
	case audit.FamilyUnix:
		if len(a.Path) > 0 {
			o.key("address")
			j.nameText = j.nameText[:0]
			if a.Abstract {
				j.nameText = append(j.nameText, '@') // as ss(8) and systemd write it
			}
			j.nameText = append(j.nameText, a.Path...)
			o.b = appendString(o.b, j.nameText)
		}
	case audit.FamilyVsock:
		o.key("address")
		o.b = append(o.b, `"vsock:`...)
		o.b = strconv.AppendUint(o.b, uint64(a.CID), 10)
		o.b = append(o.b, '"')
		o.key("port")
		o.b = strconv.AppendUint(o.b, uint64(a.Port), 10)
	}
	o.closeUnlessEmpty(start)
	o.key("network")
	o.open()
	o.key("type")
	o.b = append(o.b, '"')
	o.b = appendFamily(o.b, a.Family)
	o.b = append(o.b, '"')
	if direction != "" && (a.Family == audit.FamilyInet || a.Family == audit.FamilyInet6) {
		o.raw("direction", direction)
	}
	o.close()
}

// appendFamily appends the name of a socket family, for the internet's as the
// Elastic Common Schema has them.
func appendFamily(dst []byte, family uint16) []byte {
	switch family {
	case audit.FamilyInet:
		return append(dst, "ipv4"...)
	case audit.FamilyInet6:
		return append(dst, "ipv6"...)
	}
	if name, ok := tables.FamilyName(int(family)); ok {
		return append(dst, name...)
	}
	return strconv.AppendUint(append(dst, "family-"...), uint64(family), 10)
}

// packet writes the addresses in a NETFILTER_PKT record.
func (j *JSON) packet(o *object) {
	for _, side := range [...][4]string{{"source", "saddr", "sport"}, {"destination", "daddr", "dport"}} {
		o.key(side[0])
		start := o.open()
		if fd, ok := j.facts.main.Get(side[1]); ok {
			j.field(o, "address", fd)
			j.appendAddr(o, "ip", fd.Value)
		}
		if fd, ok := j.facts.main.Get(side[2]); ok {
			o.number("port", fd)
		}
		o.closeUnlessEmpty(start)
	}
	if fd, ok := j.facts.main.Get("proto"); ok {
		o.key("network")
		o.open()
		o.string("iana_number", fd.Value)
		o.close()
	}
}
