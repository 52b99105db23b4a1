package migrate_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/daemon/config"
	"vigil/daemon/migrate"
	"vigil/filter"
	"vigil/filter/field"
)

var update = flag.Bool("update", false, "write the golden files anew")

// copied is a copy of the example that the test may spoil.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"redact.d", "redact.d/password.conf", "redact.d/base.requires"} {
		mode := os.FileMode(0o600)
		if path == "redact.d" {
			mode = 0o700
		}
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run(t *testing.T, dir string) (migrate.Result, error) {
	t.Helper()
	return migrate.Auoms(migrate.Places{Dir: filepath.Join(dir, "auoms"), Redact: filepath.Join(dir, "redact.d")})
}

func TestAuoms(t *testing.T) {
	dir := copied(t)
	result, err := run(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var notes strings.Builder
	for _, n := range result.Notes {
		notes.WriteString(n.String() + "\n")
	}
	for name, got := range map[string]string{"testdata/vigil.yaml": string(result.YAML), "testdata/notes.txt": notes.String()} {
		got = strings.ReplaceAll(got, dir, "/example")
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(got, "\n"), strings.Split(string(want), "\n")); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name, diff)
		}
	}
}

// TestEachKeyHasANote: of each key in the files something is said.
func TestEachKeyHasANote(t *testing.T) {
	dir := copied(t)
	result, err := run(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(dir + "/auoms/*.conf")
	more, err2 := filepath.Glob(dir + "/auoms/outconf.d/*.conf")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			key, _, ok := strings.Cut(line, " = ")
			if !ok || strings.ContainsAny(key, "# \"") {
				continue
			}
			found := false
			for _, n := range result.Notes {
				found = found || n.File == file && strings.HasPrefix(n.Key, key)
			}
			if !found {
				t.Errorf("%s: nothing is said of %s", file, key)
			}
		}
	}
}

