package search

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// recorded copies the recorded logs into a folder, with those that are made, and returns all names.
func recorded(t *testing.T, dir string) []string {
	t.Helper()
	names := corpora(t, dir)
	logs, err := filepath.Glob("testdata/*.log")
	if err != nil || len(logs) != 4 {
		t.Fatalf("find recorded logs: %v, %v", logs, err)
	}
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, filepath.Base(path)), text)
		names = append(names, filepath.Base(path))
	}
	put(t, filepath.Join(dir, "real.log"), without(realLog(t), "arch=c00000f3")) // RISC-V, which stock does not know
	put(t, filepath.Join(dir, "interleaved.log"), interleaved())
	return append(names, "interleaved.log")
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// interleaved is records in any order: of many events at once, split by time, with serials that come again, on several
// nodes, without an end and with one too many.
func interleaved() []byte {
	rng := rand.New(rand.NewPCG(11, 7))
	nodes := []string{"", "", "node=a ", "node=b "}
	types := []string{"CWD", "CWD", "PATH", "EXECVE", "PROCTITLE", "EOE", "KERNEL", "MAC_UNLBL_ALLOW", "NETFILTER_PKT"}
	var b bytes.Buffer
	sec := 1700000000
	for i := range 3000 {
		if rng.IntN(40) == 0 {
			sec += rng.IntN(4)
		}
		b.WriteString(nodes[rng.IntN(len(nodes))] + "type=" + types[rng.IntN(len(types))] + " msg=audit(")
		b.WriteString(strconv.Itoa(sec-rng.IntN(3)) + "." + []string{"000", "005"}[rng.IntN(2)] + ":" + strconv.Itoa(rng.IntN(5)) + "): line=" + strconv.Itoa(i))
		b.WriteString(` name="/x" cwd="/y"` + "\n")
	}
	return b.Bytes()
}

// searches are criteria and what goes with them, each with every form of its argument that there is.
func searches() []string {
	return []string{
		"", "-a 5", "--event 39779160", "-a 3x", "-p 1", "--pid 111", "-pp 1", "--ppid 2", "--session 1", "--session -1", "--session 4294967295",
		"-e 0", "--exit -13", "-e EACCES", "-e -EACCES", "-e -ENOENT", "-sv yes", "--success no", "-sc openat", "--syscall 59", "-sc execve",
		"--arch b64", "--arch b32", "--arch x86_64", "--arch i386", "-ua 0", "--uid-all 1000", "-ui 0 -m SYSCALL,PATH,USER_AUTH", "--uid 1", "-ue 0",
		"--uid-effective root", "-ul 1000", "--loginuid -1", "-ul unset", "-ga 0", "--gid-all root", "-gi 0", "--gid 0", "-ge 0",
		"--gid-effective 0", "-c bash", "--comm python", "-w -c bash", "-x /usr/bin", "--executable sshd", "-w -x /usr/sbin/sshd",
		"-f /etc", "--file watched", "-w -f /etc/shadow", "-f abstract", "-f img", "-hn 192.0.2", "--host host.example", "-hn 127.0.0.1", "-hn ::1",
		"-w -hn 192.0.2.7", "-n web-1", "--node db.example", "-n a -n b", "-n nobody", "-tm ssh", "--terminal pts", "-w --word -tm ssh", "-tm none",
		"-k exec", "--key prog", "-w -k files", "-k (null)", "-k exec -k open", "-vm guest", "--vm-name one", "-uu ea09745a", "--uuid 31fd3",
		"-se unconfined", "--context svirt", "-su unconfined", "--subject a:b", "-o d:e", "--object obj", "-su unconfined -o d:e",
		"-m SYSCALL", "--message USER_LOGIN,USER_AUTH", "-m 1300", "-m ALL", "-m all", "-m PATH -m CWD", "-m 1112,SYSCALL", "-m syscall,", "-m AVC",
		"-ts 11/14/23", "--start 11/14/23 22:14:00", "-te 11/14/23 22:14:00", "-ts 11/14/23 22:13:30 -te 11/14/23 22:15:00", "-ts 11/21/26", "-ts 22:00 11/14/23",
		"-ts recent", "-ts 01/01/68", "--end 12/31/67", "-ts checkpoint",
		"-k exec -ua 0 -sv yes -x /usr", "-m USER_LOGIN -hn 192 -sv no -tm ssh", "-p 1 -p 2", "--just-one", "--just-one -k exec", "--eoe-timeout 5", "--eoe-timeout 1",
		"-l", "--line-buffered -k exec", "--input-logs",
	}
}

