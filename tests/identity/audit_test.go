package identity

import (
	"bytes"
	"encoding/binary"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"vigil/audit"
	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/bpf/identity"
)

const stormUID = 54321

// execRule is what AUDIT_ADD_RULE takes for "-a always,exit -F arch=b64 -S execve -F uid=54321": struct audit_rule_data
// of <linux/audit.h>.
func execRule(t testing.TB) []byte {
	t.Helper()
	nr, ok := tables.SyscallNumber(tables.Native(), "execve")
	if !ok {
		t.Fatal("no execve on this architecture")
	}
	words := make([]uint32, 3+64+3*64+1)
	words[0], words[1], words[2] = 4, 2, 2 // exit list, always, two fields
	words[3+nr/32] = 1 << (nr % 32)
	fields, values, operators := words[3+64:], words[3+128:], words[3+192:]
	fields[0], values[0], operators[0] = 11, uint32(tables.Native()), 0x40000000 // arch=
	fields[1], values[1], operators[1] = 1, stormUID, 0x40000000                 // uid=
	var b []byte
	for _, w := range words {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

// joined is what came of a storm's audit events.
type joined struct {
	matches               map[identity.Match]int
	right, unknown, wrong int
	slowest               time.Duration
}

// join makes a storm under audit and looks each exec up as its SYSCALL record is received. Its EXECVE record says who
// it was.
func join(t *testing.T, s *identity.Source, list []site, execs, pid int) joined {
	t.Helper()
	dir := tools(t)
	execs -= execs % len(list)
	control := audittest.LockEngine(t)
	if err := control.AddRule(t.Context(), execRule(t)); err != nil {
		t.Fatal(err)
	}
	source, err := kernel.Open(t.Context(), kernel.Config{Mode: kernel.Daemon})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	result := joined{matches: map[identity.Match]int{}}
	run := start(t, dir, list, execs/len(list), stormUID, pid)
	var took atomic.Int64
	go func() { took.Store(int64(run.wait())) }()

	type answer struct {
		p identity.Process
		m identity.Match
	}
	open := map[uint32]answer{}
	for seen, quiet := 0, 0; seen < execs && quiet < 50; {
		messages, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) == 0 && took.Load() != 0 {
			quiet++
		}
		for _, m := range messages {
			if m.Type != tables.TypeSyscall && m.Type != tables.TypeExecve {
				continue
			}
			r, err := audit.ParseMessage(m.Type, m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if m.Type == tables.TypeSyscall {
				if uid, _ := r.Get("uid"); string(uid.Value) != strconv.Itoa(stormUID) {
					continue
				}
				q := query(r)
				began := time.Now()
				p, match := s.Lookup(&q)
				result.slowest = max(result.slowest, time.Since(began))
				open[r.ID.Serial] = answer{p, match}
				continue
			}
			a, ok := open[r.ID.Serial]
			if !ok {
				continue
			}
			delete(open, r.ID.Serial)
			seen++
			result.matches[a.m]++
			worker := workerOf(t, r)
			switch {
			case !a.m.Known(), found(a.p) == "":
				result.unknown++
			case found(a.p) == list[worker].path:
				result.right++
			default:
				result.wrong++
				t.Errorf("%s: got %s %+v, want %s", m.Payload, a.m, a.p, list[worker].path)
			}
		}
	}
	n := result.right + result.unknown + result.wrong
	t.Logf("%s: %d execs in %v: right %d, unknown %d, wrong %d, %v, slowest look-up %v", s.Mode(), n, time.Duration(took.Load()),
		result.right, result.unknown, result.wrong, result.matches, result.slowest)
	if n != execs {
		t.Errorf("received %d of %d execs", n, execs)
	}
	return result
}

// query is what the SYSCALL record of an exec asks for.
func query(r audit.Record) identity.Query {
	name, _ := r.Get("comm")
	return identity.Query{PID: number(r, "pid"), PPID: number(r, "ppid"), Sec: r.ID.Sec, Milli: r.ID.Milli, Exec: true,
		Comm: name.Text(nil)}
}

func number(r audit.Record, name string) uint32 {
	f, _ := r.Get(name)
	n, _ := f.Uint()
	return uint32(n)
}

// workerOf reads the argument by which storm.c says which worker it was.
func workerOf(t *testing.T, r audit.Record) int {
	t.Helper()
	f, _ := r.Get("a1")
	worker, _, _ := bytes.Cut(f.Text(nil), []byte("."))
	n, err := strconv.Atoi(string(worker))
	if err != nil {
		t.Fatalf("argument of %s: %v", r.Body, err)
	}
	return n
}

// TestAudit looks up the processes of real audit events.
func TestAudit(t *testing.T) {
	require(t)
	audittest.RequireEngine(t)
	for _, layout := range []string{"hybrid", "v1", "v2"} {
		t.Run(layout, func(t *testing.T) {
			list := sites(t, layout, 20)
			s := open(t, identity.Config{Mode: identity.BPF})
			r := join(t, s, list, *execs, 0)
			told(t, r.matches, r.right, *execs)
		})
	}
}

// TestAuditReuse gives every process the same pid, four cgroups taking turns within one tick.
func TestAuditReuse(t *testing.T) {
	require(t)
	audittest.RequireEngine(t)
	list := sites(t, "", 4)
	s := open(t, identity.Config{Mode: identity.BPF})
	if r := join(t, s, list, *execs/10, 31000); r.wrong > 0 {
		t.Errorf("%d of %d wrong", r.wrong, *execs/10)
	}
}

// TestAuditFallbacks shows what is found without eBPF. It must not be wrong, however little it is.
func TestAuditFallbacks(t *testing.T) {
	require(t)
	audittest.RequireEngine(t)
	for _, mode := range []identity.Mode{identity.Connector, identity.Proc} {
		t.Run(string(mode), func(t *testing.T) {
			if mode == identity.Connector {
				if _, err := os.Stat("/proc/net/connector"); err != nil {
					t.Skipf("needs the proc connector: %v", err)
				}
			}
			list := sites(t, "", 20)
			s := open(t, identity.Config{Mode: mode})
			join(t, s, list, *execs/10, 0)
		})
	}
}

// TestAuditSmallPIDMax lets the machine have few pids, so that all are reused within a second. Only in a virtual machine
// of its own: it would starve others.
func TestAuditSmallPIDMax(t *testing.T) {
	require(t)
	audittest.RequireEngine(t)
	if os.Getenv("VIGIL_IDENTITY_VM") == "" {
		t.Skip("needs a machine of its own: make test-kernels")
	}
	const file = "/proc/sys/kernel/pid_max"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("400"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile(file, before, 0) })
	list := sites(t, "", 20)
	s := open(t, identity.Config{Mode: identity.BPF})
	r := join(t, s, list, *execs, 0)
	told(t, r.matches, r.right, *execs)
}
