package audit_test

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigil/audit"
	"vigil/audit/tables"
)

func TestText(t *testing.T) {
	f := func(typ, field, want string) {
		t.Helper()
		r := mustLine(t, "type="+typ+" msg=audit(1.000:1): "+field)
		fs := r.Fields()
		fd, ok := fs.Next()
		if got := string(fd.Text(nil)); !ok || got != want {
			t.Errorf("%s %s is %q, want %q", typ, field, got, want)
		}
	}
	f("SYSCALL", "comm=CAFE", "\xca\xfe")
	f("SYSCALL", `comm="CAFE"`, "CAFE")
	f("SYSCALL", "comm=cafe", "cafe") // the kernel writes upper case
	f("SYSCALL", "comm=CAF", "CAF")
	f("SYSCALL", "a0=CAFE", "CAFE")
	f("EXECVE", "a0=CAFE", "\xca\xfe")
	f("EXECVE", "a10[2]=CAFE", "\xca\xfe")
	f("EXECVE", "a10_len=10", "10")
	f("EXECVE", "argc=10", "10")
	f("SYSCALL", "key=6E65743101AA", "net1\x01\xaa")
	f("SYSCALL", "tty=(none)", "(none)")
	f("PATH", "name=(null)", "")
	f("PATH", `name="(null)"`, "(null)")
	f("PATH", "dev=CAFE", "\xca\xfe")
	f("ANOM_PROMISCUOUS", "dev=CAFE", "CAFE")
	f("ADD_USER", "msg='id=1000 '", "1000")
	f("USER_CMD", "msg='cmd=6C73202D6C '", "ls -l")
	f("TTY", "data=6C730D", "ls\r")
	f("SYSCALL", "subj=CAFE", "CAFE")
	f("CWD", `cwd="`, `"`)
	f("CWD", `cwd=`, ``)
	f("RESP_ALERT", `msg='output=6120 '`, "a ")
	f("SYSCALL", `output=6120`, "6120")
}

