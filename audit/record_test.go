package audit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

func mustLine(t testing.TB, line string) audit.Record {
	t.Helper()
	r, err := audit.ParseLine([]byte(line))
	if err != nil {
		t.Fatalf("ParseLine(%q): %v", line, err)
	}
	return r
}

func TestParseLine(t *testing.T) {
	id := audit.ID{Sec: 1626611363, Milli: 720, Serial: 348501}
	f := func(line string, want audit.Record) {
		t.Helper()
		got, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Errorf("ParseLine(%q): %v", line, err)
			return
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("ParseLine(%q): (-got +want)\n%s", line, diff)
		}
	}
	f(`type=CWD msg=audit(1626611363.720:348501): cwd="/root"`,
		audit.Record{Type: tables.TypeCWD, ID: id, Body: []byte(`cwd="/root"`)})
	f(`node=web-1 type=CWD msg=audit(1626611363.720:348501): cwd="/root"`,
		audit.Record{Type: tables.TypeCWD, ID: id, Node: []byte("web-1"), Body: []byte(`cwd="/root"`)})
	f("type=SYSCALL msg=audit(1626611363.720:348501): auid=0 key=(null)\x1dARCH=x86_64 AUID=\"root\"",
		audit.Record{
			Type: tables.TypeSyscall, ID: id,
			Body: []byte(`auid=0 key=(null)`), Enrichment: []byte(`ARCH=x86_64 AUID="root"`),
		})
	f(`type=UNKNOWN[1599] msg=audit(1626611363.720:348501): x=1`,
		audit.Record{Type: 1599, ID: id, Body: []byte(`x=1`)})
	f(`type=EOE msg=audit(1626611363.720:348501):`, audit.Record{Type: tables.TypeEOE, ID: id, Body: []byte{}})
	f(`type=AVC msg=audit(0.0:41): avc:`, audit.Record{Type: tables.TypeAVC, ID: audit.ID{Serial: 41}, Body: []byte(`avc:`)})
}

func TestParseLineErrors(t *testing.T) {
	f := func(line string, want error) {
		t.Helper()
		if _, err := audit.ParseLine([]byte(line)); err != want {
			t.Errorf("ParseLine(%q): error %v, want %v", line, err, want)
		}
	}
	f("", audit.ErrType)
	f("node=a", audit.ErrType)
	f("type=CWD", audit.ErrType)
	f("type=NO_SUCH_TYPE msg=audit(1.000:1): ", audit.ErrType)
	f("type=CWD cwd=1", audit.ErrStamp)
	f("type=CWD msg=audit(1.000:): ", audit.ErrStamp)
	f("type=CWD msg=audit(1.0000:1): ", audit.ErrStamp)
	f("type=CWD msg=audit(1.000:4294967296): ", audit.ErrStamp)
	f("type=CWD msg=audit(9223372036854775808.000:1): ", audit.ErrStamp)
	f("type=CWD msg=audit(1.000:1)", audit.ErrStamp)
}

