package report_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"vigil/filter"
	"vigil/filter/field"
	"vigil/search"
	"vigil/search/report"
	"vigil/search/report/document"
)

func TestFind(t *testing.T) {
	f := func(name, want, problem string) {
		t.Helper()
		k, err := report.Find(name)
		if problem != "" {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("%s: %v, want %q", name, err, problem)
			}
			return
		}
		if err != nil || k.Name != want {
			t.Errorf("%s is %q (%v), want %q", name, k.Name, err, want)
		}
	}
	f("keys", "keys", "")
	f("key", "keys", "")
	f("session", "session", "")
	f("sessions", "sessions", "")
	f("failed-login", "failed-logins", "")
	f("exectables", "", `did you mean "executables"?`)
	f("xyzzy", "", `unknown report "xyzzy"`)
}

func TestNewErrors(t *testing.T) {
	f := func(cfg report.Config, want string) {
		t.Helper()
		if _, err := report.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", cfg, err, want)
		}
	}
	f(report.Config{Kind: "session"}, "needs N")
	f(report.Config{Kind: "session", Target: "four"}, `"four" is no number`)
	f(report.Config{Kind: "session", Target: "4294967295"}, "is no number")
	f(report.Config{Kind: "person"}, "needs NAME")
	f(report.Config{Kind: "keys", Target: "x"}, "takes no")
	f(report.Config{Kind: "keys", Sort: "failled"}, `did you mean "failed"?`)
	f(report.Config{Kind: "keys", Sort: "qwertz"}, "it has key, events")
	f(report.Config{Kind: "keys", Sort: "events:up"}, "neither asc nor desc")
	f(report.Config{Sort: "events"}, "is not sorted")
}

// firsts are the first cells of a report's rows.
func firsts(d *document.Document) (all []string) {
	for _, row := range d.Tables[0].Rows {
		all = append(all, row[0].Text)
	}
	return all
}

func TestSortAndTop(t *testing.T) {
	f := func(sort string, top int, want ...string) {
		t.Helper()
		d := run(t, open(t, "real.log"), search.Options{}, report.Config{Kind: "keys", Sort: sort, Top: top})
		if got := firsts(d); !slices.Equal(got, want) {
			t.Errorf("sorted by %q, top %d: %q, want %q", sort, top, got, want)
		}
		if d.Tables[0].Total.N != 8 {
			t.Errorf("total is %d, want 8", d.Tables[0].Total.N)
		}
	}
	f("", 3, "files", "net", "priv")
	f("key", 2, "exec", "files")
	f("key:desc", 2, "uring", "shadow")
	f("failed", 1, "net")
	f("executions", 1, "exec")
	f("events:asc", 1, "uring")
}

func TestFilter(t *testing.T) {
	condition, err := filter.Parse(`k8s.ns.name = shop or container.id startswith 88aa and proc.name = psql`)
	if err != nil {
		t.Fatal(err)
	}
	program, err := filter.Compile(condition, field.Standard())
	if err != nil {
		t.Fatal(err)
	}
	d := run(t, open(t, "pods.log"), search.Options{}, report.Config{Kind: "executables", Filter: program})
	if got := firsts(d); !slices.Equal(got, []string{"/usr/bin/psql"}) {
		t.Errorf("%q, want psql alone", got)
	}
	// CONTAINER records complete names although the condition is not true for them.
	d = run(t, open(t, "pods.log"), search.Options{}, report.Config{Kind: "containers", Filter: program})
	if got := firsts(d); !slices.Equal(got, []string{"db"}) {
		t.Errorf("%q, want db", got)
	}
}

