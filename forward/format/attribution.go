package format

import (
	"bytes"
	"math"
	"time"

	"vigil/audit"
)

// What the attribution behind the main record says of its process
// (docs/format/attribution.md).
const (
	attrContainerID = iota
	attrRuntime
	attrContainerName
	attrImage
	attrDigest
	attrPrivileged
	attrContainerLabels
	attrPodNamespace
	attrPodName
	attrPodID
	attrPodAccount
	attrPodSandbox
	attrPodNode
	attrPodLabels
	attrExecSession
	attrExecVia
	attrExecContainer
	attrLoginUser
	attrLoginTTY
	attrLoginAddr
	attrLoginMethod
	attrLoginTime
	attrUnit
	attrSlice
	attrStart
	attrVPID
	attrScript
	attrCgroup
	attrCount
)

// attrOf returns which key of an attribution a name is, -1 if none.
func attrOf(name []byte) int {
	switch string(name) {
	case "CONTAINER_ID":
		return attrContainerID
	case "CONTAINER_RUNTIME":
		return attrRuntime
	case "CONTAINER_NAME":
		return attrContainerName
	case "CONTAINER_IMAGE":
		return attrImage
	case "CONTAINER_DIGEST":
		return attrDigest
	case "CONTAINER_PRIVILEGED":
		return attrPrivileged
	case "CONTAINER_LABELS":
		return attrContainerLabels
	case "POD_NS":
		return attrPodNamespace
	case "POD_NAME":
		return attrPodName
	case "POD_ID":
		return attrPodID
	case "POD_ACCOUNT":
		return attrPodAccount
	case "POD_SANDBOX":
		return attrPodSandbox
	case "POD_NODE":
		return attrPodNode
	case "POD_LABELS":
		return attrPodLabels
	case "EXEC_SESSION":
		return attrExecSession
	case "EXEC_VIA":
		return attrExecVia
	case "EXEC_CONTAINER":
		return attrExecContainer
	}
	return processAttrOf(name)
}

func processAttrOf(name []byte) int {
	switch string(name) {
	case "LOGIN_USER":
		return attrLoginUser
	case "LOGIN_TTY":
		return attrLoginTTY
	case "LOGIN_ADDR":
		return attrLoginAddr
	case "LOGIN_METHOD":
		return attrLoginMethod
	case "LOGIN_TIME":
		return attrLoginTime
	case "UNIT":
		return attrUnit
	case "SLICE":
		return attrSlice
	case "PROC_START":
		return attrStart
	case "VPID":
		return attrVPID
	case "SCRIPT":
		return attrScript
	case "CGROUP":
		return attrCgroup
	}
	return -1
}

// attribution is the values of the keys as they stand in the record, nil for those
// that do not.
type attribution [attrCount][]byte

// has reports whether one of the keys from first to last is there.
func (a *attribution) has(first, last int) bool {
	for _, v := range a[first : last+1] {
		if v != nil {
			return true
		}
	}
	return false
}

// What is said of a forebear.
const (
	kinPID = iota
	kinComm
	kinExe
	kinArgs
	kinCount
)

// kin is a process's forebears, the parent first.
type kin [16][kinCount][]byte

// takeAttribution takes a field that may be one of an attribution. The first of a
// name counts.
func (f *facts) takeAttribution(fd audit.Field) {
	if len(fd.Name) < 4 || len(fd.Value) == 0 || string(fd.Value) == `""` {
		return
	}
	if i := attrOf(fd.Name); i >= 0 {
		if f.attr[i] == nil {
			f.attr[i] = fd.Value
		}
		return
	}
	if f.kin == nil || fd.Name[0] != 'P' {
		return
	}
	nth, suffix, _ := bytes.Cut(fd.Name[1:], []byte{'_'})
	n, ok := audit.Field{Value: nth}.Uint()
	what := -1
	switch string(suffix) {
	case "PID":
		what = kinPID
	case "COMM":
		what = kinComm
	case "EXE":
		what = kinExe
	case "ARGS":
		what = kinArgs
	}
	if !ok || n < 1 || n > uint64(len(f.kin)) || what < 0 {
		return
	}
	if p := &f.kin[n-1][what]; *p == nil {
		*p = fd.Value
	}
	f.kinUsed = max(f.kinUsed, int(n))
}

// takeKnown takes a field of a CONTAINER record, whose text is an attribution if
// Vigil has written it: before what programs send, the kernel writes pid=.
func (f *facts) takeKnown(fd audit.Field) {
	if !f.beganKnown {
		f.beganKnown = true
		f.known = string(fd.Name) == "op" && string(fd.Value) == "known"
	}
	if f.known && !fd.FromProgram() {
		f.takeAttribution(fd)
	}
}

// attrText returns what a value of an attribution stands for: it is in quotes or
// hexadecimal, numbers alone are bare. What was decoded is in buf, which is
// returned as it is then.
func attrText(v, buf []byte) (text, scratch []byte) {
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		return v[1 : n-1], buf
	}
	if b, ok := audit.AppendUnhex(buf[:0], v); ok {
		return b, b
	}
	return v, buf
}

// pidOf returns a forebear's pid as a number, nil if there is none.
func (j *JSON) pidOf(v []byte) []byte {
	if v == nil {
		return nil
	}
	v, j.text = attrText(v, j.text)
	if n, ok := (audit.Field{Value: v}).Uint(); !ok || n == 0 || n > math.MaxUint32 || v[0] == '0' {
		return nil
	}
	return v
}