// formats are the ways to print.
func formats() []string {
	return []string{
		"", "-r", "--raw", "--format raw", "-i", "--interpret", "--format default", "--format interpret",
		"--escape raw", "--escape tty", "--escape shell -m SYSCALL,USER_AUTH", "--escape shell_quote -m SYSCALL,USER_AUTH", "-i --escape raw", "-i --escape tty", "-i --escape shell",
		"-i --escape shell_quote", "-r --escape tty",
	}
}

// sentences are the ways to print that know an event from a heap of records.
func sentences() []string {
	return []string{
		"--format csv", "--format text", "--format csv --extra-keys", "--format csv --extra-labels", "--format csv --extra-obj2",
		"--format csv --extra-time", "--format csv --extra-keys --extra-labels --extra-obj2 --extra-time", "--format csv --escape raw",
		"--format text --escape tty",
	}
}

// without returns a log without the events of which a record has one of texts.
func without(log []byte, texts ...string) []byte {
	drop := map[string]bool{}
	stamp := func(line []byte) string {
		_, rest, _ := bytes.Cut(line, []byte("msg=audit("))
		id, _, _ := bytes.Cut(rest, []byte(")"))
		return string(id)
	}
	for line := range bytes.Lines(log) {
		for _, text := range texts {
			if bytes.Contains(line, []byte(text)) {
				drop[stamp(line)] = true
			}
		}
	}
	var kept []byte
	for line := range bytes.Lines(log) {
		if !drop[stamp(line)] {
			kept = append(kept, line...)
		}
	}
	return kept
}

func TestAusearch(t *testing.T) {
	p := pairOf(t, "ausearch")
	for name, test := range map[string]func(*testing.T, pair){
		"logs": testAusearchLogs, "criteria": testAusearchCriteria, "arguments": testAusearchArguments, "stdin": testAusearchStdin, "debug": testAusearchDebug,
		"checkpoint": testAusearchCheckpoint, "hostile": testAusearchHostile, "differences": testAusearchDifferences,
	} {
		t.Run(name, func(t *testing.T) { test(t, p) })
	}
}

func testAusearchLogs(t *testing.T, p pair) {
	dir := t.TempDir()
	logs := recorded(t, dir)
	if n := typesIn(t, dir, logs); n < 70 {
		t.Errorf("the logs have %d types of records, want 70 at least", n)
	}
	for _, log := range logs {
		if log == "raw.log" || log == "enriched.log" || log == "nodes-enriched.log" {
			continue // nodes.log and what was recorded have all that they have
		}
		t.Run(log, func(t *testing.T) {
			t.Parallel()
			for _, line := range searches() {
				p.same(t, dir, nil, append([]string{"-if", log}, strings.Fields(line+" --raw")...)...)
			}
			if !strings.Contains(log, "enriched") || strings.HasPrefix(log, "auditd-") || strings.HasPrefix(log, "vigil-") {
				// The made logs give one user several names, of which stock goes on with the first.
				for _, line := range []string{"-ua root -m SYSCALL,USER_AUTH", "-ui root -m SYSCALL", "-ue root", "-ul root", "-ui daemon"} {
					p.same(t, dir, nil, append([]string{"-if", log}, strings.Fields(line+" --raw")...)...)
				}
			}
			for _, line := range formats() {
				p.same(t, dir, nil, append([]string{"-if", log}, strings.Fields(line)...)...)
				p.same(t, dir, nil, append([]string{"--input", log, "-ua", "0", "-k", "exec"}, strings.Fields(line)...)...)
			}
			text, err := os.ReadFile(filepath.Join(dir, log))
			if err != nil || log == "interleaved.log" {
				return // a folder; and what no daemon writes
			}
			// Of these, stock prints what stood in memory before: see docs/ausearch-differences.md.
			put(t, filepath.Join(dir, "some-"+log), without(text, "type=BPF", "type=TRUSTED_APP"))
			for _, line := range sentences() {
				p.same(t, dir, nil, append([]string{"-if", "some-" + log}, strings.Fields(line)...)...)
				p.same(t, dir, nil, append([]string{"-if", "some-" + log, "-k", "exec"}, strings.Fields(line)...)...)
			}
		})
	}
}
