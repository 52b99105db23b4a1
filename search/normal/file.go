package normal

import (
	"bytes"

	"vigil/audit/tables"
)

// nth is the field of record i with the number that the next field of that name has, wherever that is.
func (n *Normalizer) nth(i int, name string) pos { return in(n.at.at(i, name), i) }

// path is the record of the file that a system call was about: the first from record i on with a nametype that is
// not that of a parent directory, the first of those if there is no other.
func (n *Normalizer) path(i int) (int, bool) {
	c := &n.at
	if i < len(n.recs) {
		c.set(i)
	} // else stock stays where it is
	parent := -1
	for {
		at, ok := c.find("nametype")
		switch {
		case !ok:
			return parent, parent >= 0
		case string(c.value(at)) != "PARENT":
			return c.rec, true
		case parent < 0:
			parent = c.rec
		}
		if c.set(c.rec + 1); c.over {
			return 0, false // stock stands behind the last record then, and takes nothing
		}
	}
}

// file finds the file that a system call was about, from record i on, and returns the mode that says what kind of
// file it is.
func (n *Normalizer) file(i int, anyKind bool) pos {
	path, ok := n.path(i)
	if !ok || n.recs[path].Type != tables.TypePath {
		return pos{}
	}
	p, c := &n.parts, &n.at
	c.set(path)
	name, ok := c.find("name")
	if !ok {
		return pos{}
	}
	p.objPrime = in(name, path)
	inode, _ := c.find("inode")
	p.objSec = in(inode, path)
	mode, _ := c.find("mode")
	if kind := fileKind(c.value(mode)); kind != "" && !anyKind {
		p.objKind = kind
	}
	return mode
}

// labelled is the PATH record whose label is that of the file, -1 if there is none: the first that is not of a parent
// directory, the first of those if there is no other. A record without a mode has no label for stock.
func (n *Normalizer) labelled() int {
	c := &n.at
	first, found := -1, -1
	for i := range n.recs {
		if n.recs[i].Type != tables.TypePath {
			continue
		}
		t := n.recs[i].Find("nametype")
		if found = -1; t < 0 {
			continue
		}
		if found = i; string(n.recs[i].Fields[t].Value) != "PARENT" {
			first = i
			break
		}
		if first < 0 {
			first = i
		}
	}
	if found < 0 || c.at(first, "mode").rec == 0 {
		return -1
	}
	return first
}

// labelIn takes the label of the file in record i.
func (n *Normalizer) labelIn(i int) {
	if i < 0 {
		return
	}
	if f := n.recs[i].Find("obj"); f >= 0 {
		n.parts.objLabel = pos{i + 1, f + 1}
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

// name is the value at p as words; that of a file from the root on, if the event has a CWD.
func (n *Normalizer) name(p pos) []byte {
	name := n.interpreted(p)
	if name == nil || n.recs[p.rec-1].Type == tables.TypeKernModule || string(n.fieldName(p)) != "name" {
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
	return append(dst[:start], n.clean(dst[start:])...)
}

// clean takes the empty components and those that are "." out of path, in place, and goes up at each "..". As stock
// does it, it goes up only when another name follows: what ends in ".." is the directory below. Audit 4 takes several
// in a row for one, and has nothing to print for the root; audit 3 prints the path of another event then, which nobody
// can want.
func (n *Normalizer) clean(path []byte) []byte {
	out, up := path[:0], 0
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
			if up++; n.v4() {
				up = 1
			}
		default:
			for ; up > 0 && len(out) > 0; up-- {
				out = out[:bytes.LastIndexByte(out, '/')]
			}
			up = 0
			out = append(append(out, '/'), part...)
		}
		i = j
	}
	if len(out) == 0 && !n.v4() {
		return append(out, '/')
	}
	return out
}