func TestNumbers(t *testing.T) {
	f := func(value, want string) {
		t.Helper()
		fd := audit.Field{Name: []byte("x"), Value: []byte(value)}
		u, uok := fd.Uint()
		i, iok := fd.Int()
		h, hok := fd.Hex()
		o, ook := fd.Octal()
		if got := fmt.Sprint(u, uok, i, iok, h, hok, o, ook); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
	f("10", "10 true 10 true 16 true 8 true")
	f("-13", "0 false -13 true 0 false 0 false")
	f("ffffff9c", "0 false 0 false 4294967196 true 0 false")
	f("0x4", "0 false 0 false 4 true 0 false")
	f("", "0 false 0 false 0 false 0 false")
	f("0100644", "100644 true 100644 true 1050180 true 33188 true")
	f("18446744073709551615", fmt.Sprint(uint64(math.MaxUint64), true, 0, false, 0, false, 0, false))
	f("-9223372036854775808", fmt.Sprint(0, false, math.MinInt64, true, 0, false, 0, false))
	f("18446744073709551616", "0 false 0 false 0 false 0 false")
	f("99999999999999999999", "0 false 0 false 0 false 0 false")

	for value, want := range map[string]int{"-13": 13, "0": 0, "3": 0, "EACCES": 13, "-5000": 0, "x": 0, "": 0} {
		if got := (audit.Field{Value: []byte(value)}).Errno(); got != want {
			t.Errorf("Errno of %q is %d, want %d", value, got, want)
		}
	}
}

func TestSockaddr(t *testing.T) {
	f := func(saddr string, want audit.Sockaddr, wantOK bool) {
		t.Helper()
		r := mustLine(t, "type=SOCKADDR msg=audit(1.000:1): saddr="+saddr)
		got, ok := r.Sockaddr(nil)
		if ok != wantOK {
			t.Errorf("%s: ok %v, want %v", saddr, ok, wantOK)
		}
		if diff := cmp.Diff(got, want, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-got +want)\n%s", saddr, diff)
		}
	}
	ip := netip.MustParseAddr
	// Little endian, as the test machine wrote them.
	f("020000097F0000010000000000000000", audit.Sockaddr{Family: 2, Addr: ip("127.0.0.1"), Port: 9}, true)
	f("0A0001BB000000000000000000000000000000000000000100000000", audit.Sockaddr{Family: 10, Addr: ip("::1"), Port: 443}, true)
	f("01002F72756E2F6E6F20737563682F736F636B6574000000", audit.Sockaddr{Family: 1, Path: []byte("/run/no such/socket")}, true)
	f("01002F7661722F72756E2F6E7363642F736F636B65740000F1AAA7517F7F", audit.Sockaddr{Family: 1, Path: []byte("/var/run/nscd/socket")}, true)
	f("010000766967696C2D6162737472616374", audit.Sockaddr{Family: 1, Path: []byte("vigil-abstract"), Abstract: true}, true)
	f("0100006100620000", audit.Sockaddr{Family: 1, Path: []byte("a\x00b"), Abstract: true}, true)
	f("0100", audit.Sockaddr{Family: 1}, true) // unnamed
	f("100000000000000000000000", audit.Sockaddr{Family: 16}, true)
	f("100000000102000003000000", audit.Sockaddr{Family: 16, PID: 0x201, Groups: 3}, true)
	f("1100000301000000000000000000000000000000", audit.Sockaddr{Family: 17, Protocol: 3, Ifindex: 1}, true)
	f("28000000000400000200000000000000", audit.Sockaddr{Family: 40, CID: 2, Port: 1024}, true)
	f("26006861736800000000000000000000000000000000000073686131000000", audit.Sockaddr{Family: 38, Path: []byte("sha1")}, true)
	f("2C00000002000000", audit.Sockaddr{Family: 44, Ifindex: 2}, true)
	// Big endian.
	f("000201BBC00002010000000000000000", audit.Sockaddr{Family: 2, Addr: ip("192.0.2.1"), Port: 443}, true)
	f("00012F61", audit.Sockaddr{Family: 1, Path: []byte("/a")}, true)
	f("001000000000020100000003", audit.Sockaddr{Family: 16, PID: 0x201, Groups: 3}, true)
	// Cut short, unknown, not hexadecimal.
	f("02000009", audit.Sockaddr{Family: 2}, false)
	f("0A0001BB", audit.Sockaddr{Family: 10}, false)
	f("0000", audit.Sockaddr{}, true)
	f("1F000102", audit.Sockaddr{Family: 31}, true)
	f("02", audit.Sockaddr{}, false)
	f("zz", audit.Sockaddr{}, false)
	f("(null)", audit.Sockaddr{}, false)
}

func TestArgsIncomplete(t *testing.T) {
	f := func(want string, wantWhole bool, bodies ...string) {
		t.Helper()
		e := &audit.Event{}
		for _, b := range bodies {
			e.Records = append(e.Records, audit.Record{Type: tables.TypeExecve, Body: []byte(b)})
		}
		var a audit.Args
		whole := e.Args(&a)
		if got := strings.Join(a.Strings(), "|"); got != want || whole != wantWhole {
			t.Errorf("%q: %q, whole %v; want %q, %v", bodies, got, whole, want, wantWhole)
		}
	}
	f("a|b", true, `argc=2 a0="a" a1="b"`)
	f("a", false, `argc=2 a0="a"`)
	f("a|c", false, `argc=3 a0="a"`, ` a2="c"`)
	f("ab", true, `argc=1 a0_len=2 a0[0]="a"`, ` a0[1]=62`)
	f("ac", false, `argc=1 a0_len=3 a0[0]="a"`, ` a0[2]="c"`)
	f("b", false, `a1="b"`)
	f("x|y", false, `argc=2 a0="x" a40000000="y"`)
	f("", false)
	f("", true, `argc=0`)
}

