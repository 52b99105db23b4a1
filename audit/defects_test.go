package audit_test

// Fifteen defects that were found by running another library over real records,
// each with a record that shows it.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

// assemble returns the events of log records.
func assemble(t testing.TB, records ...audit.Record) []*audit.Event {
	t.Helper()
	var events []*audit.Event
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) { events = append(events, e.Clone()) })
	for _, r := range records {
		a.Push(r, r.ID.Time())
	}
	a.Flush()
	return events
}

func assembleLines(t testing.TB, lines ...string) []*audit.Event {
	t.Helper()
	var records []audit.Record
	for _, l := range lines {
		records = append(records, mustLine(t, l))
	}
	return assemble(t, records...)
}

// argvs returns the command lines of a log's execs, in order.
func argvs(t *testing.T, name string) [][]string {
	t.Helper()
	var list [][]string
	for _, e := range assemble(t, corpus(t, name)...) {
		var a audit.Args
		whole := e.Args(&a)
		if argv := e.Argv(); argv != nil {
			if !whole {
				t.Errorf("%s %v: Args reports that arguments are missing", name, e.ID)
			}
			list = append(list, argv)
		}
	}
	return list
}

func textOf(t *testing.T, r audit.Record, name string) string {
	t.Helper()
	f, ok := r.Get(name)
	if !ok {
		t.Fatalf("%q has no field %s", r.Body, name)
	}
	return string(f.Text(nil))
}

func TestDefect01EmptyArgument(t *testing.T) {
	got := argvs(t, "real.log")
	want := [][]string{
		{"/usr/bin/true", "", "/etc/hostname"},
		{"/usr/bin/env", "-i", "CAFE", "it's a b", "gr\xc3\xbc\xc3\x9f", "bad\xff\x1b[31m"},
		{"passwd", "-S", "vuser"},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("argv: (-got +want)\n%s", diff)
	}
}

func TestDefect02LongExecve(t *testing.T) {
	many := []string{"/usr/bin/true"}
	for i := 1; i < 2048; i++ {
		s := ""
		if i%5 != 0 {
			s = fmt.Sprint(i)
		}
		many = append(many, s)
	}
	got := argvs(t, "long.log")
	want := [][]string{
		{"/usr/bin/true", strings.Repeat("A", 7499), "CAFE", "gr\xc3\xbc\xc3\x9f dich", `it's "q"`, "$HOME;x"},
		{"/usr/bin/true", strings.Repeat("z", 20000), "", "end"},
		many,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("argv: (-got +want)\n%s", diff)
	}
}

func TestDefect03NullExe(t *testing.T) {
	r := mustLine(t, `type=SYSCALL msg=audit(1758000012.100:120): arch=c000003e syscall=257 success=yes exit=3 ppid=2 pid=55 comm="kworker/0:1" exe=(null) subj=kernel key=(null)`)
	f, _ := r.Get("exe")
	if got := string(f.Text(nil)); got != "" || !f.IsNull() {
		t.Errorf("exe is %q, null %v, want nothing", got, f.IsNull())
	}
	if got, want := textOf(t, r, "comm"), "kworker/0:1"; got != want {
		t.Errorf("comm is %q, want %q", got, want)
	}
}

func TestDefect04HexComm(t *testing.T) {
	r := mustLine(t, `type=SYSCALL msg=audit(1.000:1): pid=55 comm=6120622063 exe="/usr/bin/a"`)
	if got, want := textOf(t, r, "comm"), "a b c"; got != want {
		t.Errorf("comm is %q, want %q", got, want)
	}
}

func TestDefect05EnrichedLog(t *testing.T) {
	e := assembleLines(t, "type=SYSCALL msg=audit(1.000:1): auid=1000 uid=0 key=(null)\x1dARCH=x86_64 SYSCALL=openat AUID=\"alice\" UID=\"root\"")[0]
	var keys audit.Args
	if e.Keys(&keys); keys.Len() != 0 {
		t.Errorf("keys are %q, want none", keys.Strings())
	}
	f, _ := e.Records[0].GetExtra("AUID")
	if got, want := string(f.Text(nil)), "alice"; got != want {
		t.Errorf("AUID is %q, want %q", got, want)
	}
}

func TestDefect06NodePrefix(t *testing.T) {
	r := mustLine(t, `node=web-1 type=CWD msg=audit(1.000:1): cwd="/"`)
	if got, want := string(r.Node), "web-1"; got != want {
		t.Errorf("node is %q, want %q", got, want)
	}
}

