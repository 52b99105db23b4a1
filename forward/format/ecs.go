package format

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// user writes who it was. In events of a system call that is the process's user.
// Authentication and sessions are about an account: it is the user, or the
// effective one if somebody else, who had logged in before, has become it.
func (j *JSON) user(o *object) {
	f := &j.facts
	account, hasAccount := j.account()
	groups := [...]int{idGID, idEGID, idSGID, idFSGID}
	o.key("user")
	start := o.open()
	switch {
	case hasAccount && (f.action.category == authn || f.action.category == session):
		login := f.ids[idAUID]
		switch {
		case !login.known():
			j.identity(o, account)
		case string(account.number) == string(login.number), account.number == nil && string(account.name) == string(j.userName(login)):
			j.identity(o, login)
		default:
			j.identity(o, login)
			o.key("effective")
			o.open()
			j.identity(o, account)
			o.close()
		}
	default:
		j.identity(o, f.ids[idUID])
		j.groupOf(o, groups[0])
		// Effective ids are written if they differ from the real ones, saved and
		// filesystem's if they differ from the effective ones.
		for i, name := range [...]string{"effective", "saved", "filesystem"} {
			id, group := idEUID+i, groups[i+1]
			before, groupBefore := idUID, idGID
			if i > 0 {
				before, groupBefore = idEUID, idEGID
			}
			if string(f.ids[id].number) == string(f.ids[before].number) &&
				string(f.ids[group].number) == string(f.ids[groupBefore].number) {
				continue
			}
			o.key(name)
			at := o.open()
			j.identity(o, f.ids[id])
			j.groupOf(o, group)
			o.closeUnlessEmpty(at)
		}
		if hasAccount && !j.aboutGroup() {
			o.key("target")
			o.open()
			j.identity(o, account)
			o.close()
		}
	}
	if f.ids[idAUID].known() {
		o.key("audit")
		o.open()
		j.identity(o, f.ids[idAUID])
		o.close()
	}
	o.closeUnlessEmpty(start)
}

// account returns whom a user message is about, by acct= or id=.
func (j *JSON) account() (identity, bool) {
	f := &j.facts
	account := f.ids[idTarget]
	if !account.known() {
		account.number = nil
	}
	if f.acct.Name != nil && string(f.acct.Value) != "?" && !f.acct.IsNull() {
		j.acctText = f.acct.Text(j.acctText[:0])
		account.name = j.acctText
	}
	return account, account.number != nil || len(account.name) > 0
}

// aboutGroup reports whether a user message is about a group: its id= is one.
func (j *JSON) aboutGroup() bool {
	switch j.facts.action.types {
	case groupMade, groupGone, groupChange:
		return true
	}
	return false
}

// userName returns the name that the record or the host gives a user.
func (j *JSON) userName(i identity) []byte {
	if i.name != nil || j.cfg.Names == nil {
		return i.name
	}
	if id, ok := i.id(); ok {
		if name, ok := j.cfg.Names.User(id); ok {
			j.nameText = append(j.nameText[:0], name...)
			return j.nameText
		}
	}
	return nil
}

// identity writes id and name of a user into an object.
func (j *JSON) identity(o *object, i identity) {
	if i.known() {
		o.string("id", i.number)
	}
	if name := j.userName(i); len(name) > 0 {
		o.string("name", name)
	}
}

// groupOf writes the group that one of the ids is.
func (j *JSON) groupOf(o *object, id int) {
	if !j.facts.ids[id].known() {
		return
	}
	o.key("group")
	o.open()
	j.groupIdentity(o, j.facts.ids[id])
	o.close()
}

func (j *JSON) groupIdentity(o *object, i identity) {
	o.string("id", i.number)
	if name := j.groupName(i); len(name) > 0 {
		o.string("name", name)
	}
}

// groupName returns the name that the record or the host gives a group.
func (j *JSON) groupName(i identity) []byte {
	if i.name != nil || j.cfg.Names == nil {
		return i.name
	}
	if id, ok := i.id(); ok {
		if name, ok := j.cfg.Names.Group(id); ok {
			j.nameText = append(j.nameText[:0], name...)
			return j.nameText
		}
	}
	return nil
}

