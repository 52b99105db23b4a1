package auoms

import (
	"strconv"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich/attribution"
)

// Numbers of auoms' own record types (its RecordType.h).
const (
	typeSyscall  = 10001
	typeFragment = 10002
	typeExecve   = 14688
)

// RedactedKey is the key, behind the separator of a record, of the names of the rules
// that have redacted it (package redact).
const RedactedKey = "REDACTED"

// Names says what users and groups are called.
type Names interface {
	User(uid uint32) (name string, ok bool)
	Group(gid uint32) (name string, ok bool)
}

// Encoder writes events as auoms does. It belongs to one goroutine. An event is only
// read, and not kept.
type Encoder struct {
	names Names // nil: those in the records alone
	out   output
	extra []audit.Field // the enrichment of the record that is read
	types []typeCount
	args  audit.Args
	lists [5][]byte // of what PATH records say
	text  []byte
	value []byte
}

type typeCount struct {
	t tables.Type
	n int
}

// maxExtra bounds the fields of a record's enrichment that are looked at. auditd writes
// at most one for each field that has a name.
const maxExtra = 64

// NewLine returns an encoder of lines as in auoms' syslog output, one for each record
// that auoms makes of the event. names may be nil.
func NewLine(names Names) *Encoder { return &Encoder{names: names} }

// NewOMS returns an encoder of auoms' oms output: a JSON array for each event, in a
// line. names may be nil.
func NewOMS(names Names) *Encoder { return &Encoder{names: names, out: output{json: true}} }

// Append appends the event's lines.
func (c *Encoder) Append(dst []byte, e *audit.Event) []byte {
	if len(e.Records) == 0 {
		return dst
	}
	c.out.dst = dst
	c.out.beginEvent(e.ID)
	if folds(e) {
		c.fold(e)
	} else {
		for i := range e.Records {
			c.single(e, &e.Records[i])
		}
	}
	c.out.endEvent()
	dst, c.out.dst = c.out.dst, nil
	return dst
}

// folds reports whether the records of e become one.
func folds(e *audit.Event) bool {
	for i := range e.Records {
		switch e.Records[i].Type {
		case tables.TypeSyscall, tables.TypeExecve, tables.TypeCWD, tables.TypePath, tables.TypeSockaddr:
			return true
		}
	}
	return false
}

// single writes a record that stands alone.
func (c *Encoder) single(e *audit.Event, r *audit.Record) {
	c.text = r.Type.AppendTo(c.text[:0])
	c.begin(e, int(r.Type), c.text)
	c.load(r)
	c.verdict(r, "")
	c.fields(r, "", all)
	c.out.endRecord()
}

// verdict writes what AVC records begin with, under the names that the audit tools have
// for it.
func (c *Encoder) verdict(r *audit.Record, prefix string) {
	verdict, perms := r.AVC()
	if verdict == nil {
		return
	}
	c.out.raw(prefix, []byte("seresult"), verdict)
	c.value = append(c.value[:0], perms...)
	for i, b := range c.value {
		if b == ' ' {
			c.value[i] = ','
		}
	}
	c.out.raw(prefix, []byte("seperms"), c.value)
}

// begin begins a record.
func (c *Encoder) begin(e *audit.Event, code int, name []byte) {
	c.out.beginRecord(e.ID, code, name)
	c.out.text("", []byte("SchemaVersion"), []byte("1"))
	if len(e.Node) > 0 {
		c.out.text("", []byte("node"), e.Node)
	}
}

// parts are the records that fold names one by one.
type parts struct {
	syscall, cwd, path, execve, sockaddr, integrity, proctitle *audit.Record
	paths                                                      bool
}

func partsOf(e *audit.Event) (p parts) {
	first := func(slot **audit.Record, r *audit.Record) {
		if *slot == nil {
			*slot = r
		}
	}
	for i := range e.Records {
		switch r := &e.Records[i]; r.Type {
		case tables.TypeSyscall:
			first(&p.syscall, r)
		case tables.TypeCWD:
			first(&p.cwd, r)
		case tables.TypePath:
			p.paths = true
			first(&p.path, r)
		case tables.TypeExecve:
			first(&p.execve, r)
		case tables.TypeSockaddr:
			first(&p.sockaddr, r)
		case tables.TypeIntegrityRule:
			first(&p.integrity, r)
		case tables.TypeProctitle:
			first(&p.proctitle, r)
		}
	}
	return p
}

// fold writes all records of e as one.
func (c *Encoder) fold(e *audit.Event) {
	p := partsOf(e)
	code, name := typeFragment, "AUOMS_SYSCALL_FRAGMENT"
	if p.syscall != nil {
		code, name = typeSyscall, "AUOMS_SYSCALL"
		if call, ok := syscallName(p.syscall); ok && strings.HasPrefix(call, "execve") {
			code, name = typeExecve, "AUOMS_EXECVE"
		}
	}
	c.text = append(c.text[:0], name...)
	c.begin(e, code, c.text)
	c.part(p.syscall, except("items"))
	c.part(p.cwd, only("cwd"))
	c.part(p.path, except("item"))
	if p.paths {
		c.pathLists(e)
	}
	c.part(p.execve, only("argc"))
	if p.execve != nil {
		c.cmdline(e)
	}
	c.part(p.sockaddr, only("saddr"))
	c.part(p.integrity, only("hash"))
	if p.execve == nil && p.proctitle != nil {
		c.title(e, p.proctitle)
	}
	c.others(e, &p)
	c.container(&p, e)
	c.out.endRecord()
}

