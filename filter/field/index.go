package field

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// name is a field of SYSCALL, in the order in which the kernel prints them
// (kernel/auditsc.c, audit_log_exit).
type name uint8

const (
	nArch name = iota
	nSyscall
	nSuccess
	nExit
	nA0
	nA1
	nA2
	nA3
	nItems
	nPPID
	nPID
	nAUID
	nUID
	nGID
	nEUID
	nSUID
	nFSUID
	nEGID
	nSGID
	nFSGID
	nTTY
	nSes
	nComm
	nExe
	nSubj
	nKey
	nNames
)

var names = [nNames][]byte{
	[]byte("arch"), []byte("syscall"), []byte("success"), []byte("exit"), []byte("a0"), []byte("a1"), []byte("a2"),
	[]byte("a3"), []byte("items"), []byte("ppid"), []byte("pid"), []byte("auid"), []byte("uid"), []byte("gid"),
	[]byte("euid"), []byte("suid"), []byte("fsuid"), []byte("egid"), []byte("sgid"), []byte("fsgid"), []byte("tty"),
	[]byte("ses"), []byte("comm"), []byte("exe"), []byte("subj"), []byte("key"),
}

// index finds the fields of a SYSCALL record in one walk that goes no further than
// it must. It takes only what the kernel prints; when it meets anything else it
// gives up for the record (slow) and audit.Fields, which knows all, is asked.
type index struct {
	body   []byte
	at     int
	expect name
	slow   bool
	seen   uint32
	span   [nNames]struct{ from, to int32 }
}

func (x *index) load(body []byte, isCall bool) {
	x.body, x.at, x.expect, x.seen = body, 0, 0, 0
	x.slow = !isCall || len(body) > math.MaxInt32
}

func (x *index) find(n name) ([]byte, bool) {
	if x.seen&(1<<n) == 0 && !x.walk(n) {
		return nil, false
	}
	s := &x.span[n]
	return x.body[s.from:s.to:s.to], true
}

// walk goes on until it has passed field n. Most of an evaluation's time is spent
// here, so the usual case stands in one loop: the name is the expected one and the
// value neither is quoted nor ends in what may belong to the text around it.
func (x *index) walk(n name) bool {
	if x.slow {
		return false
	}
	b, at, expect := x.body, x.at, x.expect
	for at < len(b) {
		id, from, to := expect, 0, -1
		if id < nNames && at+16 <= len(b) {
			if k := &nameKeys[id]; binary.LittleEndian.Uint64(b[at:])&k.mask == k.text {
				from = at + k.n
				const ones, highs = 0x0101010101010101, 0x8080808080808080
				v := binary.LittleEndian.Uint64(b[from:from+8:len(b)]) ^ ones*' '
				if m := (v - ones) &^ v & highs; m != 0 {
					to = from + bits.TrailingZeros64(m)>>3
				} else {
					to = from + 8 + space(b[from+8:])
				}
				if special[b[from]] || special[b[to-1]] {
					to = valueEnd(b, from)
				}
			}
		}
		if from == 0 {
			x.at, x.expect = at, expect
			if id, from = x.nameOf(); from < 0 {
				x.slow = len(bytes.TrimLeft(b[at:], " ")) > 0
				x.at = len(b)
				return false
			}
			to = valueEnd(b, from)
		}
		if to < 0 {
			x.slow = true
			return false
		}
		at = to + 1 // behind the space
		if id == nNames {
			continue
		}
		expect = id + 1
		if x.seen&(1<<id) == 0 {
			x.seen |= 1 << id
			x.span[id].from, x.span[id].to = int32(from), int32(to)
			if id == n {
				x.at, x.expect = at, expect
				return true
			}
		}
	}
	x.at, x.expect = at, expect
	return false
}

// special are the bytes at either end of a value with which it may not be plain.
var special = [256]bool{'"': true, '\'': true, '{': true, ',': true, ')': true}

// nameOf returns the field that x.body[x.at:] begins with, nNames for one of no
// interest, and where its value begins, -1 if this is nothing that the kernel
// prints. Nearly always it is the one that follows the last, and eight bytes
// compared at once tell.
func (x *index) nameOf() (name, int) {
	b := x.body[x.at:]
	if x.expect < nNames && len(b) >= 8 {
		k := &nameKeys[x.expect]
		if binary.LittleEndian.Uint64(b)&k.mask == k.text {
			return x.expect, x.at + k.n
		}
	}
	eq := bytes.IndexByte(b, '=')
	if eq <= 0 || eq > 32 || string(b[:eq]) == "msg" {
		return nNames, -1
	}
	for _, c := range b[:eq] {
		if c-'a' > 'z'-'a' && c-'0' > 9 && c != '_' && c != '-' {
			return nNames, -1
		}
	}
	for n := range names {
		if string(names[n]) == string(b[:eq]) {
			return name(n), x.at + eq + 1
		}
	}
	return nNames, x.at + eq + 1
}

// nameKeys are the names with their = as numbers; none is longer than eight bytes.
var nameKeys = func() (keys [nNames]struct {
	text, mask uint64
	n          int
}) {
	for i, name := range names {
		var b, mask [8]byte
		n := copy(b[:], name)
		b[n] = '='
		for j := range n + 1 {
			mask[j] = 0xff
		}
		keys[i].text, keys[i].mask, keys[i].n = binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(mask[:]), n+1
	}
	return keys
}()

// valueEnd returns where the value at b[from:] ends, -1 if it is not plain.
func valueEnd(b []byte, from int) int {
	if from >= len(b) {
		return len(b)
	}
	first := b[from]
	switch first {
	case '"':
		j := bytes.IndexByte(b[from+1:], '"')
		if j < 0 {
			return -1
		}
		to := from + 1 + j + 1
		if to < len(b) && b[to] != ' ' {
			return -1
		}
		return to
	case '\'', '{':
		return -1
	}
	to := from + space(b[from:])
	if to > from {
		if last := b[to-1]; last == ',' || last == ')' && first != '(' {
			return -1
		}
	}
	return to
}

// space returns the index of the first space in b, or its length: values are
// short, so that eight bytes at a time beat bytes.IndexByte.
func space(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		v := binary.LittleEndian.Uint64(b[i:]) ^ ones*' '
		if m := (v - ones) &^ v & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] != ' ' {
		i++
	}
	return i
}
