package attribution

import (
	"bytes"
	"math"
	"strings"

	"vigil/audit"
)

// Parse reads what Append wrote behind r into a, which is emptied before, and reports whether there was anything. Container
// is set if any of its names is there. Keys that are none of ours are passed over; of two that are the same the first
// counts. What Parse makes shares no memory with r.
func Parse(r audit.Record, a *Attribution) bool {
	*a = Attribution{}
	if len(r.Enrichment) == 0 {
		return false
	}
	fs := r.Extra()
	parse(&fs, a)
	return a.Attributed
}

// ParseEvent is Parse for the first record of ev that bears an attribution.
func ParseEvent(ev *audit.Event, a *Attribution) bool {
	for i := range ev.Records {
		if Parse(ev.Records[i], a) {
			return true
		}
	}
	*a = Attribution{}
	return false
}

func parse(fs *audit.Fields, a *Attribution) {
	var scratch [2 * maxValue]byte
	seen := parser{a: a, scratch: scratch[:0]}
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if isKey(f.Name) {
			seen.field(f)
		}
	}
	n := 0
	for n < len(a.Ancestors) && a.Ancestors[n].PID != 0 {
		n++
	}
	a.Ancestors = a.Ancestors[:n:n]
	if n == 0 {
		a.Ancestors = nil
	}
	if a.Entry != nil && a.Entry.Container == "" {
		a.Entry.Container = a.ContainerID
	}
	if c := a.Container; c != nil {
		c.ID, c.Runtime = a.ContainerID, a.Runtime
		if c.Pod != nil {
			c.Pod.UID = a.PodUID
		}
	}
}

func isKey(name []byte) bool {
	return len(name) > 3 && name[0]-'A' < 26 && name[len(name)-1]-'A' < 26
}

type parser struct {
	a       *Attribution
	scratch []byte
}

func (p *parser) container() *Container {
	if p.a.Container == nil {
		p.a.Container = &Container{}
	}
	return p.a.Container
}

func (p *parser) pod() *Pod {
	c := p.container()
	if c.Pod == nil {
		c.Pod = &Pod{}
	}
	return c.Pod
}

func (p *parser) login() *Login {
	if p.a.Login == nil {
		p.a.Login = &Login{}
	}
	return p.a.Login
}

func (p *parser) entry() *Entry {
	if p.a.Entry == nil {
		p.a.Entry = &Entry{}
	}
	return p.a.Entry
}

// text decodes a value.
func (p *parser) text(f audit.Field) []byte {
	v := f.Value
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		return v[1 : n-1]
	}
	if b, ok := audit.AppendUnhex(p.scratch[:0], v); ok {
		p.scratch = b
		return b
	}
	return v
}

// target is where the text of a key belongs, nil if the key is none of them.
func (p *parser) target(key []byte) *string {
	switch string(key) {
	case KeyContainerID:
		return &p.a.ContainerID
	case KeyContainerRuntime:
		return &p.a.Runtime
	case KeyPodUID:
		return &p.a.PodUID
	case KeyContainerName:
		return &p.container().Name
	case KeyContainerImage:
		return &p.container().Image
	case KeyContainerDigest:
		return &p.container().Digest
	case KeyPodName:
		return &p.pod().Name
	case KeyPodNamespace:
		return &p.pod().Namespace
	case KeyPodAccount:
		return &p.pod().Account
	case KeyPodSandbox:
		return &p.pod().Sandbox
	case KeyPodNode:
		return &p.pod().Node
	case KeyCgroup:
		return &p.a.Cgroup
	case KeyUnit:
		return &p.a.Unit
	case KeySlice:
		return &p.a.Slice
	case KeyScript:
		return &p.a.Script
	case KeyLoginUser:
		return &p.login().User
	case KeyLoginTTY:
		return &p.login().TTY
	case KeyLoginAddr:
		return &p.login().Addr
	case KeyLoginMethod:
		return &p.login().Method
	case KeyEntryID:
		return &p.entry().ID
	case KeyEntryVia:
		return &p.entry().Via
	case KeyEntryContainer:
		return &p.entry().Container
	}
	return nil
}

func (p *parser) field(f audit.Field) {
	if s := p.target(f.Name); s != nil {
		if *s == "" {
			*s = string(p.text(f))
		}
		p.a.Attributed = true
		return
	}
	switch string(f.Name) {
	case KeyStart:
		if n, ok := f.Uint(); ok && p.a.Start == 0 {
			p.a.Start = n
		}
	case KeyVPID:
		if n, ok := f.Uint(); ok && n <= math.MaxUint32 && p.a.VPID == 0 {
			p.a.VPID = uint32(n)
		}
	case KeyContainerPriv:
		switch string(p.text(f)) {
		case "yes":
			p.container().Privileged = Yes
		case "no":
			p.container().Privileged = No
		}
	case KeyLoginTime:
		if l := p.login(); l.Time == 0 {
			l.Time = millis(p.text(f))
		}
	case KeyContainerLabels:
		if c := p.container(); c.Labels == nil {
			c.Labels = parseLabels(p.text(f))
		}
	case KeyPodLabels:
		if d := p.pod(); d.Labels == nil {
			d.Labels = parseLabels(p.text(f))
		}
	default:
		if !p.ancestor(f) {
			return
		}
	}
	p.a.Attributed = true
}

// ancestor reads P1_PID and its like.
func (p *parser) ancestor(f audit.Field) bool {
	number, suffix, ok := bytes.Cut(f.Name, []byte("_"))
	if !ok || number[0] != 'P' || len(number) > 3 {
		return false
	}
	n, ok := audit.Field{Value: number[1:]}.Uint()
	if !ok || n < 1 || n > MaxAncestors {
		return false
	}
	for uint64(len(p.a.Ancestors)) < n {
		p.a.Ancestors = append(p.a.Ancestors, Ancestor{})
	}
	at := &p.a.Ancestors[n-1]
	set := func(s *string) {
		if *s == "" {
			*s = string(p.text(f))
		}
	}
	switch string(suffix) {
	case suffixPID[1:]:
		if pid, ok := (audit.Field{Value: p.text(f)}).Uint(); ok && pid <= math.MaxUint32 && at.PID == 0 {
			at.PID = uint32(pid)
		}
	case suffixComm[1:]:
		set(&at.Comm)
	case suffixExe[1:]:
		set(&at.Exe)
	case suffixArgs[1:]:
		set(&at.Args)
	default:
		return false
	}
	return true
}

// millis reads seconds with three decimals, 0 if b is something else.
func millis(b []byte) int64 {
	sec, rest, ok := bytes.Cut(b, []byte("."))
	s, ok1 := audit.Field{Value: sec}.Uint()
	m, ok2 := audit.Field{Value: rest}.Uint()
	if !ok || !ok1 || !ok2 || len(rest) != 3 || s > math.MaxInt64/1000-1 {
		return 0
	}
	return int64(s)*1000 + int64(m)
}

func parseLabels(b []byte) []Label {
	var list []Label
	for pair := range bytes.SplitSeq(b, []byte(",")) {
		if name, value, ok := strings.Cut(string(pair), "="); ok {
			list = append(list, Label{unescape(name), unescape(value)})
		}
	}
	return list
}

// unescape undoes appendEscaped.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch code := s[:min(len(s), 3)]; code {
		case "%25":
			b.WriteByte('%')
		case "%2C":
			b.WriteByte(',')
		case "%3D":
			b.WriteByte('=')
		default:
			b.WriteByte('%')
			s = s[1:]
			continue
		}
		s = s[3:]
	}
}
