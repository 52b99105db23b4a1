package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

var t0 = time.Unix(1626611363, 0)

// collector assembles log lines and notes each event as "END SERIAL: TYPE TYPE".
type collector struct {
	t      testing.TB
	a      *audit.Assembler
	got    []string
	events []*audit.Event
}

func newCollector(t testing.TB, cfg audit.AssemblerConfig) *collector {
	c := &collector{t: t}
	c.a = audit.NewAssembler(cfg, func(e *audit.Event) {
		var s strings.Builder
		fmt.Fprintf(&s, "%v %d:", e.End, e.ID.Serial)
		for _, r := range e.Records {
			fmt.Fprintf(&s, " %v", r.Type)
			if r.ID != e.ID {
				t.Errorf("record of %v in event %v", r.ID, e.ID)
			}
		}
		c.got = append(c.got, s.String())
		c.events = append(c.events, e.Clone())
	})
	return c
}

// push adds records "TYPE SERIAL text" at a time after t0.
func (c *collector) push(after time.Duration, records ...string) {
	c.t.Helper()
	for _, s := range records {
		typ, rest, _ := strings.Cut(s, " ")
		serial, body, _ := strings.Cut(rest, " ")
		r := mustLine(c.t, fmt.Sprintf("type=%s msg=audit(1626611363.720:%s): %s", typ, serial, body))
		c.a.Push(r, t0.Add(after))
	}
}

func (c *collector) want(want ...string) {
	c.t.Helper()
	if diff := cmp.Diff(c.got, want); diff != "" {
		c.t.Errorf("events: (-got +want)\n%s", diff)
	}
	c.got = nil
}

func TestAssemblerEnds(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{})

	// As on the socket: EOE comes right behind PROCTITLE.
	c.push(0, "SYSCALL 1", "EXECVE 1", "CWD 1", "PATH 1", "PATH 1", "PROCTITLE 1", "EOE 1")
	c.want("eoe 1: SYSCALL EXECVE CWD PATH PATH PROCTITLE")

	// As in a log: nothing behind PROCTITLE.
	c.push(0, "SYSCALL 2", "PROCTITLE 2")
	c.want()
	c.a.Expire(t0.Add(20 * time.Millisecond))
	c.want("proctitle 2: SYSCALL PROCTITLE")

	// Stands alone.
	c.push(time.Second, "USER_LOGIN 3 pid=1 msg='op=login res=success'", "DAEMON_ROTATE 4", "KERNEL 5",
		"BPF 6 prog-id=7 op=UNLOAD", "NETFILTER_PKT 7", "LEDGER 8", "RESP_ALERT 9")
	c.want("single 3: USER_LOGIN", "single 4: DAEMON_ROTATE", "single 5: KERNEL",
		"single 6: BPF", "single 7: NETFILTER_PKT", "single 8: LEDGER", "single 9: RESP_ALERT")

	// May stand alone: the timeout on the caller's clock, though nothing is pushed.
	c.push(2*time.Second, "LOGIN 10", "CONFIG_CHANGE 11", "BPF 12 prog-id=7 op=LOAD", "SECCOMP 13", "ANOM_ABEND 14", "AVC 15")
	c.a.Expire(t0.Add(3999 * time.Millisecond))
	c.want()
	c.a.Expire(t0.Add(4 * time.Second))
	c.want("timeout 10: LOGIN", "timeout 11: CONFIG_CHANGE", "timeout 12: BPF", "timeout 13: SECCOMP",
		"timeout 14: ANOM_ABEND", "timeout 15: AVC")

	// Or be inside.
	c.push(5*time.Second, "LOGIN 20", "SYSCALL 20", "PROCTITLE 20", "EOE 20", "CONFIG_CHANGE 21", "SYSCALL 21", "EOE 21")
	c.want("eoe 20: LOGIN SYSCALL PROCTITLE", "eoe 21: CONFIG_CHANGE SYSCALL")

	// The timeout counts from the last record.
	c.push(6*time.Second, "AVC 30")
	c.push(7*time.Second, "AVC 30")
	c.a.Expire(t0.Add(8 * time.Second))
	c.want()
	c.a.Expire(t0.Add(9 * time.Second))
	c.want("timeout 30: AVC AVC")

	c.push(10*time.Second, "SYSCALL 40", "SYSCALL 41", "PROCTITLE 41", "EOE 42")
	c.a.Flush()
	c.want("proctitle 41: SYSCALL PROCTITLE", "flush 40: SYSCALL")
	got := c.a.Stats()
	got.OpenBytes = 0
	want := audit.AssemblerStats{
		Records: 31, Bytes: 68, Events: 20,
		EOE: 3, Proctitle: 2, Single: 7, Timeout: 7, Flush: 1, StrayEOE: 1,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("Stats: (-got +want)\n%s", diff)
	}
}