// attrString writes a value of an attribution if there is one.
func (j *JSON) attrString(o *object, key string, v []byte) {
	if v == nil {
		return
	}
	v, j.text = attrText(v, j.text)
	o.string(key, v)
}

// attr writes a key of the attribution if it is there.
func (j *JSON) attr(o *object, key string, i int) { j.attrString(o, key, j.facts.attr[i]) }

// born writes when the process was made and its pid in its own namespace.
func (j *JSON) born(o *object) {
	a := &j.facts.attr
	if n, ok := (audit.Field{Value: a[attrStart]}).Uint(); ok && n > 0 {
		o.key("start")
		o.b = time.Unix(int64(n/1e9), int64(n%1e9)).UTC().AppendFormat(o.b, `"2006-01-02T15:04:05.000000000Z"`)
	}
	o.number("vpid", audit.Field{Value: a[attrVPID]})
}

// parent writes the parent: the process that made this one, unless the record says
// that another has become its parent.
func (j *JSON) parent(o *object) {
	f := &j.facts
	o.key("parent")
	start := o.open()
	pid := j.pidOf(f.kin[0][kinPID])
	switch {
	case f.ppid.Name != nil && string(pid) != string(f.ppid.Value):
		o.number("pid", f.ppid)
	case pid != nil:
		j.forebear(o, pid, &f.kin[0])
	}
	o.closeUnlessEmpty(start)
}

func (j *JSON) forebear(o *object, pid []byte, p *[kinCount][]byte) {
	o.number("pid", audit.Field{Value: pid})
	j.attrString(o, "name", p[kinComm])
	j.attrString(o, "executable", p[kinExe])
	j.attrString(o, "command_line", p[kinArgs])
}

// entry writes how and from where the login came, in the schema's words if it has
// one for the way.
func (j *JSON) entry(o *object) {
	a := &j.facts.attr
	if a[attrLoginMethod] == nil && a[attrLoginAddr] == nil {
		return
	}
	o.key("entry_meta")
	start := o.open()
	if v := a[attrLoginMethod]; v != nil {
		v, j.text = attrText(v, j.text)
		switch string(v) {
		case "ssh":
			o.raw("type", `"sshd"`)
		case "systemd":
			o.raw("type", `"init"`)
		default:
			o.string("type", v)
		}
	}
	if v := a[attrLoginAddr]; v != nil {
		v, j.text = attrText(v, j.text)
		o.key("source")
		o.open()
		o.string("address", v)
		j.appendAddr(o, "ip", v)
		o.close()
	}
	o.closeUnlessEmpty(start)
}

// attribution writes what the schema has no name for.
func (j *JSON) attribution(o *object) {
	a := &j.facts.attr
	o.key("exec_session")
	start := o.open()
	j.attr(o, "id", attrExecSession)
	j.attr(o, "via", attrExecVia)
	j.attr(o, "container_id", attrExecContainer)
	o.closeUnlessEmpty(start)
	o.key("login")
	start = o.open()
	j.attr(o, "user", attrLoginUser)
	j.attr(o, "tty", attrLoginTTY)
	j.attr(o, "address", attrLoginAddr)
	j.attr(o, "method", attrLoginMethod)
	j.loginTime(o)
	o.closeUnlessEmpty(start)
	o.key("pod")
	start = o.open()
	j.attr(o, "service_account", attrPodAccount)
	j.attr(o, "sandbox", attrPodSandbox)
	j.attr(o, "node", attrPodNode)
	o.closeUnlessEmpty(start)
	o.key("process")
	start = o.open()
	j.attr(o, "script", attrScript)
	j.attr(o, "cgroup", attrCgroup)
	j.ancestors(o)
	o.closeUnlessEmpty(start)
	if a[attrUnit] != nil {
		j.attr(o, "unit", attrUnit)
	}
	if a[attrSlice] != nil {
		j.attr(o, "slice", attrSlice)
	}
}

// loginTime writes seconds with three decimals as RFC 3339.
func (j *JSON) loginTime(o *object) {
	v := j.facts.attr[attrLoginTime]
	if v == nil {
		return
	}
	v, j.text = attrText(v, j.text)
	sec, milli, _ := bytes.Cut(v, []byte{'.'})
	s, ok1 := audit.Field{Value: sec}.Uint()
	m, ok2 := audit.Field{Value: milli}.Uint()
	if !ok1 || !ok2 || len(milli) != 3 || s > lastSecond {
		return
	}
	o.key("time")
	o.b = time.Unix(int64(s), int64(m)*1e6).UTC().AppendFormat(o.b, `"2006-01-02T15:04:05.000Z"`)
}

// ancestors writes the forebears up to the first that is not known.
func (j *JSON) ancestors(o *object) {
	f := &j.facts
	for i := range f.kin[:f.kinUsed] {
		pid := j.pidOf(f.kin[i][kinPID])
		if pid == nil {
			if i > 0 {
				break
			}
			return
		}
		if i == 0 {
			o.key("ancestors")
			o.list()
		}
		o.comma()
		o.open()
		j.forebear(o, pid, &f.kin[i])
		o.close()
	}
	if f.kinUsed > 0 {
		o.closeList()
	}
}