// What ran before --since, or in a baseline, is not new; in another image it is.
func TestFirstSeen(t *testing.T) {
	f := func(cfg report.Config, baseline string, want ...string) {
		t.Helper()
		cfg.Kind = "first-seen"
		var older []search.Log
		if baseline != "" {
			older = []search.Log{search.FromStream("older", strings.NewReader(baseline))}
		}
		d, _, err := report.Run(t.Context(), []search.Log{search.FromStream("log", bytes.NewReader(open(t, "pods.log")))}, older, search.Options{}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range d.Tables[0].Rows {
			got = append(got, row[1].Text+" "+row[2].Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f(report.Config{Since: time.Unix(1795280415, 0)}, "", "/usr/bin/ping host", "/usr/bin/passwd host", "/usr/bin/bash registry.example/shop/web:2.4")
	older := func(place string) string {
		return `type=SYSCALL msg=audit(1795000000.000:1): arch=c000003e syscall=59 success=yes exit=0 pid=9 auid=1000 uid=0 ses=1 comm="bash" ` +
			`exe="/usr/bin/bash" key=(null)` + "\x1d" + place + "\n"
	}
	f(report.Config{Since: time.Unix(1795280415, 0)}, older(`UNIT="cron.service"`),
		"/usr/bin/ping host", "/usr/bin/passwd host", "/usr/bin/bash registry.example/shop/web:2.4")
	f(report.Config{Since: time.Unix(1795280415, 0)}, older(`CONTAINER_ID="aa" CONTAINER_IMAGE="registry.example/shop/web:2.4"`),
		"/usr/bin/ping host", "/usr/bin/passwd host")
}

// A program's message that poses as Vigil's own changes nothing.
func TestForged(t *testing.T) {
	d := run(t, open(t, "pods.log"), search.Options{}, report.Config{Kind: "losses"})
	if n := len(d.Tables[0].Rows); n != 2 {
		t.Errorf("%d losses, want the 2 that the ledger tells of", n)
	}
	d = run(t, open(t, "pods.log"), search.Options{}, report.Config{Kind: "containers"})
	if slices.Contains(firsts(d), "trusted") {
		t.Error("a program has named a container")
	}
}

// Names of the host stand in for those that records lack, and only for those.
func TestNames(t *testing.T) {
	raw := []byte(`type=USER_CMD msg=audit(1795280400.000:1): pid=2 uid=0 auid=4321 ses=7 msg='cwd="/" cmd="id" exe="/usr/bin/sudo" terminal=pts/0 res=success'` + "\n")
	d := run(t, raw, search.Options{}, report.Config{Kind: "users"})
	if got := firsts(d); !slices.Equal(got, []string{"4321"}) {
		t.Errorf("without names: %q", got)
	}
	d = run(t, raw, search.Options{}, report.Config{Kind: "users", Names: names{4321: "carol"}})
	if got := firsts(d); !slices.Equal(got, []string{"carol"}) {
		t.Errorf("with names: %q", got)
	}
	d = run(t, raw, search.Options{}, report.Config{Kind: "person", Target: "carol", Names: names{4321: "carol"}})
	if len(d.Tables[0].Rows) != 1 {
		t.Errorf("carol did %d things, want 1", len(d.Tables[0].Rows))
	}
}

type names map[uint32]string

func (n names) User(uid uint32) (string, bool) { name, ok := n[uid]; return name, ok }

// Of two hosts whose records do not name them, sessions of the same number are two.
func TestSeveralLogs(t *testing.T) {
	logs := []search.Log{search.FromStream("one", bytes.NewReader(open(t, "pods.log"))), search.FromStream("two", bytes.NewReader(open(t, "pods.log")))}
	d, _, err := report.Run(t.Context(), logs, nil, search.Options{}, report.Config{Kind: "sessions"})
	if err != nil {
		t.Fatal(err)
	}
	if got := firsts(d); !slices.Equal(got, []string{"7@one", "7@two"}) {
		t.Errorf("sessions are %q", got)
	}
	logs = []search.Log{search.FromStream("one", bytes.NewReader(open(t, "pods.log"))), search.FromStream("two", bytes.NewReader(open(t, "pods.log")))}
	d, _, err = report.Run(t.Context(), logs, nil, search.Options{}, report.Config{Kind: "session", Target: "7"})
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]int{}
	for _, row := range d.Tables[0].Rows {
		nodes[row[2].Text]++
	}
	if nodes["one"] == 0 || nodes["one"] != nodes["two"] || len(nodes) != 2 {
		t.Errorf("steps by node: %v", nodes)
	}
}