func TestFields(t *testing.T) {
	type kv = [2]string
	f := func(line string, want ...kv) {
		t.Helper()
		var got []kv
		fs := mustLine(t, line).Fields()
		for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
			got = append(got, kv{string(fd.Name), string(fd.Text(nil))})
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("Fields(%q): (-got +want)\n%s", line, diff)
		}
	}
	f(`type=SYSCALL msg=audit(1.000:1): arch=c000003e a0=CAFE exit=-13 comm=6120622063 exe="/bin/a" tty=(none) key=(null)`,
		kv{"arch", "c000003e"}, kv{"a0", "CAFE"}, kv{"exit", "-13"}, kv{"comm", "a b c"}, kv{"exe", "/bin/a"},
		kv{"tty", "(none)"}, kv{"key", ""})
	f(`type=EXECVE msg=audit(1.000:1): argc=3 a0="ls" a1="" a2=CAFE a3_len=4 a3[0]="x" a3[1]=79`,
		kv{"argc", "3"}, kv{"a0", "ls"}, kv{"a1", ""}, kv{"a2", "\xca\xfe"}, kv{"a3_len", "4"}, kv{"a3[0]", "x"}, kv{"a3[1]", "y"})
	f(`type=USER_CMD msg=audit(1.000:1): pid=7 uid=0 msg='cwd="/" cmd=6C73202D6C op=it's terminal=pts/0 res=success'`,
		kv{"pid", "7"}, kv{"uid", "0"}, kv{"cwd", "/"}, kv{"cmd", "ls -l"}, kv{"op", "it's"}, kv{"terminal", "pts/0"}, kv{"res", "success"})
	f(`type=USER_START msg=audit(1.000:1): pid=7 msg='PAM: session open acct=root : exe="/usr/sbin/crond" (hostname=?, addr=?, terminal=cron res=success)'`,
		kv{"pid", "7"}, kv{"acct", "root"}, kv{"exe", "/usr/sbin/crond"}, kv{"hostname", "?"}, kv{"addr", "?"}, kv{"terminal", "cron"}, kv{"res", "success"})
	f(`type=AVC msg=audit(1.000:1): avc:  denied  { read write } for  pid=1 comm="x" name=(null) permissive=0`,
		kv{"pid", "1"}, kv{"comm", "x"}, kv{"name", ""}, kv{"permissive", "0"})
	f(`type=CWD msg=audit(1.000:1): cwd="/a = x="`, kv{"cwd", "/a = x="}) // not the kernel's, yet quoted is quoted
	f(`type=CWD msg=audit(1.000:1): cwd="/unclosed a=b`, kv{"cwd", `"/unclosed`}, kv{"a", "b"})
	f(`type=CWD msg=audit(1.000:1):  = == a= =b c==d `, kv{"a", ""}, kv{"c", "=d"})
}

func TestExtra(t *testing.T) {
	r := mustLine(t, "type=SOCKADDR msg=audit(1.000:1): saddr=01\x1dSADDR={ saddr_fam=inet laddr=1.2.3.4 lport=80 } UID=6120 OLD-AUID=\"unset\"")
	var got [][2]string
	fs := r.Extra()
	for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
		got = append(got, [2]string{string(fd.Name), string(fd.Text(nil))})
	}
	want := [][2]string{{"SADDR", "{ saddr_fam=inet laddr=1.2.3.4 lport=80 }"}, {"UID", "a "}, {"OLD-AUID", "unset"}}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("Extra: (-got +want)\n%s", diff)
	}
}

func TestAppendLine(t *testing.T) {
	f := func(r audit.Record, node, want string) {
		t.Helper()
		if got := string(r.AppendLine(nil, []byte(node))); got != want {
			t.Errorf("AppendLine(%q) = %q, want %q", r.Body, got, want)
		}
	}
	id := audit.ID{Sec: 1, Milli: 2, Serial: 3}
	f(audit.Record{Type: tables.TypeCWD, ID: id, Body: []byte(`cwd="/"`)}, "", `type=CWD msg=audit(1.002:3): cwd="/"`)
	f(audit.Record{Type: 1599, ID: id, Body: []byte("a\nb\x00c\x1dUID=\"root\" ")}, "no de\n",
		`node=no_de_ type=UNKNOWN[1599] msg=audit(1.002:3): a b c UID="root"`)
	f(audit.Record{Type: tables.TypeEOE, ID: id}, "", `type=EOE msg=audit(1.002:3):`)
}

func TestFieldOrigin(t *testing.T) {
	r := mustLine(t, `type=ADD_USER msg=audit(1.000:1): pid=7 uid=0 msg='op=adding user to group id=1000 pid=8 uid=1' pid=9 msg='x=1'`)
	var got []string
	fs := r.Fields()
	var last audit.Field
	for fd, ok := fs.NextWord(); ok; fd, ok = fs.NextWord() {
		s := "kernel "
		if fd.FromProgram() {
			s = "program "
		}
		if fd.Name == nil {
			last = last.Through(fd)
			got[len(got)-1] = "program op=" + string(last.Value)
			continue
		}
		last = fd
		got = append(got, s+string(fd.Name)+"="+string(fd.Value))
	}
	// The last quote is the kernel's, whatever the program has put before it.
	want := []string{
		"kernel pid=7", "kernel uid=0", "program op=adding user to group", "program id=1000",
		"program pid=8", "program uid=1'", "program pid=9", "program msg='x=1",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("fields: (-got +want)\n%s", diff)
	}
}