func TestAssemblerInterleavedLateRepeated(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{})

	c.push(0, "SYSCALL 1", "SYSCALL 2", "LANDLOCK_ACCESS 3", "CWD 1", "USER_CMD 4", "LANDLOCK_DOMAIN 3", "CWD 2",
		"PROCTITLE 2", "EOE 2", "SYSCALL 3", "PROCTITLE 1", "EOE 1", "PROCTITLE 3", "EOE 3")
	c.want("single 4: USER_CMD", "eoe 2: SYSCALL CWD PROCTITLE", "eoe 1: SYSCALL CWD PROCTITLE",
		"eoe 3: LANDLOCK_ACCESS LANDLOCK_DOMAIN SYSCALL PROCTITLE")

	// Repeated types, no SYSCALL.
	c.push(0, "SYSCALL 5", "OBJ_PID 5 opid=1", "OBJ_PID 5 opid=2", "EOE 5",
		"AVC 6", "AVC 6", "EOE 6", "URINGOP 7", "CWD 7", "PATH 7", "EOE 7")
	c.want("eoe 5: SYSCALL OBJ_PID OBJ_PID", "eoe 6: AVC AVC", "eoe 7: URINGOP CWD PATH")

	// A late record joins an event that PROCTITLE has ended; the late EOE ends it.
	c.push(0, "SYSCALL 8", "PROCTITLE 8", "PATH 8", "EOE 8")
	c.want("eoe 8: SYSCALL PROCTITLE PATH")

	// What comes later still is not lost and not taken for another event.
	c.push(0, "EOE 8", "PATH 8", "PATH 8", "EOE 8")
	c.want("late 8: PATH PATH")
	c.push(0, "SYSCALL 9", "PROCTITLE 9")
	c.push(time.Second, "EOE 9")
	c.want("proctitle 9: SYSCALL PROCTITLE")
}

// In a log, where there is no EOE, an event of one record keeps its place behind
// the events that were completed before it.
func TestAssemblerLogOrder(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{})
	c.push(0, "SYSCALL 1", "PROCTITLE 1", "USER_CMD 2", "SYSCALL 3", "PROCTITLE 3", "USER_END 4", "USER_END 5")
	c.want()
	c.push(0, "EOE 1")
	c.want("eoe 1: SYSCALL PROCTITLE", "single 2: USER_CMD")
	c.a.Expire(t0.Add(time.Second))
	c.want("proctitle 3: SYSCALL PROCTITLE", "single 4: USER_END", "single 5: USER_END")

	// However much is pushed at one moment, an event waits for 64 others at most.
	for i := range 70 {
		c.push(time.Second, fmt.Sprintf("PROCTITLE %d", 100+i))
	}
	if got, want := len(c.got), 6; got != want {
		t.Errorf("%d events came out, want %d", got, want)
	}
}

// With more than one labelling security module the labels of a user message come
// in a record of their own (subj=?).
func TestAssemblerTaskContexts(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{})
	c.push(0, "USER_LOGIN 1 pid=1 subj=? msg='op=login res=success'")
	c.want()
	c.push(0, "MAC_TASK_CONTEXTS 1 subj_apparmor=unconfined subj_smack=_")
	c.want("single 1: USER_LOGIN MAC_TASK_CONTEXTS")
	c.push(0, "USER_LOGIN 2 pid=1 subj=? msg='op=login res=success'")
	c.a.Expire(t0.Add(time.Second))
	c.want("single 2: USER_LOGIN")
}