func TestDefect07NewTypesAndSyscalls(t *testing.T) {
	for name, want := range map[string]tables.Type{
		"LANDLOCK_ACCESS": 1423, "LANDLOCK_DOMAIN": 1424, "MAC_TASK_CONTEXTS": 1425, "MAC_OBJ_CONTEXTS": 1426, "UNKNOWN[1423]": 1423,
	} {
		if got := mustLine(t, "type="+name+" msg=audit(1.000:1): domain=120c85552").Type; got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for nr, want := range map[int]string{463: "setxattrat", 467: "open_tree_attr", 469: "file_setattr"} {
		if got, _ := tables.SyscallName(tables.ArchX86_64, nr); got != want {
			t.Errorf("system call %d is %q, want %q", nr, got, want)
		}
	}
}

func TestDefect08SerialAloneIsNoKey(t *testing.T) {
	got := assembleLines(t,
		"type=SYSCALL msg=audit(100.001:7): pid=1", "node=b type=SYSCALL msg=audit(100.001:7): pid=3",
		"type=CWD msg=audit(100.001:7): cwd=\"/\"", "type=SYSCALL msg=audit(200.001:7): pid=2")
	if len(got) != 3 {
		t.Errorf("%d events, want 3", len(got))
	}
}

func TestDefect09RecordsAfterProctitle(t *testing.T) {
	got := assembleLines(t, "type=SYSCALL msg=audit(1.000:1): pid=1", "type=PROCTITLE msg=audit(1.000:1): proctitle=\"a\"",
		"type=PATH msg=audit(1.000:1): item=0", "type=EOE msg=audit(1.000:1): ", "type=EOE msg=audit(1.000:1): ")
	if len(got) != 1 || len(got[0].Records) != 3 || got[0].End != audit.EndEOE {
		t.Errorf("events: %+v, want one of three records", got)
	}
}

func TestDefect10LateAndWrappedSerials(t *testing.T) {
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(*audit.Event) {})
	for _, serial := range []uint32{4294967294, 4294967295, 0, 1, 4294967293, 1} {
		a.Push(audit.Record{Type: tables.TypeUserLogin, ID: audit.ID{Sec: 1, Serial: serial}}, time.Unix(1, 0))
	}
	if got, want := a.Stats(), (audit.AssemblerStats{Records: 6, Events: 6, Single: 6}); got != want {
		t.Errorf("Stats: %+v, want %+v", got, want)
	}
}

func TestDefect11EventWithoutSyscall(t *testing.T) {
	for _, e := range assemble(t, corpus(t, "real.log")...) {
		if r, ok := e.First(tables.TypeUringOp); ok {
			if got, want := textOf(t, r, "uring_op"), "18"; got != want {
				t.Errorf("uring_op is %q, want %q", got, want)
			}
			if got, want := e.Result(), audit.ResultSuccess; got != want {
				t.Errorf("result is %v, want %v", got, want)
			}
			return
		}
	}
	t.Error("no io_uring event came out")
}

func TestDefect12RepeatedTypes(t *testing.T) {
	for _, e := range assemble(t, corpus(t, "real.log")...) {
		var pids []string
		for _, r := range e.Records {
			if r.Type == tables.TypeObjPID {
				pids = append(pids, textOf(t, r, "opid"))
			}
		}
		if len(pids) == 2 && pids[0] != pids[1] {
			return
		}
	}
	t.Error("no event has both targets of a kill")
}

func TestDefect13LabelOfAppArmor(t *testing.T) {
	r := mustLine(t, `type=SYSCALL msg=audit(1.000:1): pid=55 subj=unconfined key=(null)`)
	if got, want := textOf(t, r, "subj"), "unconfined"; got != want {
		t.Errorf("subj is %q, want %q", got, want)
	}
}

func TestDefect14AbstractSocket(t *testing.T) {
	r := mustLine(t, "type=SOCKADDR msg=audit(1.000:1): saddr=0100006578616D706C652D61627374\x1dSADDR={ saddr_fam=local path=example-abst }")
	a, ok := r.Sockaddr(nil)
	if got, want := fmt.Sprintf("%v %q %v", ok, a.Path, a.Abstract), `true "example-abst" true`; got != want {
		t.Errorf("address is %s, want %s", got, want)
	}
}

func TestDefect15RISCV(t *testing.T) {
	r := mustLine(t, `type=SYSCALL msg=audit(1.000:1): arch=c00000f3 syscall=56 success=yes`)
	f, _ := r.Get("arch")
	n, _ := f.Hex()
	arch := tables.Arch(n)
	call, _ := tables.SyscallName(arch, 56)
	if got, want := arch.String()+" "+call, "riscv64 openat"; got != want {
		t.Errorf("arch and call are %q, want %q", got, want)
	}
}
