package auoms

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// kind is how a field is interpreted.
type kind uint8

const (
	plain kind = iota
	userID
	groupID
	arch
	call
	session
	mode
	key
	text    // the kernel may have encoded it
	command // text that was typed
	address
)

// kindOf says how auoms reads a field of a record: by the tables that the audit tools
// share (auparse's typetab.h).
func kindOf(name []byte) kind {
	switch string(name) {
	case "uid", "auid", "euid", "suid", "fsuid", "ouid", "oauid", "old-auid", "old_auid", "inode_uid", "obj_uid", "sauid", "iuid", "id":
		return userID
	case "gid", "egid", "sgid", "fsgid", "ogid", "inode_gid", "new_gid", "obj_gid", "igid":
		return groupID
	case "arch":
		return arch
	case "syscall":
		return call
	case "ses", "old-ses", "old_ses":
		return session
	case "mode":
		return mode
	case "key":
		return key
	case "cmd":
		return command
	case "saddr":
		return address
	case "comm", "exe", "cwd", "name", "path", "file", "watch", "dir", "acct", "data", "ocomm", "vm", "old-disk", "new-disk", "old-fs", "new-fs",
		"device", "cgroup", "grp", "new_group", "proctitle", "invalid_context", "sw", "root_dir":
		return text
	}
	return plain
}

// interpretedName is what auoms' own example calls the name behind a number
// (interpreted_field_names).
func interpretedName(name []byte) string {
	switch string(name) {
	case "uid":
		return "user"
	case "auid":
		return "audit_user"
	case "euid":
		return "effective_user"
	case "suid":
		return "set_user"
	case "fsuid":
		return "filesystem_user"
	case "inode_uid":
		return "inode_user"
	case "oauid":
		return "o_audit_user"
	case "ouid":
		return "o_user"
	case "obj_uid":
		return "obj_user"
	case "sauid":
		return "sender_audit_user"
	case "gid":
		return "group"
	case "egid":
		return "effective_group"
	case "fsgid":
		return "filesystem_group"
	case "inode_gid":
		return "inode_group"
	case "new_gid":
		return "new_group"
	case "obj_gid":
		return "obj_group"
	case "ogid":
		return "owner_group"
	case "sgid":
		return "set_group"
	}
	return ""
}

// load reads the enrichment of a record.
func (c *Encoder) load(r *audit.Record) {
	c.extra = c.extra[:0]
	fs := r.Extra()
	for f, ok := fs.Next(); ok && len(c.extra) < maxExtra; f, ok = fs.Next() {
		c.extra = append(c.extra, f)
	}
}

// fields writes the fields of the record that was loaded, those that are wanted.
func (c *Encoder) fields(r *audit.Record, prefix string, want func([]byte) bool) {
	fs := r.Fields()
	word, ok := fs.NextWord()
	for ok {
		f := word
		if f.Name == nil {
			word, ok = fs.NextWord()
			continue
		}
		// A value may go on in the words behind it.
		words := false
		for word, ok = fs.NextWord(); ok && word.Name == nil; word, ok = fs.NextWord() {
			if len(f.Value) > 0 && f.Value[0] != '"' {
				f, words = f.Through(word), true
			}
		}
		if !want(f.Name) {
			continue
		}
		if words {
			c.out.text(prefix, f.Name, f.Value)
			continue
		}
		c.field(r, prefix, f)
	}
}

// field writes one field, twice if it can be interpreted.
func (c *Encoder) field(r *audit.Record, prefix string, f audit.Field) {
	name := f.Name
	switch kind := kindOf(f.Name); kind {
	case userID, groupID:
		c.twins(prefix, f, c.appendName(c.value[:0], f, kind == groupID))
	case arch:
		c.value = c.value[:0]
		if n, ok := f.Hex(); ok && tables.Arch(n).Known() {
			c.value = append(c.value, tables.Arch(n).String()...)
		} else {
			c.value = appendUnknown(c.value, "unknown-arch(", f.Value)
		}
		c.out.raw(prefix, name, c.value) // arch_r, ses_r and mode_r are left out in the example
	case call:
		if n, ok := syscallName(r); ok {
			c.twins(prefix, f, append(c.value[:0], n...))
		} else {
			c.twins(prefix, f, appendUnknown(c.value[:0], "unknown-syscall(", f.Value))
		}
	case session:
		if string(f.Value) == "4294967295" || string(f.Value) == "-1" {
			c.out.text(prefix, name, []byte("-1"))
		} else {
			c.out.raw(prefix, name, f.Value)
		}
	case mode:
		c.value = appendMode(c.value[:0], f)
		c.out.raw(prefix, name, c.value)
	case key:
		c.key(prefix, f)
	case text, command:
		if f.IsNull() {
			c.out.raw(prefix, name, f.Value)
			break
		}
		c.value = f.Text(c.value[:0])
		c.out.text(prefix, name, c.value)
		if kind == command {
			c.value = c.value[:0]
			if x, ok := r.GetExtra(RedactedKey); ok {
				c.value = x.Text(c.value)
			}
			c.out.raw(prefix, []byte("redactors"), c.value)
		}
	case address:
		c.address(r, prefix, f)
	default:
		c.out.raw(prefix, name, f.Value)
	}
}