// group writes the group that a user message is about.
func (j *JSON) group(o *object) {
	f := &j.facts
	if !j.aboutGroup() {
		return
	}
	o.key("group")
	start := o.open()
	target := f.ids[idTarget]
	target.name = nil // auditd looks every id= up among the users
	if f.grp.Name != nil {
		j.acctText = f.grp.Text(j.acctText[:0])
		target.name = j.acctText
	}
	if target.known() {
		j.groupIdentity(o, target)
	} else if target.name != nil {
		o.string("name", target.name)
	}
	o.closeUnlessEmpty(start)
}

// file writes the file that the event is about.
func (j *JSON) file(o *object) {
	f := &j.facts
	o.key("file")
	start := o.open()
	if f.hasFile {
		j.text = f.appendPath(j.text[:0], &f.file)
		j.filePath(o)
		if f.hasOther && (f.action.name == "linked" || f.action.name == "symlinked") {
			j.text = f.appendTarget(j.text[:0])
			o.string("target_path", j.text)
		}
		j.inode(o, &f.file)
	} else if fd, ok := f.deniedPath(); ok {
		j.text = fd.Text(j.text[:0])
		j.filePath(o)
	}
	o.closeUnlessEmpty(start)
}

// deniedPath returns the path in a record of a security module.
func (f *facts) deniedPath() (audit.Field, bool) {
	for i := range f.e.Records {
		r := &f.e.Records[i]
		switch r.Type {
		case tables.TypeAVC, tables.TypeLandlockAccess:
			if fd, ok := r.Get("path"); ok {
				return fd, true
			}
			if _, ok := r.Get("apparmor"); ok {
				fd, ok := r.Get("name")
				return fd, ok
			}
		}
	}
	return audit.Field{}, false
}

// filePath writes the path in j.text and its last element.
func (j *JSON) filePath(o *object) {
	if len(j.text) == 0 {
		return
	}
	o.string("path", j.text)
	if i := bytes.LastIndexByte(j.text, '/'); i+1 < len(j.text) {
		o.string("name", j.text[i+1:])
	}
}

// inode writes what a PATH record says of the file itself.
func (j *JSON) inode(o *object, p *path) {
	if p.inode.Name != nil {
		o.string("inode", p.inode.Value)
	}
	if p.dev.Name != nil {
		o.string("device", p.dev.Value)
	}
	j.mode(o, p.mode)
	if p.owner.known() {
		o.string("uid", p.owner.number)
		if name := j.userName(p.owner); len(name) > 0 {
			o.string("owner", name)
		}
	}
	if p.group.known() {
		o.string("gid", p.group.number)
		if name := j.groupName(p.group); len(name) > 0 {
			o.string("group", name)
		}
	}
}

// mode writes the permissions and the type of a file (stat(2), inode(7)).
func (j *JSON) mode(o *object, fd audit.Field) {
	mode, ok := fd.Octal()
	if !ok {
		return
	}
	o.key("mode")
	o.b = append(o.b, '"')
	if mode&0o7000 == 0 {
		o.b = append(o.b, '0')
	}
	perm := mode & 0o7777
	if mode&0o7000 == 0 {
		o.b = append(o.b, '0'+byte(perm>>6&7), '0'+byte(perm>>3&7), '0'+byte(perm&7))
	} else {
		o.b = strconv.AppendUint(o.b, uint64(perm), 8)
	}
	o.b = append(o.b, '"')
	switch mode >> 12 {
	case 0o01:
		o.raw("type", `"fifo"`)
	case 0o02:
		o.raw("type", `"char_device"`)
	case 0o04:
		o.raw("type", `"dir"`)
	case 0o06:
		o.raw("type", `"block_device"`)
	case 0o10:
		o.raw("type", `"file"`)
	case 0o12:
		o.raw("type", `"symlink"`)
	case 0o14:
		o.raw("type", `"socket"`)
	}
}
