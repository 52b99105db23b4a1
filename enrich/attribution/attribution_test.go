package attribution

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

const (
	id  = "3f1c0de5b17e4a0f8d6c2b9a7e5d4c3b2a190807f6e5d4c3b2a1908f7e6d5c4b"
	uid = "0f7e6d5c-1a2b-3c4d-5e6f-708192a3b4c5"

	raw      = `type=SYSCALL msg=audit(1626611363.720:348501): arch=c000003e syscall=59 success=yes pid=4711 comm="sh"`
	enriched = raw + "\x1d" + `ARCH=x86_64 SYSCALL=execve UID="root"`
)

// whole has every field.
func whole() *Attribution {
	return &Attribution{
		Attributed: true, Cgroup: "/kubepods/pod" + uid + "/" + id, Unit: "kubelet.service", Slice: "kubepods.slice",
		Start: 1795258195000000001, VPID: 17, Script: "/opt/run me.sh",
		ContainerID: id, Runtime: "containerd", PodUID: uid,
		Container: &Container{ID: id, Name: "web", Image: "registry:5000/web:1", Digest: "sha256:d977", Runtime: "containerd",
			Privileged: No, Labels: []Label{{"tier", "front"}},
			Pod: &Pod{Name: "web-0", Namespace: "demo", UID: uid, Account: "default", Sandbox: strings.Repeat("ab", 32), Node: "n1",
				Labels: []Label{{"app", "web"}, {"odd=,%", "a,b=%2C"}}}},
		Ancestors: []Ancestor{{PID: 12, Comm: "bash", Exe: "/usr/bin/bash", Args: "-bash"},
			{PID: 1234, Comm: "sshd", Exe: "/usr/sbin/sshd", Args: "sshd: alice [priv]"}},
		Login: &Login{User: "alice", TTY: "pts/0", Addr: "192.0.2.7", Method: "ssh", Time: 1626611363007},
		Entry: &Entry{ID: id, Via: "kubernetes", Container: id},
	}
}

func TestAppendParse(t *testing.T) {
	for _, line := range []string{raw, enriched} {
		want := whole()
		out := Format{Fields: AllFields}.Append([]byte("before\n"+line), len("before\n"), want)
		r, err := audit.ParseLine(out[len("before\n"):])
		if err != nil {
			t.Fatal(err)
		}
		var got Attribution
		if !Parse(r, &got) {
			t.Fatalf("nothing parsed from %q", out)
		}
		if diff := cmp.Diff(&got, want); diff != "" {
			t.Errorf("got - want +:\n%s%q", diff, out)
		}
	}
}

