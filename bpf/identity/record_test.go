package identity

import (
	"encoding/binary"
	"strings"
	"testing"
)

// raw makes the ring record of r.
func raw(r record) []byte {
	n := binary.NativeEndian
	var b []byte
	b = n.AppendUint16(b, uint16(r.kind))
	b = n.AppendUint16(b, 0)
	b = n.AppendUint32(b, r.pid)
	for _, v := range []uint64{r.start, uint64(r.clock), r.cgroup, r.cgroup1, uint64(r.stamp)} {
		b = n.AppendUint64(b, v)
	}
	for _, v := range []uint32{r.ppid, r.creator, r.nspid, r.exec, r.auid, r.session, r.pidns, r.mntns, r.netns, 0} {
		b = n.AppendUint32(b, v)
	}
	return append(b, r.comm[:]...)
}

// rawPath makes the ring record of a cgroup whose names are given from the root down.
func rawPath(key uint64, cut bool, names ...string) []byte {
	n := binary.NativeEndian
	var text []byte
	for i := len(names) - 1; i >= 0; i-- {
		text = append(append(text, names[i]...), 0)
	}
	var b []byte
	b = n.AppendUint16(b, uint16(kindPath))
	flags := uint16(0)
	if cut {
		flags = pathCut
	}
	b = n.AppendUint16(b, flags)
	b = n.AppendUint16(b, uint16(len(names)))
	b = n.AppendUint16(b, uint16(len(text)))
	b = n.AppendUint64(b, key)
	b = n.AppendUint64(b, 0)
	return append(b, append(text, make([]byte, pathSize-pathHeader-len(text))...)...)
}

func rawGone(key uint64) []byte {
	b := make([]byte, goneSize)
	binary.NativeEndian.PutUint16(b, uint16(kindGone))
	binary.NativeEndian.PutUint64(b[8:], key)
	return b
}

func TestDecodeProcess(t *testing.T) {
	want := record{kind: kindExec, pid: 2, start: 3, clock: 4, cgroup: 5, cgroup1: 6, stamp: 7, ppid: 8, creator: 9, nspid: 10,
		exec: 11, auid: 12, session: 13, pidns: 14, mntns: 15, netns: 16, comm: Comm{'s', 'h'}}
	b := raw(want)
	if len(b) != recordSize {
		t.Fatalf("struct record has %d bytes, want %d", len(b), recordSize)
	}
	var got record
	if err := decodeProcess(b, &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if err := decodeProcess(b[:recordSize-1], &got); err == nil {
		t.Error("a short record is taken")
	}
}

func TestDecodePath(t *testing.T) {
	f := func(want string, cut bool, names ...string) {
		t.Helper()
		got, err := decodePath(rawPath(7, cut, names...))
		if err != nil || got.path != want || got.key != 7 {
			t.Errorf("got %q %d %v, want %q", got.path, got.key, err, want)
		}
	}
	f("/", false)
	f("/a", false, "a")
	f("/system.slice/docker-1.scope", false, "system.slice", "docker-1.scope")
	f("b/c", true, "b", "c")
	f("", true)
	f("/a b/\x1dUID=\"root\"/\xff'\\\"", false, "a b", "\x1dUID=\"root\"", "\xff'\\\"") // names may hold anything
	f("/"+strings.Repeat("x", 255), false, strings.Repeat("x", 255))
	for _, broken := range [][]byte{
		nil,
		rawPath(1, false, "a")[:20],
		rawPath(1, false, "a", "b")[:pathHeader+3],
		append(rawPath(1, false, "a")[:4], rawPath(1, false, "a", "b")[4:]...)[:pathHeader],
	} {
		if p, err := decodePath(broken); err == nil {
			t.Errorf("%q decodes to %+v", broken, p)
		}
	}
}

// FuzzApply feeds a table anything a ring could hold: it must neither panic nor grow beyond its bounds.
func FuzzApply(f *testing.F) {
	r := record{kind: kindFork, pid: 5, start: 1, clock: 10, cgroup: 3, ppid: 1, auid: Unset}
	f.Add(raw(r), uint8(3))
	r.kind = kindExec
	f.Add(append(raw(r), raw(r)...), uint8(recordSize))
	f.Add(rawPath(3, false, "a", "b"), uint8(0))
	f.Add(rawGone(3), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		tab := newTable(limits{ancestors: 3, tailAge: 1 << 40, tail: 16, maxTail: 16}, testClock())
		for len(data) > 0 {
			n := min(len(data), 1+int(step)*5)
			tab.apply(data[:n])
			q := Query{PID: uint32(n), Exec: n%2 == 0}
			if i := kindOf(data); i >= kindFork && i <= kindSeen && n >= recordSize {
				q.PID = binary.NativeEndian.Uint32(data[4:])
			}
			p, m := tab.lookup(&q)
			if !m.Known() && p.Cgroup != "" {
				t.Errorf("%s with cgroup %q", m, p.Cgroup)
			}
			tab.ancestors(&p, nil, 5)
			data = data[n:]
		}
		tab.expire(0)
		tab.recount()
		if tab.dead > 16 || tab.past > 16 {
			t.Errorf("%d dead, %d states", tab.dead, tab.past)
		}
	})
}