// The number of arguments is not bounded by 16 bits.
func TestArgsMany(t *testing.T) {
	const n = 70000
	var e audit.Event
	body := fmt.Appendf(nil, "argc=%d", n)
	for i := range n {
		body = fmt.Appendf(body, ` a%d=""`, i)
		if len(body) > 7000 || i == n-1 {
			e.Records = append(e.Records, audit.Record{Type: tables.TypeExecve, Body: body})
			body = nil
		}
	}
	var a audit.Args
	if whole := e.Args(&a); !whole || a.Len() != n {
		t.Errorf("%d arguments, whole %v, want %d", a.Len(), whole, n)
	}
}

func TestProctitle(t *testing.T) {
	f := func(value string, want ...string) {
		t.Helper()
		e := assembleLines(t, "type=PROCTITLE msg=audit(1.000:1): proctitle="+value)[0]
		var a audit.Args
		if !e.Proctitle(&a) {
			t.Errorf("%s: none", value)
		}
		if diff := cmp.Diff(a.Strings(), want, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-got +want)\n%s", value, diff)
		}
	}
	f(`"gen"`, "gen")
	f("6C73002D6C002F657463", "ls", "-l", "/etc")
	f("6C7300002F657463", "ls", "", "/etc")
	f("6C7300", "ls")
	f("(null)")
}

func TestKeysResultPaths(t *testing.T) {
	f := func(wantKeys, wantResult, wantPaths string, records ...string) {
		t.Helper()
		for i := range records {
			typ, body, _ := strings.Cut(records[i], " ")
			records[i] = "type=" + typ + " msg=audit(1.000:1): " + body
		}
		e := assembleLines(t, records...)[0]
		var keys audit.Args
		e.Keys(&keys)
		if got := strings.Join(keys.Strings(), ","); got != wantKeys {
			t.Errorf("%q: keys %q, want %q", records, got, wantKeys)
		}
		if got := e.Result().String(); got != wantResult {
			t.Errorf("%q: result %q, want %q", records, got, wantResult)
		}
		var paths []string
		for _, r := range e.Records {
			if r.Type == tables.TypePath {
				paths = append(paths, string(e.AppendPath(nil, r)))
			}
		}
		if got := strings.Join(paths, ","); got != wantPaths {
			t.Errorf("%q: paths %q, want %q", records, got, wantPaths)
		}
	}
	f("files,open", "failure", "/w d/a,/b,,//c,/w d/d e", `SYSCALL success=no exit=-2 key=66696C6573016F70656E`, `CWD cwd=2F772064`,
		`PATH name="a"`, `PATH name="/b"`, `PATH name=(null)`, `PATH name=2F2F63`, `PATH name=642065`)
	f("", "unknown", "a", `SYSCALL key=(null)`, `PATH name="a"`)
	f("x", "success", "", `CONFIG_CHANGE op=add_rule key="x" list=4 res=1`)
	f("", "failure", "", `USER_CMD pid=1 msg='cmd="res=success" res=success x res=failed'`)
	f("", "failure", "", `AVC avc:  denied  { read write } for  pid=1 permissive=0`)
	f("", "failure", "", `AVC apparmor="DENIED" operation="open"`)
	f("", "unknown", "", `AVC apparmor="ALLOWED" operation="open"`)
	f("", "success", "", `AVC avc:  denied  { read } for  pid=1 permissive=1`, `SYSCALL success=yes`)
	f("uring", "success", "", `URINGOP uring_op=18 success=yes key="uring"`)
	f("", "failure", "", `LANDLOCK_ACCESS domain=120c85552 blockers=fs.read_file`)
}

func TestAVC(t *testing.T) {
	r := mustLine(t, `type=AVC msg=audit(1.000:1): avc:  denied  { read write } for  pid=1`)
	verdict, perms := r.AVC()
	if got, want := string(verdict)+"|"+string(perms), "denied|read write"; got != want {
		t.Errorf("AVC is %q, want %q", got, want)
	}
	r = mustLine(t, `type=USER_AVC msg=audit(1.000:1): pid=7 msg='avc:  granted  { x`)
	verdict, perms = r.AVC()
	if got, want := string(verdict)+"|"+string(perms), "granted|"; got != want {
		t.Errorf("AVC is %q, want %q", got, want)
	}
}