// twins writes what a field means and what it says.
func (c *Encoder) twins(prefix string, f audit.Field, meaning []byte) {
	c.value = meaning
	if other := interpretedName(f.Name); other != "" && prefix == "" {
		c.out.raw(prefix, []byte(other), meaning)
		c.out.raw(prefix, f.Name, f.Value)
		return
	}
	c.out.raw(prefix, f.Name, meaning)
	c.text = append(append(c.text[:0], f.Name...), "_r"...)
	c.out.raw(prefix, c.text, f.Value)
}

// key writes the keys of a rule, separated by commas.
func (c *Encoder) key(prefix string, f audit.Field) {
	if f.IsNull() {
		c.out.raw(prefix, []byte("key"), f.Value)
		return
	}
	c.value = f.Text(c.value[:0])
	blank := false
	for i, b := range c.value {
		if b == 1 { // AUDIT_KEY_SEPARATOR
			c.value[i] = ','
		}
		blank = blank || b == ' ' || b == '"'
	}
	if blank {
		c.out.text(prefix, []byte("key"), c.value)
	} else {
		c.out.raw(prefix, []byte("key"), c.value)
	}
	c.out.raw(prefix, []byte("key_r"), f.Value)
}

// address writes a socket's address.
func (c *Encoder) address(r *audit.Record, prefix string, f audit.Field) {
	a, ok := r.Sockaddr(c.text[:0])
	if !ok {
		c.out.raw(prefix, []byte("saddr"), f.Value)
		return
	}
	c.value = c.value[:0]
	switch a.Family {
	case audit.FamilyInet, audit.FamilyInet6:
		family := "inet host:"
		if a.Family == audit.FamilyInet6 {
			family = "inet6 host:"
		}
		c.value = a.Addr.AppendTo(append(c.value, family...))
		c.value = strconv.AppendUint(append(c.value, " serv:"...), uint64(a.Port), 10)
	case audit.FamilyUnix:
		c.value = append(c.value, "local "...)
		if a.Abstract {
			c.value = append(c.value, '@')
		}
		for _, b := range a.Path {
			if b == ' ' || b == '"' {
				c.value = append(c.value, '\\', 'x', digits[b>>4], digits[b&15])
				continue
			}
			c.value = append(c.value, b)
		}
	default:
		name, known := tables.FamilyName(int(a.Family))
		if !known {
			name = "unknown-family(" + strconv.Itoa(int(a.Family)) + ")"
		}
		c.value = append(c.value, name...)
	}
	c.out.raw(prefix, []byte("saddr"), c.value)
	c.out.raw(prefix, []byte("saddr_r"), f.Value)
}

// appendName appends the name of the user or group in f.
func (c *Encoder) appendName(dst []byte, f audit.Field, group bool) []byte {
	if string(f.Value) == "4294967295" || string(f.Value) == "-1" {
		return append(dst, "unset"...)
	}
	for i := range c.extra {
		x := &c.extra[i]
		if !bytes.EqualFold(x.Name, f.Name) {
			continue
		}
		start := len(dst)
		if dst = x.Text(dst); len(dst) > start && !bytes.HasPrefix(dst[start:], []byte("unknown(")) && !bytes.ContainsAny(dst[start:], " \"=") {
			return dst
		}
		dst = dst[:start]
		break
	}
	id, ok := f.Uint()
	if ok && id <= 0xffffffff && c.names != nil {
		name, known := "", false
		if group {
			name, known = c.names.Group(uint32(id))
		} else {
			name, known = c.names.User(uint32(id))
		}
		if known {
			return append(dst, name...)
		}
	}
	if group {
		return appendUnknown(dst, "unknown-gid(", f.Value)
	}
	return appendUnknown(dst, "unknown-uid(", f.Value)
}

func appendUnknown(dst []byte, what string, value []byte) []byte {
	return append(append(append(dst, what...), value...), ')')
}

// syscallName returns the name of the system call that a record tells of.
func syscallName(r *audit.Record) (string, bool) {
	a, ok := r.Get("arch")
	n, isHex := a.Hex()
	s, has := r.Get("syscall")
	number, isInt := s.Int()
	if !ok || !isHex || !has || !isInt || number < 0 || number > 1<<31-1 {
		return "", false
	}
	return tables.SyscallName(tables.Arch(n), int(number))
}

// appendMode appends a file's type and permissions: "file,755".
func appendMode(dst []byte, f audit.Field) []byte {
	m, ok := f.Octal()
	if !ok {
		return appendUnknown(dst, "unknown-mode(", f.Value)
	}
	if k := fileKind(m); k != "" {
		dst = append(dst, k...)
	} else {
		dst = strconv.AppendUint(dst, uint64(m&0o170000)>>12, 8)
	}
	for _, bit := range [...]struct {
		bit  uint32
		name string
	}{{0o4000, ",suid"}, {0o2000, ",sgid"}, {0o1000, ",sticky"}} {
		if m&bit.bit != 0 {
			dst = append(dst, bit.name...)
		}
	}
	return append(dst, ',', '0'+byte(m>>6&7), '0'+byte(m>>3&7), '0'+byte(m&7))
}

// fileKind names the type in a file's mode (inode(7)), "" for none.
func fileKind(mode uint32) string {
	switch mode & 0o170000 {
	case 0o140000:
		return "socket"
	case 0o120000:
		return "link"
	case 0o100000:
		return "file"
	case 0o060000:
		return "block"
	case 0o040000:
		return "dir"
	case 0o020000:
		return "character"
	case 0o010000:
		return "fifo"
	}
	return ""
}
