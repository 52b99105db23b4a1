package sentence

import (
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// nameType is what a PATH record says of the name: NORMAL, PARENT, CREATE, DELETE.
func nameType(path audit.Record) string {
	f, _ := path.Get("nametype")
	switch string(f.Value) {
	case "PARENT":
		return "PARENT"
	case "CREATE":
		return "CREATE"
	case "DELETE":
		return "DELETE"
	}
	return "NORMAL"
}

// file is the PATH record of the file that a system call was about: the first that is not of a parent directory, else
// the last of those.
func (t *Teller) file() (audit.Record, bool) {
	var parent audit.Record
	found := false
	for _, r := range t.e.Records {
		if r.Type != tables.TypePath {
			continue
		}
		if nameType(r) != "PARENT" {
			return r, true
		}
		parent, found = r, true
	}
	return parent, found
}

// named is the first PATH record of that nametype.
func (t *Teller) named(nametype string) (audit.Record, bool) {
	for _, r := range t.e.Records {
		if r.Type == tables.TypePath && nameType(r) == nametype {
			return r, true
		}
	}
	return audit.Record{}, false
}

// path appends the name in a PATH record, from the root on if that is known.
func (t *Teller) path(dst []byte, path audit.Record) []byte {
	if t.buf = t.e.AppendPath(t.buf[:0], path); len(t.buf) == 0 {
		return append(dst, "a file without a name"...)
	}
	return appendSafe(dst, t.buf)
}

// onFile appends the file, and what became of it.
func (t *Teller) onFile(dst []byte, d deed) []byte {
	path, ok := t.file()
	switch {
	case !ok:
		dst = append(dst, " a file"...)
	case nameType(path) == "PARENT":
		dst = t.path(append(dst, " a file in "...), path)
	default:
		dst = t.path(append(dst, ' '), path)
	}
	switch d.object {
	case openFile:
		return t.purpose(dst, d)
	case withMode:
		if mode, ok := t.number(d.arg); ok {
			dst = append(dst, " to 0"...)
			dst = strconv.AppendUint(dst, mode&0o7777, 8)
		}
	case withOwner:
		dst = t.id(append(dst, " to "...), d.arg, false)
	}
	return dst
}

// purpose appends for what a file was opened.
func (t *Teller) purpose(dst []byte, d deed) []byte {
	const accessMode = 3 // O_ACCMODE, and its values O_RDONLY 0, O_WRONLY 1, O_RDWR 2, on every architecture
	flags, ok := t.number(d.arg)
	if how, is := t.e.First(tables.TypeOpenat2); is {
		oflag, has := how.Get("oflag")
		n, is := oflag.Octal()
		flags, ok = uint64(n), has && is
	}
	if !ok {
		return dst
	}
	switch flags & accessMode {
	case 0:
		return append(dst, " for reading"...)
	case 1:
		return append(dst, " for writing"...)
	case 2:
		return append(dst, " for reading and writing"...)
	}
	return dst
}

// twoFiles appends a file and its new name.
func (t *Teller) twoFiles(dst []byte) []byte {
	from, ok := t.named("DELETE")
	if !ok {
		from, ok = t.named("NORMAL")
	}
	to, created := t.named("CREATE")
	if !ok {
		from, ok = t.file()
		created = created && ok && nameType(from) != "CREATE"
	}
	if !ok {
		return append(dst, " a file"...)
	}
	dst = t.path(append(dst, ' '), from)
	if created {
		dst = t.path(append(dst, " to "...), to)
	}
	return dst
}

// mounted appends what was mounted where: the mount point is the last name, the device another one.
func (t *Teller) mounted(dst []byte) []byte {
	var names [2]audit.Record
	n := 0
	for _, r := range t.e.Records {
		if r.Type == tables.TypePath && nameType(r) != "PARENT" && n < 2 {
			names[n], n = r, n+1
		}
	}
	switch n {
	case 0:
		return append(dst, " a file system"...)
	case 1:
		return t.path(append(dst, " a file system on "...), names[0])
	}
	// The kernel looks the mount point up first.
	dst = t.path(append(dst, ' '), names[1])
	return t.path(append(dst, " on "...), names[0])
}

// command appends the command line, or what is known of it.
func (t *Teller) command(dst []byte) []byte {
	if t.e.Args(&t.args); t.args.Len() > 0 {
		start := len(dst)
		dst = appendCommand(dst, &t.args)
		exe, ok := t.main.Get("exe")
		if ok && t.main.Result() == audit.ResultSuccess {
			end := len(dst)
			dst = t.appendText(append(dst, " ("...), exe)
			if program := dst[end+2:]; len(program) <= end-start && string(dst[start:start+len(program)]) == string(program) {
				return dst[:end] // the command line begins with it
			}
			dst = append(dst, ')')
		}
		return dst
	}
	if path, ok := t.file(); ok {
		return t.path(dst, path)
	}
	if t.e.Proctitle(&t.args) && t.args.Len() > 0 {
		return appendCommand(dst, &t.args)
	}
	return append(dst, "a program"...)
}

// address appends the address in the event's SOCKADDR record.
func (t *Teller) address(dst []byte) []byte {
	r, ok := t.e.First(tables.TypeSockaddr)
	if !ok {
		return append(dst, "a socket"...)
	}
	sa, ok := r.Sockaddr(t.sock)
	if !ok {
		return append(dst, "a socket"...)
	}
	switch sa.Family {
	case audit.FamilyInet, audit.FamilyInet6:
		dst = sa.Addr.AppendTo(dst)
		return strconv.AppendUint(append(dst, " port "...), uint64(sa.Port), 10)
	case audit.FamilyUnix:
		if len(sa.Path) == 0 {
			return append(dst, "a socket without a name"...)
		}
		if sa.Abstract {
			dst = append(dst, '@')
		}
		return appendSafe(dst, sa.Path)
	case audit.FamilyNetlink:
		return append(dst, "the kernel (netlink)"...)
	case audit.FamilyVsock:
		dst = strconv.AppendUint(append(dst, "the virtual machine "...), uint64(sa.CID), 10)
		return strconv.AppendUint(append(dst, " port "...), uint64(sa.Port), 10)
	}
	name, ok := tables.FamilyName(int(sa.Family))
	if !ok {
		return append(dst, "a socket"...)
	}
	return append(append(append(dst, "a socket ("...), name...), ')')
}
