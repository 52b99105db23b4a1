package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/tests/rig"
)

// reported is what `vigil report --json` prints.
type reported struct {
	Title  string
	Events int
	Counts map[string]int
	Rows   []map[string]any
	Notes  []string
}

// column is a column of all rows, as text.
func (r reported) column(name string) (values []string) {
	for _, row := range r.Rows {
		values = append(values, fmt.Sprint(row[name]))
	}
	return values
}

func vigilReport(t *testing.T, args ...string) (r reported) {
	t.Helper()
	out, err := exec.Command(programs(t).Vigil, append([]string{"report", "--json"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("vigil report %q: %v: %s", args, err, out)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("vigil report %q: %v: %s", args, err, out)
	}
	return r
}

// day is what a person does in a session, a line of shell each, and what the report tells of it.
var day = []struct{ line, step string }{
	{"/usr/bin/id -un", "exec /usr/bin/id -un"},
	{"/usr/bin/touch 'DIR/work/a file'", "exec /usr/bin/touch 'DIR/work/a file'"},
	{"", "write creates DIR/work/a file"},
	{"/usr/bin/mv 'DIR/work/a file' DIR/work/b", "exec /usr/bin/mv 'DIR/work/a file' DIR/work/b"},
	{"", "write renames DIR/work/a file to DIR/work/b"},
	{"/usr/bin/chmod 600 DIR/work/b", "exec /usr/bin/chmod 600 DIR/work/b"},
	{"", "write changes the mode of DIR/work/b"},
	{"/usr/bin/rm DIR/work/b", "exec /usr/bin/rm DIR/work/b"},
	{"", "write removes DIR/work/b"},
	{"DIR/plain", "exec DIR/plain (EACCES)"},
	{"/usr/bin/setpriv --reuid=10 DIR/raised", "exec /usr/bin/setpriv --reuid=10 DIR/raised"},
	{"", "exec DIR/raised"},
}

// live makes a login session for uucp, does there what day says, and returns the session's number.
func live(t *testing.T, dir string) (session string) {
	t.Helper()
	var script strings.Builder
	script.WriteString("cat /proc/self/sessionid; echo\n")
	for _, d := range day {
		if d.line != "" {
			fmt.Fprintf(&script, "%s >/dev/null 2>&1\n", strings.ReplaceAll(d.line, "DIR", dir))
		}
	}
	// The shell that becomes uucp's session is dash, which runs the last command itself; so the last is none.
	login := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo %d >/proc/self/loginuid && exec /bin/sh -c \"$0\"", stormUID), script.String()+":\n")
	out, err := login.CombinedOutput()
	if err != nil {
		t.Fatalf("live a session: %v: %s", err, out)
	}
	session, _, _ = strings.Cut(string(out), "\n")
	if _, err := strconv.ParseUint(session, 10, 31); err != nil {
		t.Fatalf("the session has no number: %s", out)
	}
	return session
}

// TestReport does something on the real kernel and looks whether the reports tell it.
func TestReport(t *testing.T) {
	need(t, "setpriv")
	engine(t)
	dir := folder(t)
	furnish(t, dir)
	who := fmt.Sprintf("-F auid=%d", stormUID)
	d := startVigil(t, rig.Options{Dir: filepath.Join(dir, "vigil"), Format: "ENRICHED", Rules: []string{
		"-a always,exit -F arch=b64 -S execve " + who + " -k report-exec",
		"-a always,exit -F arch=b64 -F dir=" + dir + "/work -F perm=wa " + who + " -k report-write"}})
	session := live(t, dir)
	quiet(t, d)
	stop(t, d)
	log := d.Log()

	var want []string
	for _, d := range day {
		want = append(want, strings.ReplaceAll(d.step, "DIR", dir))
	}
	story := vigilReport(t, "session", session, log)
	var got []string
	for _, row := range story.Rows {
		if kind := row["kind"]; kind == "exec" || kind == "write" {
			got = append(got, fmt.Sprintf("%s %s", kind, row["step"]))
		}
	}
	// The shell itself, and cat, come first.
	if i := slices.Index(got, want[0]); i < 0 {
		t.Errorf("the story has no %q: %q", want[0], got)
	} else if diff := cmp.Diff(got[i:], want); diff != "" {
		t.Errorf("the story (-got +want):\n%s", diff)
	}
	if want := "Session " + session + " of uucp"; story.Title != want {
		t.Errorf("the title is %q, want %q", story.Title, want)
	}
	if kinds := story.column("kind"); len(kinds) == 0 || kinds[0] != "login" {
		t.Errorf("the story begins with %q, want login", kinds)
	}
	if person := vigilReport(t, "person", "uucp", log); !cmp.Equal(person.column("event"), story.column("event")) {
		t.Errorf("uucp did %q, in his only session %q", person.column("event"), story.column("event"))
	}

	raised := vigilReport(t, "privileges", log)
	if how, to := raised.column("how"), raised.column("to"); !slices.Equal(how, []string{"setuid"}) || !slices.Equal(to, []string{"root"}) {
		t.Errorf("privileges: %q to %q, want the setuid program alone", how, to)
	}
	executables := vigilReport(t, "executables", log, "--filter", "audit.key = report-exec", "--sort", "executions")
	if names := executables.column("executable"); !slices.Contains(names, dir+"/raised") || !slices.Contains(names, "/usr/bin/touch") {
		t.Errorf("executables are %q", names)
	}
	if lost := vigilReport(t, "losses", log); len(lost.Rows) != 0 {
		t.Errorf("losses: %v", lost.Rows)
	}
	sameAsAureport(t, log)
}