// TestFilters: the conditions leave out what auoms did, and no more.
func TestFilters(t *testing.T) {
	dir := copied(t)
	result, err := run(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "vigil.yaml")
	if err := os.WriteFile(file, result.YAML, 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Default("/etc/audit")
	if err := c.ApplyYAML(file); err != nil {
		t.Fatal(err)
	}
	match := func(sink int, lines ...string) bool {
		t.Helper()
		condition, err := filter.Parse(c.Sinks[sink].Filter)
		if err != nil {
			t.Fatal(err)
		}
		program, err := filter.Compile(condition, field.Standard())
		if err != nil {
			t.Fatal(err)
		}
		e := &audit.Event{}
		for _, l := range lines {
			kind, body, _ := strings.Cut(l, " ")
			r, err := audit.ParseLine([]byte("type=" + kind + " msg=audit(1700000000.123:1): " + body))
			if err != nil {
				t.Fatal(err)
			}
			e.ID, e.Records = r.ID, append(e.Records, r)
		}
		return program.Matcher(field.Config{}).Match(e)
	}
	const oms, syslog = 1, 2
	call := func(nr, uid, exe, extra string) string {
		return "SYSCALL arch=c000003e syscall=" + nr + " success=yes exit=0 pid=2 uid=" + uid + " euid=" + uid + ` comm="x" exe="` + exe + `"` + "\x1dUID=\"" + map[string]string{"0": "root", "1000": "al"}[uid] + `"` + extra
	}
	const execve, openat, connect = "59", "257", "42"
	for _, x := range []struct {
		name  string
		sink  int
		lines []string
		want  bool
	}{
		{"an execution", syslog, []string{call(execve, "0", "/bin/ls", "")}, true},
		{"another system call", syslog, []string{call(openat, "0", "/bin/ls", "")}, false},
		{"a record type", syslog, []string{"CRED_ACQ pid=1"}, false},
		{"another", syslog, []string{"USER_LOGIN pid=1"}, true},
		{"a process", syslog, []string{call(execve, "0", "/opt/omi/bin/omiserver", "")}, false},
		{"a process of another user", syslog, []string{call(execve, "1000", "/opt/omi/bin/omiserver", "")}, true},
		{"its grandchild", syslog, []string{call(execve, "0", "/bin/ls", ` P1_PID="9" P1_EXE="/bin/sh" P2_PID="8" P2_EXE="/opt/omi/bin/omiserver"`)}, false},
		{"its record without a call", syslog, []string{`USER_CMD pid=2 uid=0 msg='exe="/opt/omi/bin/omiserver"'`}, true},
		{"a command line", syslog, []string{call(execve, "0", "/usr/bin/python3.9", ""), `EXECVE argc=3 a0="/usr/bin/python3" a1="-u" a2="/usr/sbin/waagent"`}, false},
		{"half of it", syslog, []string{call(execve, "0", "/usr/bin/python3.9", ""), `EXECVE argc=3 a0="/usr/bin/python3" a1="-c" a2="/usr/sbin/waagent"`}, true},
		{"its child", syslog, []string{call(execve, "0", "/bin/ls", ` P1_PID="9" P1_COMM="python3" P1_EXE="/usr/bin/python3.9" P1_ARGS=2F7573722F62696E2F707974686F6E33202D75202F7573722F7362696E2F776161676574`)}, true},
		{"its child indeed", syslog, []string{call(execve, "0", "/bin/ls", ` P1_PID="9" P1_COMM="python3" P1_EXE="/usr/bin/python3.9" P1_ARGS=2F7573722F62696E2F707974686F6E33202D75202F7573722F7362696E2F7761616765`+`6E74`)}, false},
		{"its grandchild is not meant", syslog, []string{call(execve, "0", "/bin/ls", ` P1_PID="10" P1_EXE="/bin/sh" P2_PID="9" P2_COMM="python3" P2_EXE="/usr/bin/python3.9" P2_ARGS=2F7573722F62696E2F707974686F6E33202D75202F7573722F7362696E2F7761616765`+`6E74`)}, true},
		{"a call that is kept", syslog, []string{call(execve, "0", "/usr/sbin/nscd", "")}, true},
		{"included", oms, []string{call(execve, "0", "/bin/ls", "")}, true},
		{"not included", oms, []string{call(connect, "0", "/bin/ls", "")}, false},
		{"a type that is included", oms, []string{"USER_LOGIN pid=1"}, true},
	} {
		if got := match(x.sink, x.lines...); got != x.want {
			t.Errorf("%s: got %t, want %t", x.name, got, x.want)
		}
	}
}

// TestBroken: what is broken is said with its place, and nothing is made.
func TestBroken(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"auoms/outconf.d/bad.conf", "output_format = syslog\nprocess_filters = [\n{ \"depth\": 1 \"user\": \"x\" }\n]", "bad.conf:3: the value is not JSON"},
		{"auoms/outconf.d/bad.conf", "process_filters = [ { \"exeMatchType\": \"Match\", \"exeMatchValue\": \"x\" } ]", `bad.conf:1: process_filters[0]: exeMatchType: "Match": right are`},
		{"auoms/outconf.d/bad.conf", "filter_record_types = [ \"x y\" ]", `bad.conf:1: filter_record_types: "x y" is no record type`},
		{"auoms/outconf.d/bad.conf", "filter_record_types = { }", "bad.conf:1: filter_record_types: "},
		{"auoms/auoms.conf", "backlog_limit = many", `auoms.conf:1: backlog_limit: "many" is not a whole number`},
		{"auoms/auoms.conf", "nothing", "auoms.conf:1: "},
		{"auoms/outconf.d/o ms.conf", "output_format = oms", ""},
		{"auoms/outconf.d/bad.conf", "output_socket = /x\nenable_ack_mode = true\nack_timeout = 1s", `bad.conf:3: ack_timeout: "1s" is not a whole number`},
		{"auoms/outconf.d/sys log.conf", "output_format = syslog\nprocess_filters = []\nfilter_record_types = []", ""},
		{"auoms/outconf.d/-syslog.conf", "output_format = syslog", `another output is called "syslog" already`},
	} {
		dir := copied(t)
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		result, err := run(t, dir)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.file, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || len(result.YAML) > 0 {
			t.Errorf("%s: got %v and %q, want %s", c.file, err, result.YAML, c.want)
		}
	}
	if _, err := migrate.Auoms(migrate.Places{Dir: t.TempDir() + "/none"}); err == nil {
		t.Error("a directory that is not there was read")
	}
}
