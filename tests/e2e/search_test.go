package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/tests/rig"
)

// container is the id of one that only its control group's name tells of, and pod the pod's.
const (
	container = "5ea4c4e2e0b1c2d3e4f5061728394a5b6c7d8e9fa0b1c2d3e4f5061728394a5b"
	pod       = "3e4f5061-7283-4a5b-8c7d-8e9fa0b1c2d3"
)

// podGroup makes the control group of a container in a pod, as the kubelet names it, until the test ends.
func podGroup(t *testing.T) *os.File {
	t.Helper()
	at := ""
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			at = dir
			break
		}
	}
	if at == "" {
		t.Skip("missing: control groups of version 2, to put a process into one")
	}
	for _, name := range []string{"kubepods", "vigil-e2e-burstable", "pod" + pod, container} {
		at = filepath.Join(at, name)
		if err := os.Mkdir(at, 0o755); err == nil {
			t.Cleanup(func() {
				for range 500 { // the last process may not be gone yet
					if err := unix.Rmdir(at); err != unix.EBUSY {
						return
					}
					_ = rig.Pause(t.Context(), 10*time.Millisecond)
				}
			})
		}
	}
	group, err := os.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { group.Close() })
	return group
}

// runBash runs bash as the storms' user, in a control group if there is one.
func runBash(t *testing.T, group *os.File, script string) {
	t.Helper()
	cmd := exec.Command("/bin/bash", "-c", script)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stormUID, Gid: stormGID, NoSetGroups: true}}
	if group != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestSearch: what is known to have happened is found in the trail of a run with attribution, by whom and where, while
// it goes on and after it, whole and in part; what stock ausearch finds by key is found, too.
func TestSearch(t *testing.T) {
	engine(t)
	need(t, "ausearch", "bash")
	group := podGroup(t)
	rule := fmt.Sprintf("-a always,exit -F arch=b64 -S execve -F uid=%d -F key=e2e-search", stormUID)
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "vigil"), Rules: []string{rule}})
	begin := time.Now()
	runBash(t, nil, "exit 0 # on the host")
	runBash(t, group, "exit 0 # in the pod")
	runBash(t, group, "exec /bin/true 'and another program'")
	quiet(t, d)
	since := fmt.Sprintf("@%d", begin.Unix())

	search := func(wantCode int, args ...string) []string {
		t.Helper()
		out, stderr, code := vigil(t, append([]string{"search", "--trail", d.Log(), "--since", since}, args...)...)
		if code != wantCode || strings.Contains(stderr, "passed over") {
			t.Errorf("search %q: exit %d, want %d: %s", args, code, wantCode, stderr)
		}
		return strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	}
	for _, moment := range []string{"live", "after the end"} {
		const line = "%container.full_id %k8s.pod.uid %proc.cmdline"
		got := search(0, "--filter", "proc.name=bash and container.id != host", "--format", line)
		want := []string{container + " " + pod + " bash -c exit 0 # in the pod", container + " " + pod + " bash -c exec /bin/true 'and another program'"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: bash in containers: got %q, want %q", moment, got, want)
		}
		got = search(0, "--key", "e2e-search", "--filter", "container.id = host", "--format", "*%k8s.pod.name %proc.cmdline", "--newest")
		if len(got) != 1 || got[0] != "<NA> bash -c exit 0 # on the host" {
			t.Errorf("%s: on the host: %q", moment, got)
		}
		if got := search(0, "--key", "e2e-search", "--syscall", "execve", "--count"); got[0] != "4" {
			t.Errorf("%s: %s events by key, want 4", moment, got[0])
		}
		if got := search(0, "--syscall", "execve", "--group-by", "container", "--count"); len(got) != 2 || !strings.Contains(got[0], container[:12]) || !strings.Contains(got[1], "host") {
			t.Errorf("%s: by container: %q", moment, got)
		}
		if moment == "live" {
			stop(t, d)
		}
	}
	search(1, "--key", "e2e-search", "--until", fmt.Sprintf("@%d", begin.Unix()-60), "--since", "@0")
	for _, text := range search(0, "--key", "e2e-search", "--json") {
		var event map[string]any
		if err := json.Unmarshal([]byte(text), &event); err != nil {
			t.Errorf("JSON: %v: %s", err, text)
		}
	}
	// The index is there, small, and for nobody else to read.
	if info, err := os.Stat(d.Log() + ".index"); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 4096 {
		t.Errorf("index: %v, %v", info, err)
	}
	// Stock ausearch finds as many.
	raw := filepath.Join(t.TempDir(), "raw.log")
	if err := os.WriteFile(raw, []byte(strings.Join(search(0, "--key", "e2e-search", "--raw"), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{d.Log(), raw} {
		out, stderr, code := runAs(t, []string{"LC_ALL=C"}, "ausearch", "-k", "e2e-search", "-sc", "execve", "-if", file)
		if n := strings.Count(out, "----\n"); code != 0 || n != 4 {
			t.Errorf("ausearch finds %d events in %s, exit %d: %s", n, filepath.Base(file), code, stderr)
		}
	}
}