// furnish makes what the session works with: a directory under watch, a file that is no program, one with the setuid bit.
func furnish(t *testing.T, dir string) {
	t.Helper()
	id, err := os.ReadFile("/usr/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Mkdir(dir+"/work", 0o755), os.WriteFile(dir+"/plain", []byte("no program"), 0o644),
		os.WriteFile(dir+"/raised", id, 0o755), os.Chmod(dir+"/raised", 0o755|os.ModeSetuid)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestReportAsAureport compares counts with stock aureport's on logs of many types.
func TestReportAsAureport(t *testing.T) {
	if _, err := exec.LookPath("aureport"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("missing (tests/setup installs it): %v", err)
		}
		t.Skipf("missing (tests/setup installs it): %v", err)
	}
	for _, log := range []string{"audit/testdata/real.log", "search/report/testdata/session.log"} {
		t.Run(filepath.Base(log), func(t *testing.T) {
			root, err := rig.Root()
			if err != nil {
				t.Fatal(err)
			}
			sameAsAureport(t, filepath.Join(root, log))
		})
	}
}

// counted names the counts that mean the same to stock aureport. docs/report.md says why others differ.
var counted = map[string]string{
	"changes in configuration":              "configuration_changes",
	"changes to accounts, groups, or roles": "account_changes",
	"logins":                                "logins",
	"failed logins":                         "failed_logins",
	"authentications":                       "authentications",
	"failed authentications":                "failed_authentications",
	"users":                                 "users",
	"executables":                           "executables",
	"commands":                              "commands",
	"failed syscalls":                       "failed_system_calls",
	"anomaly events":                        "anomalies",
	"responses to anomaly events":           "responses",
	"crypto events":                         "crypto_events",
	"integrity events":                      "integrity_events",
	"virt events":                           "virtualization_events",
	"keys":                                  "keys",
	"MAC events":                            "mac_events",
}

// uringKey is the key of an operation of io_uring in real.log: aureport 3.0.9 does not read URINGOP records.
const uringKey = "uring"

func sameAsAureport(t *testing.T, log string) {
	t.Helper()
	got := vigilReport(t, "summary", log).Counts
	seen := 0
	for name, n := range aureportCounts(t, log) {
		key, ok := counted[name]
		if !ok {
			continue
		}
		seen++
		if got[key] != n {
			t.Errorf("%s: %d, aureport says %d", key, got[key], n)
		}
	}
	if seen != len(counted) {
		t.Errorf("aureport prints %d of the %d counts", seen, len(counted))
	}
	for _, table := range []struct{ option, report, column string }{{"--key", "keys", "key"}, {"--executable", "executables", "executable"}} {
		report := vigilReport(t, table.report, log)
		ours := map[string]string{}
		for i, name := range report.column(table.column) {
			ours[name] = report.column("events")[i]
		}
		theirs := aureportTable(t, log, table.option)
		delete(ours, uringKey)
		delete(theirs, uringKey)
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Errorf("%s (-vigil +aureport):\n%s", table.report, diff)
		}
	}
}

// aureportCounts is stock aureport's main summary.
func aureportCounts(t *testing.T, log string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^Number of (.*): (\d+)$`).FindAllSubmatch(aureport(t, log), -1) {
		counts[string(m[1])], _ = strconv.Atoi(string(m[2]))
	}
	return counts
}

// aureportTable is one of its summaries: how often each thing came.
func aureportTable(t *testing.T, log, option string) map[string]string {
	t.Helper()
	table := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(aureport(t, log, option, "-i")))
	for lines.Scan() {
		n, name, ok := strings.Cut(lines.Text(), "  ")
		if _, err := strconv.ParseUint(n, 10, 64); ok && err == nil {
			table[name] = n
		}
	}
	return table
}

func aureport(t *testing.T, log string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("aureport", append(args, "--summary", "-if", log)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("aureport %q: %v", args, err)
	}
	return out
}
