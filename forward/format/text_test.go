package format_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/forward/format"
)

func TestTextGolden(t *testing.T) {
	enc := format.NewText(format.TextConfig{Names: names{}, Location: time.UTC})
	golden(t, enc, "real.log", "real.txt", asIs)
	golden(t, enc, "long.log", "long.txt", asIs)
	golden(t, enc, "other.log", "other.txt", asIs)
	golden(t, enc, attributed, "attributed.txt", asIs)
}

func TestTextColor(t *testing.T) {
	e := assemble(t, []byte("type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes exit=0 pid=7 auid=0 uid=0 comm=\"ls\" exe=\"/bin/ls\" key=\"k\"\n"+
		"type=EXECVE msg=audit(1.000:1): argc=2 a0=\"ls\" a1=1B5B324A0A\n"))[0]
	enc := format.NewText(format.TextConfig{Color: true, Location: time.UTC})
	got := string(enc.Append(nil, e))
	want := "\x1b[2m1970-01-01 00:00:01.000\x1b[0m \x1b[32mok  \x1b[0m \x1b[1m0\x1b[0m executed ls $'\\x1b[2J\\n' \x1b[36m[k]\x1b[0m\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	e = assemble(t, []byte("type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=39 success=yes pid=7 auid=0 uid=0 comm=\"ls\"\x1dPOD_NS=\"shop\" POD_NAME=\"cart-7d9\"\n"))[0]
	got = string(enc.Append(nil, e))
	if want := "\x1b[1m0\x1b[0m \x1b[2m[pod shop/cart-7d9]\x1b[0m getpid by ls[7]\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want the end %q", got, want)
	}
}

func TestTextLimit(t *testing.T) {
	long := strings.Repeat("\xc3\xa9", 5000)
	e := &audit.Event{Records: []audit.Record{
		{Type: tables.TypeSyscall, Body: []byte(`arch=c000003e syscall=59 success=yes pid=7 exe="/bin/ls" key="` + long + `"`)},
		{Type: tables.TypeExecve, Body: []byte(`argc=2 a0="ls" a1="` + long + `"`)},
	}}
	got := format.NewText(format.TextConfig{Limit: 100}).Append(nil, e)
	if len(got) > 100+200+60 {
		t.Errorf("line of %d bytes", len(got))
	}
	if !bytes.Contains(got, []byte("é... [éé")) {
		t.Errorf("got %q", got)
	}
}

func TestRaw(t *testing.T) {
	log := "node=a type=CWD msg=audit(1.000:1): cwd=\"/\"\x1dUID=\"root\"\nnode=a type=PATH msg=audit(1.000:1): item=0\n"
	e := assemble(t, []byte(log))[0]
	if got := string(format.Raw{Enrichment: true}.Append(nil, e)); got != log {
		t.Errorf("got  %q\nwant %q", got, log)
	}
	want := strings.Replace(log, "\x1dUID=\"root\"", "", 1)
	if got := string(format.Raw{}.Append(nil, e)); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
