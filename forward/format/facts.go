package format

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// The ids that a record of a process or a user message bears.
const (
	idUID = iota
	idEUID
	idSUID
	idFSUID
	idAUID
	idGID
	idEGID
	idSGID
	idFSGID
	idTarget // id= of a user message: whom it is about
	idCount
)

// identity is a user or a group, as its record and its enrichment say.
type identity struct {
	number []byte // decimal, nil if there is none
	name   []byte // nil if the record gives none
}

// known reports whether the identity is one: the id of a user that never logged in
// is -1.
func (i identity) known() bool {
	return len(i.number) > 0 && string(i.number) != "4294967295" && string(i.number) != "-1"
}

func (i identity) id() (uint32, bool) {
	n, err := strconv.ParseUint(string(i.number), 10, 32) // does not escape
	return uint32(n), err == nil
}

// facts is what an event says, as far as more than one encoder wants to know it.
// All of it are views of the event.
type facts struct {
	e    *audit.Event
	main *audit.Record // SYSCALL or URINGOP, else the first record

	action     action
	actionType tables.Type // of the record that the action is from
	result     audit.Result
	errno      int

	arch tables.Arch
	call string // the system call's or io_uring operation's name, "" if there is none

	ids [idCount]identity

	pid, ppid, ses, tty, comm, exe audit.Field
	cwd, key                       audit.Field
	// Of user messages.
	acct, grp, addr, hostname, cmd, unit audit.Field

	hasExecve    bool
	hasProctitle bool
	moreKeys     bool // not only the main record has keys
	sockaddr     *audit.Record
	file, other  path // what it is about; the second one of link and rename
	hasFile      bool
	hasOther     bool
	created      bool // the file did not exist before
	openFlags    uint64

	attr    attribution // of the main record
	kin     *kin        // nil if the encoder does not want it
	kinUsed int
	known   bool // the main record is a CONTAINER record of Vigil's

	// While fields are taken.
	part           part
	beganKnown     bool
	reading        path
	number, a1, a2 audit.Field
}

// path is what a PATH record says.
type path struct {
	name, inode, dev, mode, nametype audit.Field
	owner, group                     identity
}

// gather fills f with what e says.
func (f *facts) gather(e *audit.Event) {
	f.begin(e)
	for i := range e.Records {
		if !f.beginRecord(&e.Records[i]) {
			continue
		}
		fs := e.Records[i].Fields()
		for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
			f.take(fd)
		}
		fs = e.Records[i].Extra()
		for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
			f.takeExtra(fd)
		}
		f.endRecord()
	}
	f.finish()
}

// begin, beginRecord, take, takeExtra, endRecord and finish are the steps of
// gather, for an encoder that walks over all fields itself: each record's between
// a beginRecord and an endRecord, those of one type in their order.
func (f *facts) begin(e *audit.Event) {
	if f.kinUsed > 0 {
		clear(f.kin[:f.kinUsed])
	}
	*f = facts{e: e, kin: f.kin}
	for i := range e.Records {
		switch r := &e.Records[i]; r.Type {
		case tables.TypeSyscall, tables.TypeUringOp:
			if f.main == nil || f.main.Type != tables.TypeSyscall {
				f.main = r
			}
		case tables.TypeConfigChange:
			f.moreKeys = true
		case tables.TypeExecve:
			f.hasExecve = true
		case tables.TypeProctitle:
			f.hasProctitle = true
		case tables.TypeSockaddr:
			f.sockaddr = r
		}
	}
	if f.main == nil && len(e.Records) > 0 {
		f.main = &e.Records[0]
	}
}

// part is what of an event a record is.
type part uint8

const (
	otherPart part = iota
	mainPart
	pathPart
	cwdPart
	openPart
)

// beginRecord reports whether the fields of r are wanted.
func (f *facts) beginRecord(r *audit.Record) bool {
	switch {
	case r == f.main:
		f.part = mainPart
	case r.Type == tables.TypePath:
		f.part = pathPart
		f.reading = path{}
	case r.Type == tables.TypeCWD:
		f.part = cwdPart
	case r.Type == tables.TypeOpenat2:
		f.part = openPart
	default:
		f.part = otherPart
	}
	return f.part != otherPart
}

func (f *facts) take(fd audit.Field) {
	switch f.part {
	case mainPart:
		f.takeMain(fd)
		if f.main.Type == tables.TypeContainer {
			f.takeKnown(fd)
		}
	case pathPart:
		f.reading.take(fd)
	case cwdPart:
		if string(fd.Name) == "cwd" {
			set(&f.cwd, fd)
		}
	case openPart:
		if string(fd.Name) == "oflag" {
			n, _ := fd.Octal()
			f.openFlags = uint64(n)
		}
	}
}

func (f *facts) takeExtra(fd audit.Field) {
	switch f.part {
	case mainPart:
		if i := idOf(fd.Name); i < 0 {
			f.takeAttribution(fd)
		} else if f.ids[i].name == nil {
			f.ids[i].name = enrichedName(fd)
		}
	case pathPart:
		switch string(fd.Name) {
		case "OUID":
			f.reading.owner.name = enrichedName(fd)
		case "OGID":
			f.reading.group.name = enrichedName(fd)
		}
	}
}

func (p *path) take(fd audit.Field) {
	switch string(fd.Name) {
	case "name":
		set(&p.name, fd)
	case "inode":
		set(&p.inode, fd)
	case "dev":
		set(&p.dev, fd)
	case "mode":
		set(&p.mode, fd)
	case "ouid":
		p.owner.number = fd.Value
	case "ogid":
		p.group.number = fd.Value
	case "nametype":
		set(&p.nametype, fd)
	}
}

