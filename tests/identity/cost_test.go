package identity

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

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

func rss(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
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

// TestMemory has 20,000 processes live at once and 200,000 live for a millisecond.
func TestMemory(t *testing.T) {
	require(t)
	if testing.Short() || os.Getenv("VIGIL_IDENTITY_VM") != "" {
		t.Skip("needs a machine with memory for 20,000 processes")
	}
	dir := tools(t)
	const live, brief = 20_000, 200_000
	ask := watcher(t, identity.BPF)
	before := ask("nothing yet")
	opened := ask("open")
	t.Logf("open: %.2f MiB with %d processes", mib(opened.RSS-before.RSS), opened.Stats.Living)
	bound(t, opened.RSS-before.RSS, opened.Stats.Living)

	crowd := exec.Command(dir+"/crowd", strconv.Itoa(live), strconv.Itoa(brief))
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
	for lines := bufio.NewScanner(out); lines.Scan(); {
		u := ask("more")
		t.Logf("%s: %.2f MiB with %d processes, %d dead, dropped %d, scans %d", lines.Text(), mib(u.RSS-before.RSS),
			u.Stats.Living, u.Stats.Dead, u.Stats.DroppedRecords, u.Stats.Scans)
		bound(t, u.RSS-before.RSS, u.Stats.Living)
		if u.Stats.Living < live {
			t.Errorf("%d processes are known, of %d at least", u.Stats.Living, live)
		}
		if strings.HasPrefix(lines.Text(), "done") {
			break
		}
	}
}

func bound(t *testing.T, grown int64, living int) {
	t.Helper()
	if limit := int64(5<<20 + 300*living); grown > limit {
		t.Errorf("grown by %.2f MiB, more than %.2f MiB", mib(grown), mib(limit))
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// TestOverhead compares what a fork, exec and exit cost with and without the programs, turn by turn.
func TestOverhead(t *testing.T) {
	require(t)
	if testing.Short() || os.Getenv("VIGIL_IDENTITY_VM") != "" {
		t.Skip("needs a quiet machine")
	}
	dir := tools(t)
	v2, _ := hierarchies(t)
	list := []site{{dirs: []string{v2}}}
	const n = 10_000
	run := func() float64 {
		took := start(t, dir, list, n, stormUID, 0).wait()
		return float64(took.Nanoseconds()) / n
	}
	run()
	var without, with []float64
	for range 5 {
		without = append(without, run())
		s, err := identity.Open(t.Context(), identity.Config{Mode: identity.BPF})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		with = append(with, run())
		cancel()
		<-done
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("ns per fork, exec and exit: without %.0f, with %.0f: medians %.0f and %.0f, ratio %.3f", without, with,
		median(without), median(with), median(with)/median(without))
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