func TestAppendText(t *testing.T) {
	f := func(line string, format Format, a Attribution, want string) {
		t.Helper()
		if got := string(format.Append([]byte(line), 0, &a)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	f("x", Format{}, Attribution{}, "x")
	f("x", Format{}, Attribution{ContainerID: "c"}, "x\x1dCONTAINER_ID=\"c\"")
	f("x\x1dUID=\"root\"", Format{}, Attribution{Unit: "a.service"}, "x\x1dUID=\"root\" UNIT=\"a.service\"")
	f("x", Format{}, Attribution{Unit: `a"b`}, "x\x1dUNIT=612262")
	f("x", Format{}, Attribution{Unit: "a\x1db\n\x00"}, "x\x1dUNIT=611D620A00")
	f("x", Format{}, Attribution{Unit: "caf\xc3\xa9.service"}, "x\x1dUNIT=636166C3A92E73657276696365")
	f("x", Format{}, Attribution{Unit: "a b"}, "x\x1dUNIT=612062")
	f("x", Format{Fields: Units}, Attribution{ContainerID: "c", Unit: "u.service"}, "x\x1dUNIT=\"u.service\"")
	f("x", Format{Size: 17}, Attribution{ContainerID: "c", Unit: "u.service"}, "x\x1dCONTAINER_ID=\"c\"")
	f("x", Format{Ancestors: 1}, Attribution{Ancestors: []Ancestor{{PID: 12, Comm: "a"}, {PID: 13}}}, "x\x1dP1_PID=\"12\" P1_COMM=\"a\"")
	f("x", Format{}, Attribution{Ancestors: []Ancestor{{PID: 12}, {}, {PID: 13}}}, "x\x1dP1_PID=\"12\"")
	// The path of a unix socket that somebody with CAP_AUDIT_WRITE has put into a record cannot pass for a key.
	f("x\x1dUID=\"root\" SADDR={ saddr_fam=local path=/} CONTAINER_ID=\"z\" }", Format{}, Attribution{Unit: "u"},
		"x\x1dUID=\"root\" UNIT=\"u\"")
	f("x\x1dSADDR={ saddr_fam=local path=/} CONTAINER_ID=\"z\" }", Format{}, Attribution{Unit: "u"}, "x\x1dUNIT=\"u\"")
	f("x\x1dSADDR={ saddr_fam=local path=/} CONTAINER_ID=\"z\" }", Format{}, Attribution{}, "x")
}

func TestPlain(t *testing.T) {
	for _, fill := range []byte{'!', 'a', '~'} {
		for at := range 17 {
			for c := range 256 {
				b := bytes.Repeat([]byte{fill}, 17)
				b[at] = byte(c)
				if got, want := plain(b), slowPlain(b); got != want {
					t.Fatalf("%q: got %v, want %v", b, got, want)
				}
			}
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add([]byte("/opt/run me.sh"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := plain(b), slowPlain(b); got != want {
			t.Errorf("%q: got %v, want %v", b, got, want)
		}
	})
}

func TestAppendBounds(t *testing.T) {
	a := whole()
	a.Container.Name = strings.Repeat("n", 1<<20)
	a.Container.Pod.Labels = append(a.Container.Pod.Labels, Label{"big", strings.Repeat("\n", 1<<20)})
	a.Ancestors[1].Args = strings.Repeat("\xff", 1<<20)
	for size := range 3000 {
		out := Format{Fields: AllFields, Size: size + 1}.Append([]byte(enriched), 0, a)
		if len(out) > len(enriched)+size+1 {
			t.Fatalf("%d bytes added, at most %d are allowed", len(out)-len(enriched), size+1)
		}
		r, err := audit.ParseLine(out)
		if err != nil {
			t.Fatal(err)
		}
		var got Attribution
		Parse(r, &got)
	}
	long := []byte(raw + strings.Repeat("x", MaxLine))
	if out := (Format{}).Append(long, 0, a); !bytes.Equal(out, long) {
		t.Errorf("a line that is too long already got longer")
	}
	if n := len(AppendContainer(nil, a.Container)); n > 8300 {
		t.Errorf("a CONTAINER record of %d bytes", n)
	}
}

func TestContainerRecord(t *testing.T) {
	want := whole().Container
	r := audit.Record{Type: tables.TypeContainer, Body: AppendContainer(nil, want)}
	line, err := audit.ParseLine(r.AppendLine(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := ParseContainer(line)
	if diff := cmp.Diff(got, want); diff != "" || !ok {
		t.Errorf("%v, got - want +:\n%s%s", ok, diff, r.Body)
	}
	// What programs send is not believed.
	r.Body = append([]byte("pid=1 uid=0 auid=0 ses=1 msg='"), r.Body...)
	if _, ok := ParseContainer(r); ok {
		t.Error("a user message passed for a CONTAINER record")
	}
}

func TestParseFields(t *testing.T) {
	for _, f := range []Fields{0, AllFields, DefaultFields, Logins | Cgroups} {
		if got, err := ParseFields(f.Names()); got != f || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, f)
		}
	}
	if _, err := ParseFields([]string{"unit", "units"}); err == nil {
		t.Error("no error for a group that does not exist")
	}
}

// FuzzParse holds that any text is parsed within bounds and that what was parsed survives being written and read again.
func FuzzParse(f *testing.F) {
	f.Add(Format{Fields: AllFields}.Append([]byte(enriched), 0, whole())[len(raw)+1:])
	f.Add([]byte(`P3_PID="1" P1_PID="0" CONTAINER_ID=6 POD_LABELS="a=%2C,b"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.IndexByte(text, '\n') >= 0 {
			return // no line of a log
		}
		var a, b Attribution
		if !Parse(audit.Record{Enrichment: text}, &a) {
			return
		}
		out := Format{Fields: AllFields, Size: 1 << 20, Ancestors: MaxAncestors}.Append([]byte(raw), 0, &a)
		if bytes.ContainsAny(out[len(raw)+min(1, len(out)-len(raw)):], "\x1d\n\x00") {
			t.Fatalf("control characters in %q", out)
		}
		r, err := audit.ParseLine(out)
		if err != nil {
			t.Fatal(err)
		}
		Parse(r, &b)
		again := Format{Fields: AllFields, Size: 1 << 20, Ancestors: MaxAncestors}.Append([]byte(raw), 0, &b)
		if !bytes.Equal(out, again) {
			t.Errorf("got  %q\nwant %q", again, out)
		}
	})
}

// FuzzAppend holds that no value can make a key of another.
func FuzzAppend(f *testing.F) {
	f.Add(id, "a\x1dUNIT=\"x\"", "l\"", "v,w=1", uint16(4096))
	f.Fuzz(func(t *testing.T, cid, name, label, value string, size uint16) {
		a := Attribution{ContainerID: cid, Container: &Container{ID: cid, Name: name, Labels: []Label{{label, value}}}}
		out := Format{Fields: AllFields, Size: int(size)}.Append([]byte(raw), 0, &a)
		r, err := audit.ParseLine(out)
		if err != nil {
			t.Fatal(err)
		}
		var got Attribution
		if !Parse(r, &got) {
			return
		}
		cut := func(s string) string { return s[:min(len(s), maxValue)] }
		if got.ContainerID != "" && got.ContainerID != cut(cid) {
			t.Errorf("id %q of %q", got.ContainerID, cid)
		}
		if got.Unit != "" || got.PodUID != "" || got.Entry != nil || got.Login != nil || got.Ancestors != nil {
			t.Errorf("more than was written: %q", out)
		}
		// Every value is in the kernel's encoding.
		fs := r.Extra()
		for f, ok := fs.Next(); ok; f, ok = fs.Next() {
			if v := f.Value; len(v) == 0 || v[0] == '"' && !slowPlain(v[1:len(v)-1]) {
				t.Errorf("%s=%q", f.Name, v)
			}
		}
		if c := got.Container; c != nil {
			if c.Name != "" && c.Name != cut(name) || len(c.Labels) > 1 {
				t.Errorf("got %+v from %q", c, out)
			}
			if len(c.Labels) == 1 && (c.Labels[0].Name != cut(label) || c.Labels[0].Value != cut(value)) {
				t.Errorf("got %q, want %q=%q", c.Labels, label, value)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	a := whole()
	buf := make([]byte, 0, MaxLine)
	b.Run("host", func(b *testing.B) {
		h := &Attribution{Cgroup: "/system.slice/ssh.service", Unit: "ssh.service", Slice: "system.slice", Start: a.Start, VPID: 7}
		b.ReportAllocs()
		for b.Loop() {
			buf = Format{}.Append(append(buf[:0], enriched...), 0, h)
		}
	})
	b.Run("pod", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = Format{}.Append(append(buf[:0], enriched...), 0, a)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	r, err := audit.ParseLine(Format{}.Append([]byte(enriched), 0, whole()))
	if err != nil {
		b.Fatal(err)
	}
	var a Attribution
	b.ReportAllocs()
	for b.Loop() {
		Parse(r, &a)
	}
}

// TestRendered has what was rendered beforehand put behind lines as Append would have written it, however little room there
// is.
func TestRendered(t *testing.T) {
	for size := range 1200 {
		for _, line := range []string{raw, enriched, strings.Repeat("x", MaxLine-700), raw + "\x1dSADDR={ saddr_fam=local path=/ }"} {
			for _, ancestors := range []int{1, 5} {
				format := Format{Size: size + 1, Ancestors: ancestors}
				a := whole()
				want := string(format.Append([]byte(line), 0, a))
				if got, ok := format.AppendRendered([]byte(line), 0, format.Render(nil, a)); ok && string(got) != want || !ok && string(got) != line {
					t.Fatalf("%d bytes: got %v\n%q\nwant\n%q", size+1, ok, got, want)
				}
				text, whole := format.RenderAncestors(nil, a.Ancestors)
				if !whole {
					continue
				}
				a.AncestorText = text
				if got := string(format.Append([]byte(line), 0, a)); got != want {
					t.Fatalf("%d bytes, ancestors: got\n%q\nwant\n%q", size+1, got, want)
				}
			}
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	a, buf := whole(), make([]byte, 0, MaxLine)
	if n := testing.AllocsPerRun(100, func() { buf = Format{}.Append(append(buf[:0], enriched...), 0, a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
