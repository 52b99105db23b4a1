package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// freshMachine begins a shell script in a mount namespace of its own, in which the system's own places are empty: no
// rules, no log, no state.
const freshMachine = `set -e
for place in /etc/audit /var/log/audit /run /var/lib; do mkdir -p $place; mount -t tmpfs none $place; done
exec `

// TestReadme runs README's commands as they stand there: the first one on a machine without any configuration, then
// those that need it running, then the rest.
func TestReadme(t *testing.T) {
	engine(t)
	need(t, "unshare", "nsenter", "jq", "ausearch")
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	commands := consoleCommands(t, filepath.Join(root, "README.md"))
	first, test := commands[0], ""
	before := state(t)
	output := outputFile(t, folder(t))
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", freshMachine+first)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	interrupt := func() error { // as Ctrl-C does: to the whole foreground group
		return errors.Join(syscall.Kill(-cmd.Process.Pid, syscall.SIGINT), cmd.Wait())
	}
	shown := eventuallyShown(t, output.Name(), 90*time.Second) // it is compiled first
	if !shown {
		_ = interrupt()
		t.Fatalf("%s: shows no exec: %s", first, messages(t, output.Name()))
	}
	inside := func(command string) ([]byte, error) {
		c := exec.CommandContext(t.Context(), "nsenter", "--target", fmt.Sprint(cmd.Process.Pid), "--mount", "--wd="+root, "timeout", "20", "sh", "-c", command)
		c.Env = append(os.Environ(), "PATH="+filepath.Dir(programs(t).Vigil)+":"+os.Getenv("PATH"))
		return c.CombinedOutput()
	}
	for _, command := range commands[1:] {
		switch {
		case strings.Contains(command, "make test"):
			test = command // it is what runs this test
		case strings.HasPrefix(command, "vigil run"): // the second of its kind: tried below
		default:
			if out, err := inside(command); err != nil || len(out) == 0 {
				t.Errorf("%s: %v: %.500s", command, err, out)
			}
		}
	}
	// `go run` itself ends with 1 when it is interrupted; if its child fails, it says with what.
	err = interrupt()
	if said := messages(t, output.Name()); strings.Contains(said, "exit status") || strings.Contains(said, "signal:") {
		t.Errorf("%s: after Ctrl-C: %v: %s", first, err, said)
	}
	if changed := before.Changed(state(t)); changed != "" {
		t.Errorf("%s: Ctrl-C left changes behind: %s", first, changed)
	}
	ci := string(read(t, filepath.Join(root, ".ci", "run")))
	if test == "" || !strings.Contains(ci, test) {
		t.Errorf("README's test command %q is not what .ci/run runs", test)
	}
}

// TestReadmeNames checks what README's running text names: commands of vigil, and targets of make.
func TestReadmeNames(t *testing.T) {
	root, err := rig.Root()
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(root, "README.md"))
	makefile := read(t, filepath.Join(root, "Makefile"))
	for _, m := range regexp.MustCompile("`make ([a-z0-9]+)`").FindAllSubmatch(text, -1) {
		if !bytes.Contains(makefile, []byte("\n"+string(m[1])+":")) {
			t.Errorf("README names make %s, which is no target", m[1])
		}
	}
	if os.Geteuid() != 0 {
		return // the binary is built with the storm generator
	}
	for _, m := range regexp.MustCompile("`vigil ([a-z ]+)").FindAllSubmatch(text, -1) {
		words := strings.Fields(string(m[1]))
		if out, stderr, code := vigil(t, append(words, "--help")...); code != 0 || !strings.Contains(out, "vigil "+words[0]) {
			t.Errorf("README names vigil %s: --help exits %d: %s", m[1], code, stderr)
		}
	}
}

// consoleCommands are the lines behind "# " and "$ " in the README's console blocks.
func consoleCommands(t *testing.T, path string) []string {
	t.Helper()
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllSubmatch(read(t, path), -1) {
		for line := range strings.Lines(string(block[1])) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "# "); ok {
				commands = append(commands, command)
			} else if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
				commands = append(commands, command)
			}
		}
	}
	if len(commands) < 2 {
		t.Fatalf("README has %d commands", len(commands))
	}
	return commands
}

// eventuallyShown executes something now and then until the output tells of it.
func eventuallyShown(t *testing.T, path string, within time.Duration) bool {
	t.Helper()
	for start := time.Now(); time.Since(start) < within; wait(t, 100*time.Millisecond) {
		if err := exec.Command(programs(t).Tiny, "seen-in-readme").Run(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(read(t, path), []byte("seen-in-readme")) {
			return true
		}
	}
	return false
}

// messages are the lines of an output that are vigil's own words, not events.
func messages(t *testing.T, path string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(string(read(t, path))) {
		if len(line) > 0 && (line[0] < '0' || line[0] > '9') {
			out.WriteString(line)
		}
	}
	return out.String()
}
