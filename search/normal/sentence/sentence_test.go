package sentence

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/search/auparse"
)

func TestAppendSafe(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := string(appendSafe(nil, []byte(text))); got != want {
			t.Errorf("appendSafe(%q) = %q, want %q", text, got, want)
		}
	}
	f("plain text", "plain text")
	f("größe 漢字", "größe 漢字")
	f("a\nb\x1b[2J\x7f", `a\012b\033[2J\177`)
	f("\xff\xfe", `\377\376`)
	f("\u202eexe.txt", `\342\200\256exe.txt`) // turns the writing round
	f("\u0085\u009b2J", `\302\205\302\2332J`) // controls of eight bits
	f(strings.Repeat("x", 2*limit), strings.Repeat("x", limit)+"...")
}

func TestAppendWord(t *testing.T) {
	f := func(word, want string) {
		t.Helper()
		if got := string(appendWord(nil, []byte(word))); got != want {
			t.Errorf("appendWord(%q) = %q, want %q", word, got, want)
		}
	}
	f("-la", "-la")
	f("/usr/bin/x=1,2", "/usr/bin/x=1,2")
	f("", "''")
	f("a b", "'a b'")
	f("it's", `'it'\''s'`)
	f("$(id)", "'$(id)'")
	f("a\nb", `'a\012b'`)
}

type names map[uint32]string

func (n names) User(uid uint32) (string, bool)  { s, ok := n[uid]; return s, ok }
func (n names) Group(gid uint32) (string, bool) { s, ok := n[gid]; return s, ok }

// TestWho shows how people are named; what is said of each kind of event is in ../testdata/plain.txt.
func TestWho(t *testing.T) {
	x := auparse.New(auparse.Config{Names: names{0: "root", 1000: "alice", 1001: "bob"}})
	teller := New(x, time.UTC)
	f := func(fields, want string) {
		t.Helper()
		r, err := audit.ParseLine([]byte("type=SYSCALL msg=audit(0.000:1): arch=c000003e syscall=170 success=yes exit=0 " + fields))
		if err != nil {
			t.Fatal(err)
		}
		got := string(teller.Append(nil, &audit.Event{ID: r.ID, Records: []audit.Record{r}}, Words{}))
		want = "1970-01-01 00:00:00 " + want + ".\n"
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", fields, got, want)
		}
	}
	f("auid=1000 uid=1000", "alice set the host name")
	f("auid=1000 uid=0", "alice, as root, set the host name")
	f("auid=1000 uid=1001", "alice, as bob, set the host name")
	f("auid=4294967295 uid=0", "root set the host name")
	f("auid=4294967295 uid=0\x1dLOGIN_USER=\"alice\"", "alice, as root, set the host name")
	f("auid=1000 uid=1000\x1dAUID=\"carol\" UID=\"carol\"", "carol set the host name")
	f("uid=unset", "somebody set the host name")
	f("auid=1000 ses=7 tty=pts0", "alice set the host name, session 7 on pts0")
	f("auid=1000 ses=4294967295 tty=pts0", "alice set the host name")
	f("auid=1000 key=6101620163", "alice set the host name; rule a, b, c")
	f("auid=1000 exe=\"/bin/hostname\"", "alice set the host name with /bin/hostname")
	f("auid=1000 exe=(null) comm=\"hostname\"", "alice set the host name with hostname")
}

// TestLimits feeds an event that goes on and on: its sentence does not.
func TestLimits(t *testing.T) {
	line := func(typ, text string) audit.Record {
		r, err := audit.ParseLine([]byte("type=" + typ + " msg=audit(0.000:1): " + text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	long := strings.Repeat("A", 100000)
	teller := New(auparse.New(auparse.Config{}), time.UTC)
	kill := &audit.Event{Records: []audit.Record{line("SYSCALL", "arch=c000003e syscall=62 success=yes a1=9 key="+strings.Repeat("6101", 10000)+"61")}}
	for range 10000 {
		kill.Records = append(kill.Records, line("OBJ_PID", `opid=5 ocomm="sleep"`))
	}
	config := &audit.Event{Records: []audit.Record{line("CONFIG_CHANGE", "op=set "+strings.Repeat("audit_enabled=1 ", 10000))}}
	exec := &audit.Event{Records: []audit.Record{line("SYSCALL", `arch=c000003e syscall=59 success=yes exe="/`+long+`"`),
		line("EXECVE", `argc=3 a0="`+long+`" a1="b" a2="`+long+`"`)}}
	for _, e := range []*audit.Event{kill, config, exec} {
		if got := teller.Append(nil, e, Words{}); len(got) > 4*limit {
			t.Errorf("%d bytes: %.200s", len(got), got)
		}
	}
}

// TestNothing holds that an event without records is a sentence too.
func TestNothing(t *testing.T) {
	got := New(auparse.New(auparse.Config{}), time.UTC).Append(nil, &audit.Event{}, Words{})
	if !bytes.HasSuffix(got, []byte("something happened.\n")) {
		t.Errorf("got %q", got)
	}
}