// endRecord, after a PATH record, chooses the file that the event is about: the
// one that was made, or the first that is no parent directory. The other name of
// links and renames is kept, and the parent of a file that was not found.
func (f *facts) endRecord() {
	if f.part != pathPart {
		return
	}
	switch kind := string(f.reading.nametype.Value); {
	case kind == "PARENT":
		if !f.hasFile && !f.hasOther {
			f.other, f.hasOther = f.reading, true
		}
	case kind == "CREATE" && !f.created:
		f.other, f.hasOther = f.file, f.hasFile
		f.file, f.hasFile, f.created = f.reading, true, true
	case !f.hasFile:
		f.file, f.hasFile, f.hasOther = f.reading, true, false
	case !f.hasOther:
		f.other, f.hasOther = f.reading, true
	}
}

// takeMain takes a field of the main record.
func (f *facts) takeMain(fd audit.Field) {
	switch string(fd.Name) {
	case "pid":
		set(&f.pid, fd)
	case "ppid":
		set(&f.ppid, fd)
	case "ses":
		set(&f.ses, fd)
	case "tty":
		set(&f.tty, fd)
	case "comm":
		set(&f.comm, fd)
	case "exe":
		set(&f.exe, fd)
	case "key":
		set(&f.key, fd)
	case "arch":
		n, _ := fd.Hex()
		f.arch = tables.Arch(n)
	case "syscall", "uring_op":
		set(&f.number, fd)
	case "exit":
		if f.isCall() {
			f.errno = fd.Errno()
		}
	case "success":
		switch string(fd.Value) {
		case "yes":
			f.result = audit.ResultSuccess
		case "no":
			f.result = audit.ResultFailure
		}
	case "a1":
		set(&f.a1, fd)
	case "a2":
		set(&f.a2, fd)
	default:
		if i := idOf(fd.Name); i >= 0 {
			if f.ids[i].number == nil {
				f.ids[i].number = fd.Value
			}
		} else if !f.isCall() {
			f.takeUser(fd)
		}
	}
}

// takeUser takes a field that user messages have.
func (f *facts) takeUser(fd audit.Field) {
	switch string(fd.Name) {
	case "acct":
		set(&f.acct, fd)
	case "grp":
		set(&f.grp, fd)
	case "addr":
		set(&f.addr, fd)
	case "hostname":
		set(&f.hostname, fd)
	case "cmd":
		set(&f.cmd, fd)
	case "cwd":
		set(&f.cwd, fd)
	case "unit":
		set(&f.unit, fd)
	}
}

// finish concludes from what was taken.
func (f *facts) finish() {
	if f.main == nil {
		return
	}
	if !f.hasFile && f.hasOther {
		f.file, f.hasFile, f.hasOther = f.other, true, false
	}
	n, ok := f.number.Int()
	switch {
	case ok && f.main.Type == tables.TypeUringOp:
		f.call, _ = tables.UringOpName(int(n))
	case ok && (f.main.Type == tables.TypeSyscall || f.main.Type == tables.TypeSeccomp):
		f.call, _ = tables.SyscallName(f.arch, int(n))
	}
	switch f.call {
	case "open":
		f.openFlags, _ = f.a1.Hex()
	case "openat", "open_by_handle_at":
		f.openFlags, _ = f.a2.Hex()
	}
	if f.result == audit.ResultUnknown || !f.isCall() {
		f.result = f.e.Result()
	}
	f.classify()
}

// set takes the first of several fields of a name: it is the kernel's.
func set(dst *audit.Field, fd audit.Field) {
	if dst.Name == nil {
		*dst = fd
	}
}

// idOf returns which of the ids a field is, -1 if none. In the enrichment the
// names are upper-case.
func idOf(name []byte) int {
	switch string(name) {
	case "uid", "UID":
		return idUID
	case "euid", "EUID":
		return idEUID
	case "suid", "SUID":
		return idSUID
	case "fsuid", "FSUID":
		return idFSUID
	case "auid", "AUID":
		return idAUID
	case "gid", "GID":
		return idGID
	case "egid", "EGID":
		return idEGID
	case "sgid", "SGID":
		return idSGID
	case "fsgid", "FSGID":
		return idFSGID
	case "id", "ID":
		return idTarget
	}
	return -1
}

// enrichedName returns the name in a field such as UID="root", nil if it is none.
func enrichedName(fd audit.Field) []byte {
	v := fd.Value
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		v = v[1 : n-1]
		if string(v) == "unset" || bytes.HasPrefix(v, []byte("unknown(")) {
			return nil
		}
		return v
	}
	return nil // hexadecimal: as rare as odd; the id stands for it
}

// appendPath appends the name of a file, made absolute if it can be.
func (f *facts) appendPath(dst []byte, p *path) []byte {
	if p.name.Name == nil || p.name.IsNull() {
		return dst
	}
	start := len(dst)
	if v := p.name.Value; len(v) < 2 || string(v[:2]) != `"/` && string(v[:2]) != "2F" {
		dst = f.cwd.Text(dst)
		if n := len(dst); n > start && dst[n-1] != '/' {
			dst = append(dst, '/')
		}
	}
	return p.name.Text(dst)
}

// appendTarget appends what a new link leads to. What a symbolic one leads to is
// text, not the name of a file.
func (f *facts) appendTarget(dst []byte) []byte {
	if f.action.name == "symlinked" {
		return f.other.name.Text(dst)
	}
	return f.appendPath(dst, &f.other)
}

// keys fills a with the keys of the rule.
func (f *facts) keys(a *audit.Args) {
	if f.moreKeys || f.main == nil || !f.isCall() {
		f.e.Keys(a)
		return
	}
	f.key.Keys(a)
}