// all, only and except say which fields of a record are wanted.
func all([]byte) bool { return true }

func only(want string) func([]byte) bool {
	return func(name []byte) bool { return string(name) == want }
}

func except(not string) func([]byte) bool {
	return func(name []byte) bool { return string(name) != not }
}

func (c *Encoder) part(r *audit.Record, want func([]byte) bool) {
	if r != nil {
		c.load(r)
		c.fields(r, "", want)
	}
}

// others writes the records that have no place of their own, with their type before
// each name: BPRM_FCAPS_fp, and OBJ_PID[2]_opid of the second.
func (c *Encoder) others(e *audit.Event, p *parts) {
	c.types = c.types[:0]
	for i := range e.Records {
		r := &e.Records[i]
		switch r.Type {
		case tables.TypePath, tables.TypeExecve, tables.TypeProctitle:
			continue
		}
		if r == p.syscall || r == p.cwd || r == p.sockaddr || r == p.integrity {
			continue
		}
		prefix := r.Type.String()
		if n := c.count(r.Type); n > 1 {
			prefix += "[" + strconv.Itoa(n) + "]"
		}
		prefix += "_"
		c.load(r)
		c.verdict(r, prefix)
		c.fields(r, prefix, all)
	}
}

// count returns which one of its type the record is.
func (c *Encoder) count(t tables.Type) int {
	for i := range c.types {
		if c.types[i].t == t {
			c.types[i].n++
			return c.types[i].n
		}
	}
	c.types = append(c.types, typeCount{t, 1})
	return 1
}

// containerLength is how much of a container's id auoms shows.
const containerLength = 12

func (c *Encoder) container(p *parts, e *audit.Event) {
	r := p.syscall
	if r == nil {
		r = &e.Records[0]
	}
	c.value = c.value[:0]
	if f, ok := r.GetExtra(attribution.KeyContainerID); ok {
		c.value = f.Text(c.value)
		c.value = c.value[:min(len(c.value), containerLength)]
	}
	c.out.raw("", []byte("containerid"), c.value)
}

// cmdline writes the arguments as bash would take them.
func (c *Encoder) cmdline(e *audit.Event) {
	whole := e.Args(&c.args)
	c.appendArgs()
	if !whole {
		c.value = append(c.value, "<...>"...)
	}
	c.out.cmdline([]byte("cmdline"), c.value)
	c.redactors(e, tables.TypeExecve)
}

// title writes the process's title, which holds its arguments.
func (c *Encoder) title(e *audit.Event, r *audit.Record) {
	f, ok := r.Get("proctitle")
	if !ok {
		return
	}
	if e.Proctitle(&c.args) {
		c.appendArgs()
	} else {
		c.value = f.Text(c.value[:0])
	}
	c.out.text("", []byte("proctitle"), c.value)
	c.redactors(e, tables.TypeProctitle)
}

func (c *Encoder) appendArgs() {
	c.value = c.value[:0]
	for i := range c.args.Len() {
		if i > 0 {
			c.value = append(c.value, ' ')
		}
		c.value = AppendWord(c.value, c.args.At(i))
	}
}

// redactors names the rules that have redacted the records of a type.
func (c *Encoder) redactors(e *audit.Event, t tables.Type) {
	c.value = c.value[:0]
	for i := range e.Records {
		if e.Records[i].Type != t {
			continue
		}
		if f, ok := e.Records[i].GetExtra(RedactedKey); ok {
			c.value = f.Text(c.value)
			break
		}
	}
	c.out.raw("", []byte("redactors"), c.value)
}

// pathLists writes what the PATH records say as JSON arrays.
func (c *Encoder) pathLists(e *audit.Event) {
	for i := range c.lists {
		c.lists[i] = append(c.lists[i][:0], '[')
	}
	for i := range e.Records {
		if r := &e.Records[i]; r.Type == tables.TypePath {
			c.pathItem(r)
		}
	}
	for i, name := range [...]string{"path_name", "path_nametype", "path_mode", "path_ouid", "path_ogid"} {
		c.lists[i][len(c.lists[i])-1] = ']' // it was a comma
		c.out.list([]byte(name), c.lists[i])
	}
}

// pathItem adds an element, which may be empty, to each list.
func (c *Encoder) pathItem(r *audit.Record) {
	var values [5]audit.Field
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		at := -1
		switch string(f.Name) {
		case "name":
			at = 0
		case "nametype", "objtype": // older kernels
			at = 1
		case "mode":
			at = 2
		case "ouid":
			at = 3
		case "ogid":
			at = 4
		}
		if at >= 0 && values[at].Name == nil {
			values[at] = f
		}
	}
	for i, f := range values {
		c.text = append(c.text[:0], f.Value...)
		if i == 0 && !f.IsNull() {
			c.text = f.Text(c.text[:0])
		}
		c.lists[i] = append(appendListed(c.lists[i], c.text), ',')
	}
}
