package normal

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"vigil/search/auparse"
)

func TestHeader(t *testing.T) {
	f := func(cfg Config, want string) {
		t.Helper()
		cfg.Interpreter = auparse.New(auparse.Config{})
		if got := string(New(cfg).AppendCSVHeader(nil)); got != want+"\n" {
			t.Errorf("got  %s want %s", got, want)
		}
	}
	f(Config{}, "NODE,EVENT,DATE,TIME,SERIAL_NUM,EVENT_KIND,SESSION,SUBJ_PRIME,SUBJ_SEC,SUBJ_KIND,ACTION,RESULT,OBJ_PRIME,OBJ_SEC,OBJ_KIND,HOW")
	f(Config{ExtraKeys: true, ExtraObj2: true},
		"NODE,EVENT,DATE,TIME,SERIAL_NUM,EVENT_KIND,SESSION,SUBJ_PRIME,SUBJ_SEC,SUBJ_KIND,ACTION,RESULT,OBJ_PRIME,OBJ_SEC,OBJ2,OBJ_KIND,HOW,KEY")
	f(Config{ExtraLabels: true, ExtraTime: true},
		"NODE,EVENT,DATE,TIME,YEAR,MONTH,DAY,WEEKDAY,HOUR,MILLI,GMT_OFFSET,SERIAL_NUM,EVENT_KIND,SESSION,SUBJ_PRIME,SUBJ_SEC,SUBJ_KIND,SUBJ_LABEL,ACTION,RESULT,OBJ_PRIME,OBJ_SEC,OBJ_LABEL,OBJ_KIND,HOW")
}

// TestQuote reads quoted rows with a csv reader: no name shifts a column.
func TestQuote(t *testing.T) {
	x := auparse.New(auparse.Config{Names: goldenNames{}})
	n := New(Config{Interpreter: x, Quote: true})
	row := n.AppendCSV(n.AppendCSVHeader(nil), event(t,
		`type=USER_CMD msg=audit(1.000:1): pid=1 uid=0 auid=0 ses=1 msg='cwd="/" cmd=6563686F2022612C6222 exe="/bin/sudo" res=success'`))
	rows, err := csv.NewReader(strings.NewReader(string(row))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, column := range rows[0] {
		if column == "OBJ_PRIME" && rows[1][i] != `echo "a,b"` {
			t.Errorf("OBJ_PRIME is %q", rows[1][i])
		}
	}
}

func TestTimes(t *testing.T) {
	zone := time.FixedZone("", -(3*3600 + 1800))
	n := New(Config{Interpreter: auparse.New(auparse.Config{}), Location: zone, ExtraTime: true})
	e := event(t, "node=h type=CWD msg=audit(1690000000.007:6): cwd=\"/\"") // a Saturday
	const want = "h,CWD,07/22/23,00:56:40,2023,07,22,6, 0,7,-03:30,6,"
	if got := string(n.AppendCSV(nil, e)); !strings.HasPrefix(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	n.cfg.Dates = "%d.%m.%Y"
	const dated = "h,CWD,22.07.2023,00:56:40,2023,"
	if got := string(n.AppendCSV(nil, e)); !strings.HasPrefix(got, dated) {
		t.Errorf("got  %q\nwant %q", got, dated)
	}
	const text = "On h at 00:56:40 22.07.2023  did-unknown \n"
	if got := string(n.AppendText(nil, e)); got != text {
		t.Errorf("got  %q\nwant %q", got, text)
	}
}

func TestFailed(t *testing.T) {
	n := goldenNormalizer(auparse.V3)
	f := func(want string, lines ...string) {
		t.Helper()
		n.AppendText(nil, event(t, lines...))
		if got := string(n.Failed()); got != want {
			t.Errorf("Failed() = %q, want %q", got, want)
		}
	}
	f("", `type=CWD msg=audit(1.000:1): cwd="/"`)
	f("EXECVE", `type=EXECVE msg=audit(1.000:1): argc=1 a0="x"`, `type=PROCTITLE msg=audit(1.000:1): proctitle="x"`)
	f("(null)", `type=UNKNOWN[1350] msg=audit(1.000:1): a=b`, `type=PROCTITLE msg=audit(1.000:1): proctitle="x"`)
}

// TestRoot has what audit 3.0.9 prints another event's file for.
func TestRoot(t *testing.T) {
	n := goldenNormalizer(auparse.V3)
	var parts Fields
	n.Normalize(&parts, event(t,
		`type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=257 success=yes exit=3 auid=0 uid=0`,
		`type=CWD msg=audit(1.000:1): cwd="/"`,
		`type=PATH msg=audit(1.000:1): item=0 name="." inode=2 mode=040755 nametype=NORMAL`,
		`type=PROCTITLE msg=audit(1.000:1): proctitle="x"`))
	if got := string(parts.ObjPrime); got != "/" {
		t.Errorf("the object is %q, want /", got)
	}
}
