package identity

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vigil/bpf/identity"
)

// usage is what a watcher says of itself.
type usage struct {
	RSS   int64 // bytes
	Stats identity.Stats
}

const watcherEnv = "VIGIL_IDENTITY_WATCHER"

// TestWatcher is no test: it is the process whose memory the tests measure. It answers each line with its usage.
func TestWatcher(t *testing.T) {
	mode := os.Getenv(watcherEnv)
	if mode == "" {
		t.Skip("runs for other tests")
	}
	var s *identity.Source
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "open" && mode != "nothing" {
			var err error
			if s, err = identity.Open(context.Background(), identity.Config{Mode: identity.Mode(mode)}); err != nil {
				t.Fatal(err)
			}
			go func() { _ = s.Run(context.Background()) }()
		}
		u := usage{RSS: rss(t)}
		if s != nil {
			u.Stats = s.Stats()
		}
		text, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(os.Stderr, "%s\n", text)
	}
}

// rss is the memory that this process has resident, without its program: how much of a file the kernel maps beside what is
// asked for varies by a megabyte.
func rss(t testing.TB) int64 {
	t.Helper()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	program := false
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if !strings.HasSuffix(fields[0], ":") { // the head of a mapping
			program = strings.HasSuffix(strings.TrimSpace(line), exe)
		} else if fields[0] == "Rss:" && !program {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += kb << 10
		}
	}
	return sum
}

// watcher starts one and returns the function that asks it.
func watcher(t testing.TB, mode identity.Mode) func(line string) usage {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatcher$")
	cmd.Env = append(os.Environ(), watcherEnv+"="+string(mode))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	answers := bufio.NewReader(out)
	return func(line string) usage {
		t.Helper()
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Fatal(err)
		}
		text, err := answers.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var u usage
		if err := json.Unmarshal(text, &u); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return u
	}
}

var (
	living = flag.Int("living", 4_000, "how many processes live at once; 20000 for the figures in docs/identity.md")
	brief  = flag.Int("brief", 40_000, "how many live for a millisecond; 200000 for those figures")
)

// TestMemory has many processes live at once and many more live for a millisecond: memory stays under its bound, and
// what was dropped on the way has been found again when it is over.
func TestMemory(t *testing.T) {
	require(t)
	if os.Getenv("VIGIL_IDENTITY_VM") != "" {
		t.Skip("needs a machine with memory for thousands of processes")
	}
	dir := tools(t)
	ask := watcher(t, identity.BPF)
	before := ask("nothing yet")
	opened := ask("open")
	t.Logf("open: %.2f MiB with %d processes", mib(opened.RSS-before.RSS), opened.Stats.Living)
	bound(t, opened.RSS-before.RSS, opened.Stats.Living)

	crowd := exec.Command(dir+"/crowd", strconv.Itoa(*living), strconv.Itoa(*brief))
	in, err := crowd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := crowd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := crowd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _, _ = io.Copy(io.Discard, out); _ = crowd.Wait() })
	say := func(what string, u usage) {
		t.Logf("%s: %.2f MiB with %d processes, %d dead, dropped %d, scans %d", what, mib(u.RSS-before.RSS),
			u.Stats.Living, u.Stats.Dead, u.Stats.DroppedRecords, u.Stats.Scans)
		bound(t, u.RSS-before.RSS, u.Stats.Living)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		say(lines.Text(), ask("more"))
		if strings.HasPrefix(lines.Text(), "done") {
			break
		}
	}
	// What was lost at the end is made good by the next scan, a second later at most; the machine's own processes come and go.
	var u usage
	for range 100 {
		if u = ask("more"); u.Stats.Living >= *living && u.Stats.Living < *living+*brief/2 {
			break
		}
		wait(100 * time.Millisecond)
	}
	say("a while after", u)
	if u.Stats.Living < *living || u.Stats.Living >= *living+*brief/2 {
		t.Errorf("%d processes are known, where %d live", u.Stats.Living, *living)
	}
	if u.Stats.DroppedRecords > 0 && u.Stats.Scans < 2 {
		t.Errorf("%d records were dropped and nothing was scanned again", u.Stats.DroppedRecords)
	}
}

func bound(t *testing.T, grown int64, living int) {
	t.Helper()
	if limit := int64(5<<20 + 300*living); grown > limit {
		t.Errorf("grown by %.2f MiB, more than %.2f MiB", mib(grown), mib(limit))
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// TestOverhead has the kernel measure what the programs add to a fork, exec and exit. It is the least of many short
// rounds: the clock goes on when a machine's host takes the processor away in the middle of a program, and whoever else
// runs empties the caches. The bound is for the machine of docs/identity.md, and grows with what a byte through a pipe
// takes, which is 1.35 µs there.
func TestOverhead(t *testing.T) {
	require(t)
	if os.Getenv("VIGIL_IDENTITY_VM") != "" {
		t.Skip("needs a processor: an emulated one is slower by a factor of twenty")
	}
	const rounds, atMost, execs, pipeThere = 20, 100, 300, 1350 * time.Nanosecond
	const bound = 1500 * time.Nanosecond
	count(t)
	dir := tools(t)
	v2, v1 := hierarchies(t)
	dirs := v1
	if v2 != "" {
		dirs = append(dirs, v2)
	}
	s := open(t, identity.Config{Mode: identity.BPF})
	limit := max(bound, bound*pipeTime(t)/pipeThere)
	least := time.Duration(math.MaxInt64)
	for round := 0; round < rounds || least > limit && round < atMost; round++ {
		before := s.Programs()
		start(t, dir, []site{{dirs: dirs}}, execs, stormUID, 0).wait()
		var sum time.Duration
		var each []string
		for i, p := range s.Programs() {
			switch p.Name {
			case "fork", "exec", "exit":
				runs, took := p.Runs-before[i].Runs, p.Time-before[i].Time
				if runs < execs {
					t.Fatalf("%s was run %d times in %d execs", p.Name, runs, execs)
				}
				sum += took / time.Duration(runs)
				each = append(each, fmt.Sprintf("%s %v", p.Name, took/time.Duration(runs)))
			}
		}
		t.Logf("%v: %s", sum, strings.Join(each, ", "))
		least = min(least, sum)
	}
	t.Logf("a fork, exec and exit %v of at most %v", least, limit)
	if least > limit {
		t.Errorf("%v are added to a fork, exec and exit, more than %v", least, limit)
	}
}

// pipeTime is how long it takes at least to write a byte into a pipe and read it again.
func pipeTime(t *testing.T) time.Duration {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	least := time.Duration(math.MaxInt64)
	var b [1]byte
	for range 100 {
		const n = 200
		began := time.Now()
		for range n {
			if _, err := unix.Write(fds[1], b[:]); err != nil {
				t.Fatal(err)
			}
			if _, err := unix.Read(fds[0], b[:]); err != nil {
				t.Fatal(err)
			}
		}
		least = min(least, time.Since(began)/n)
	}
	return least
}

// count makes the kernel measure programs while the test runs.
func count(t *testing.T) {
	t.Helper()
	const enableStats = 32                    // BPF_ENABLE_STATS, <linux/bpf.h>
	attr := struct{ kind, zero uint32 }{0, 0} // BPF_STATS_RUN_TIME
	fd, _, errno := unix.Syscall(unix.SYS_BPF, enableStats, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		t.Fatalf("have the kernel measure programs: %v", errno)
	}
	t.Cleanup(func() { _ = unix.Close(int(fd)) })
}
