package normal

import (
	"bytes"

	"vigil/audit/tables"
)

// nth is the field of record i with the number that the next field of that name has, wherever that is. So stock
// takes it: it is the field itself if the record is the one that was expected, and otherwise another one.
func (n *Normalizer) nth(i int, name string) pos {
	p := n.at.at(i, name)
	if p.rec == 0 {
		return pos{}
	}
	p.rec = i + 1
	return p
}

// file finds the file that a system call was about: the first PATH from record i on that is not of a parent
// directory, the first of those if there is no other.
func (n *Normalizer) file(i int, any bool) {
	p, c := &n.parts, &n.at
	c.set(i)
	parent, found := -1, false
	for {
		at, ok := c.find("nametype")
		if !ok {
			break
		}
		if string(c.value(at)) != "PARENT" {
			found = true
			break
		}
		if parent < 0 {
			parent = c.rec
		}
		if c.set(c.rec + 1); c.over {
			return // stock stands behind the last record then, and takes nothing
		}
	}
	if !found {
		if parent < 0 {
			return
		}
		c.set(parent)
	}
	path := c.rec
	if n.recs[path].Type != tables.TypePath {
		return
	}
	c.set(path)
	name, ok := c.find("name")
	if !ok {
		return
	}
	p.objPrime = pos{path + 1, name.field}
	if inode, ok := c.find("inode"); ok {
		p.objSec = pos{path + 1, inode.field}
	}
	if any {
		return
	}
	mode, _ := c.find("mode")
	if kind := fileKind(c.value(mode)); kind != "" {
		p.objKind = kind
	}
}

// pathLabel finds the label of the file, which is that of the first PATH that is not of a parent directory.
func (n *Normalizer) pathLabel() {
	first := -1
	for i := range n.recs {
		if n.recs[i].Type != tables.TypePath {
			continue
		}
		if t := n.recs[i].Find("nametype"); t >= 0 && string(n.recs[i].Fields[t].Value) != "PARENT" {
			first = i
			break
		}
		if first < 0 {
			first = i
		}
	}
	n.labelOf(pos{rec: first + 1})
}

// labelOf takes the label of the file in the record of p.
func (n *Normalizer) labelOf(p pos) {
	if p.rec == 0 {
		return
	}
	if f := n.recs[p.rec-1].Find("obj"); f >= 0 {
		n.parts.objLabel = pos{p.rec, f + 1}
	}
}

// fileKind is the kind of file that a mode in octal digits says, "" if none.
func fileKind(mode []byte) string {
	m := 0
	for _, d := range mode {
		if d < '0' || d > '7' || m > 1<<24 {
			break
		}
		m = m<<3 | int(d-'0')
	}
	switch m & 0o170000 {
	case 0o100000:
		return "file"
	case 0o040000:
		return "directory"
	case 0o020000:
		return "character-device"
	case 0o060000:
		return "block-device"
	case 0o010000:
		return "fifo"
	case 0o120000:
		return "symlink"
	case 0o140000:
		return "socket"
	}
	return ""
}

// name is the value at p as words; that of a file in a PATH record from the root on, if the event has a CWD.
func (n *Normalizer) name(p pos) []byte {
	name := n.interpreted(p)
	if name == nil || n.recs[p.rec-1].Type != tables.TypePath || string(n.recs[p.rec-1].Fields[p.field-1].Name) != "name" {
		return name
	}
	for i := range n.recs {
		if n.recs[i].Type != tables.TypeCWD {
			continue
		}
		if f := n.recs[i].Find("cwd"); f >= 0 {
			start := len(n.buf)
			n.buf = n.appendJoined(n.buf, pos{i + 1, f + 1}, name)
			return n.buf[start:len(n.buf):len(n.buf)]
		}
	}
	return name
}

// appendJoined appends a name that was said in the directory at cwd. An absolute one without ".." is left as it is.
func (n *Normalizer) appendJoined(dst []byte, cwd pos, name []byte) []byte {
	start := len(dst)
	if len(name) > 0 && name[0] == '/' {
		if !bytes.Contains(name, []byte("..")) {
			return append(dst, name...)
		}
		dst = append(dst, name...)
	} else {
		dst = n.appendValue(dst, cwd)
		dst = append(dst, '/')
		dst = append(dst, name...)
		if n.v4() && !bytes.Contains(dst[start:], []byte("..")) {
			return dst
		}
	}
	return append(dst[:start], clean(dst[start:])...)
}

// clean takes the empty components and those that are "." out of path, in place, and each ".." with what is before
// it. A ".." at the very end is taken for nothing: so stock does it.
func clean(path []byte) []byte {
	out := path[:0]
	for i := 0; i < len(path); {
		for i < len(path) && path[i] == '/' {
			i++
		}
		j := i
		for j < len(path) && path[j] != '/' {
			j++
		}
		switch part := path[i:j]; {
		case len(part) == 0 || string(part) == ".":
		case string(part) == "..":
			if j < len(path) {
				out = out[:max(0, bytes.LastIndexByte(out, '/'))]
			}
		default:
			out = append(append(out, '/'), part...)
		}
		i = j
	}
	if len(out) == 0 {
		return append(out, '/')
	}
	return out
}
