package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// foreignRule is one that somebody else loaded before Vigil came.
const foreignRule = "-a always,exit -F arch=b64 -S mount -F key=foreign"

// TestRunShowsAndRestores is the first minute with Vigil: no rules of one's own, events within seconds, Ctrl-C.
func TestRunShowsAndRestores(t *testing.T) {
	engine(t)
	tools := programs(t)
	// Values that Vigil has to change, or could, unlike the ones that the rig leaves.
	for _, args := range [][]string{{"-e", "0"}, {"-f", "0"}, strings.Fields(foreignRule)} {
		if out, err := exec.Command("auditctl", args...).CombinedOutput(); err != nil {
			t.Fatalf("auditctl %v: %v: %s", args, err, out)
		}
	}
	before := state(t)

	dir := folder(t)
	output := outputFile(t, dir)
	d := startVigil(t, rig.Options{Dir: dir, Output: "text", Stdout: output})
	if now := state(t); now.PID != d.PID() || now.Enabled != 1 || !strings.Contains(now.Rules, "execve") {
		t.Errorf("when it runs: pid %d, want %d; enabled %d; rules:\n%s", now.PID, d.PID(), now.Enabled, now.Rules)
	}
	if err := exec.Command(tools.Tiny, "seen-by-vigil").Run(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Second, "the exec on the terminal", func() bool {
		return bytes.Contains(read(t, output.Name()), []byte("seen-by-vigil"))
	})
	for line := range bytes.Lines(read(t, output.Name())) {
		if bytes.Contains(line, []byte("seen-by-vigil")) && !bytes.Contains(line, []byte(tools.Tiny)) {
			t.Errorf("the line says who did what: %q, want %s in it", line, tools.Tiny)
		}
	}
	if err := d.End(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if changed := before.Changed(state(t)); changed != "" {
		t.Errorf("Ctrl-C left changes behind: %s", changed)
	}
	if got := string(read(t, d.Log())); !strings.Contains(got, "seen-by-vigil") ||
		!strings.Contains(got, "type=DAEMON_START") || !strings.Contains(got, "type=DAEMON_END") {
		t.Errorf("the trail lacks the exec, its start or its end; %d bytes", len(got))
	}
	if out, _, code := vigil(t, "trail", "verify", "--trail", d.Log()); code != 0 {
		t.Errorf("trail verify: exit %d: %s", code, out)
	}
}

// TestRunModes: auto registers when nobody has, observes beside another daemon, and each says so.
func TestRunModes(t *testing.T) {
	engine(t)
	auditd := startAuditd(t, rig.Options{Dir: filepath.Join(folder(t), "auditd"), Rules: []string{storm("exec", 2).Rule()}})
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "vigil")})
	if got := state(t); got.PID != auditd.PID() {
		t.Errorf("registered: %d, want auditd, %d", got.PID, auditd.PID())
	}
	if !strings.Contains(d.Messages(), "observe") || !strings.Contains(d.Messages(), strconv.Itoa(auditd.PID())) {
		t.Errorf("vigil does not say that it observes, and beside whom: %s", d.Messages())
	}
	brew(t, storm("exec", 2000))
	quiet(t, d)
	stop(t, d)
	if got := accounts(t, d.Log()).keys["storm-exec"]; got != 2000 {
		t.Errorf("observed %d execs, want 2000", got)
	}

	// Told to be the daemon, it cannot.
	_, stderr, code := vigil(t, "run", "--mode", "daemon", "--output", "none", "--audit-dir", d.Dir,
		"--state-dir", filepath.Join(d.Dir, "state"), "--run-dir", filepath.Join(d.Dir, "run"))
	if code != 1 || !strings.Contains(stderr, strconv.Itoa(auditd.PID())) {
		t.Errorf("--mode daemon beside auditd: exit %d, want 1 and its pid: %s", code, stderr)
	}
	stop(t, auditd)
}

// TestTrailModes compares owner and modes of the log with what auditd sets, and the numbering after rotations.
func TestTrailModes(t *testing.T) {
	e := engine(t)
	rules := []string{storm("open", 2).Rule()}
	conf := map[string]string{"max_log_file": "1", "num_logs": "3", "log_group": "adm"}
	listing := map[string]string{}
	for _, program := range []string{"auditd", "vigil"} {
		reset(t, e) // auditd leaves its rules behind
		o := rig.Options{Dir: filepath.Join(folder(t), "d"), Rules: rules, Conf: conf}
		var d *rig.Daemon
		if program == "auditd" {
			d = startAuditd(t, o)
		} else {
			d = startVigil(t, o)
		}
		brew(t, storm("open", 6000)) // about 5 MB
		quiet(t, d)
		stop(t, d)
		out, err := exec.Command("stat", "-c", "%n %A %U:%G", filepath.Dir(d.Log()), d.Log(), d.Log()+".1", d.Log()+".2").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", program, err, out)
		}
		if _, err := os.Stat(d.Log() + ".3"); err == nil {
			t.Errorf("%s keeps more than num_logs files", program)
		}
		listing[program] = strings.ReplaceAll(string(out), filepath.Dir(d.Log()), "log")
	}
	if listing["vigil"] != listing["auditd"] {
		t.Errorf("files of vigil:\n%sfiles of auditd:\n%s", listing["vigil"], listing["auditd"])
	}
}

// TestReplay: a log goes through the same pipeline, for anybody, from a file and from standard input.
func TestReplay(t *testing.T) {
	log := filepath.Join(folder(t), "old.log")
	const text = `type=SYSCALL msg=audit(1626611363.720:348501): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=7 pid=8 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="ls" exe="/bin/ls" key="exec"
type=EXECVE msg=audit(1626611363.720:348501): argc=2 a0="ls" a1=2D6C0A
type=CWD msg=audit(1626611363.720:348501): cwd="/root"
type=PROCTITLE msg=audit(1626611363.720:348501): proctitle=6C73002D6C
`
	if err := os.WriteFile(log, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, stderr, code := vigil(t, "replay", "--output", "json", log)
	var event map[string]any
	if err := json.Unmarshal([]byte(out), &event); code != 0 || err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("replay: exit %d, %v: %q: %s", code, err, out, stderr)
	}
	if got := args(event); len(got) != 2 || got[0] != "ls" || got[1] != "-l\n" {
		t.Errorf("process.args: %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, programs(t).Vigil, "replay", "--output", "json", "-")
	cmd.Stdin = strings.NewReader(text)
	if piped, err := cmd.Output(); err != nil || string(piped) != out {
		t.Errorf("replay -: %v: %q, want the same as from the file: %q", err, piped, out)
	}
	if raw, _, _ := vigil(t, "replay", "--output", "raw", log); raw != text {
		t.Errorf("replay --output raw: %q, want the file", raw)
	}
	if _, stderr, code := vigil(t, "replay", log+".absent"); code != 1 || !strings.HasPrefix(stderr, "vigil: ") {
		t.Errorf("replay of an absent file: exit %d, want 1: %s", code, stderr)
	}
	if _, _, code := vigil(t, "replay", "--no-such-option"); code != 2 {
		t.Errorf("wrong usage: exit %d, want 2", code)
	}
}

func state(t *testing.T) rig.State {
	t.Helper()
	s, err := rig.ReadState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func outputFile(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// args is process.args of an event in Elastic Common Schema.
func args(event map[string]any) []string {
	process, _ := event["process"].(map[string]any)
	list, _ := process["args"].([]any)
	var out []string
	for _, arg := range list {
		s, _ := arg.(string)
		out = append(out, s)
	}
	return out
}