// The same serial at another time (after a boot) or on another node is another
// event.
func TestAssemblerKey(t *testing.T) {
	var got []string
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) {
		got = append(got, fmt.Sprintf("%s %v %d", e.Node, e.ID, len(e.Records)))
		for _, r := range e.Records {
			if string(r.Node) != string(e.Node) {
				t.Errorf("record of node %q in event of %q", r.Node, e.Node)
			}
		}
	})
	for _, line := range []string{
		"type=SYSCALL msg=audit(100.001:7): ",
		"node=a type=SYSCALL msg=audit(100.001:7): ",
		"node=b type=SYSCALL msg=audit(100.001:7): ",
		"type=SYSCALL msg=audit(200.001:7): ",
		"node=a type=CWD msg=audit(100.001:7): ",
		"node=a type=EOE msg=audit(100.001:7): ",
		"type=EOE msg=audit(100.001:7): ",
		"type=EOE msg=audit(200.001:7): ",
		"node=b type=EOE msg=audit(100.001:7): ",
	} {
		a.Push(mustLine(t, line), t0)
	}
	want := []string{"a 100.001:7 2", " 100.001:7 1", " 200.001:7 1", "b 100.001:7 1"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("events: (-got +want)\n%s", diff)
	}
}

func TestAssemblerMaxEvents(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{MaxEvents: 2})
	c.push(0, "SYSCALL 1", "SYSCALL 2", "CWD 1", "SYSCALL 3", "CWD 2", "EOE 2")
	c.want("evicted 2: SYSCALL", "evicted 1: SYSCALL CWD", "late 2: CWD")
	if got, want := c.a.Stats().Evicted, uint64(2); got != want {
		t.Errorf("Evicted = %d, want %d", got, want)
	}
}

func TestAssemblerMaxBytes(t *testing.T) {
	const limit = 64 << 10
	c := newCollector(t, audit.AssemblerConfig{MaxBytes: limit})
	body := strings.Repeat("x", 7000)
	for i := range 100 {
		c.push(0, fmt.Sprintf("EXECVE 1 %s", body), fmt.Sprintf("SYSCALL %d %s", 10+i, body))
		if got := c.a.Stats().OpenBytes; got > limit {
			t.Fatalf("Assembler holds %d bytes, limit %d", got, limit)
		}
	}
	c.push(0, "EXECVE 2 "+strings.Repeat("y", limit)) // larger than an event may be
	c.push(0, "USER_CMD 3 "+strings.Repeat("z", limit))
	c.a.Flush()
	var records, bytes int
	for _, e := range c.events {
		records += len(e.Records)
		for _, r := range e.Records {
			bytes += len(r.Body)
		}
	}
	if got, want := [2]int{records, bytes}, [2]int{202, 200*7000 + 2*limit}; got != want {
		t.Errorf("records and bytes that came out: %v, want %v", got, want)
	}
	s := c.a.Stats()
	if s.Bytes != uint64(bytes) || s.Records != uint64(records) {
		t.Errorf("Stats: %+v, want %d records, %d bytes", s, records, bytes)
	}
}

// The clock may be set back, and the records of a log may be out of order.
func TestAssemblerClockSetBack(t *testing.T) {
	c := newCollector(t, audit.AssemblerConfig{})
	c.push(time.Hour, "AVC 1")
	c.push(0, "AVC 2")
	c.a.Expire(t0.Add(time.Hour + 2*time.Second))
	c.want("timeout 1: AVC", "timeout 2: AVC")
}

// Time and memory do not depend on how many events are in flight, nor on how
// their stamps were chosen.
func TestAssemblerSteadyStateAllocatesNothing(t *testing.T) {
	lines := []string{
		`type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes exit=0`,
		`type=EXECVE msg=audit(1.000:1): argc=1 a0="ls"`,
		`type=PROCTITLE msg=audit(1.000:1): proctitle="ls"`,
	}
	var records []audit.Record
	for _, l := range lines {
		records = append(records, mustLine(t, l))
	}
	n := 0
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) { n += len(e.Records) })
	serial := uint32(0)
	now := t0
	run := func() {
		for range 200 {
			serial++
			now = now.Add(time.Microsecond)
			for _, r := range records {
				r.ID.Serial = serial
				a.Push(r, now)
			}
			// One in two has an EOE, one in ten is left open.
			if serial%2 == 0 {
				a.Push(audit.Record{Type: tables.TypeEOE, ID: audit.ID{Sec: 1, Serial: serial}}, now)
			}
		}
	}
	for range 100 {
		run()
	}
	if got := testing.AllocsPerRun(100, run); got != 0 {
		t.Errorf("%v allocations for 600 records, want 0", got)
	}
	if n == 0 {
		t.Error("no events")
	}
}
