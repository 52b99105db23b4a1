package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vigil/tests/rig"
)

// TestOnDiskWithin20ms sends messages one at a time, some apart and some in rows, and watches the file for each.
func TestOnDiskWithin20ms(t *testing.T) {
	engine(t)
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "d")})
	live, err := os.Open(d.Log())
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	// A machine that does something else at the time makes everything late, so one quiet round of five is enough.
	var most time.Duration
	for round := range 5 {
		times := latencies(t, live, fmt.Sprintf("latency %d", round))
		most = times[len(times)*95/100]
		t.Logf("on disk after: median %v, 95 of 100 %v, worst %v", times[len(times)/2], most, times[len(times)-1])
		if most <= 20*time.Millisecond {
			return
		}
	}
	t.Errorf("5 of 100 records take %v or more to be on disk, want all within 20ms", most)
}

// latencies sends 100 messages, one after the other, and returns how long each took to be in the file, sorted.
func latencies(t *testing.T, live *os.File, text string) []time.Duration {
	t.Helper()
	var times []time.Duration
	at := size(t, live.Name())
	buf := make([]byte, 64<<10)
	for i := range 100 {
		if i%4 == 0 {
			wait(t, 25*time.Millisecond) // this one comes after a while of nothing
		}
		mark := fmt.Appendf(nil, "%s.%d.", text, i)
		start := time.Now()
		send(t, 1005, string(mark))
		for found := false; !found; {
			n, _ := live.ReadAt(buf, at) // io.EOF is what is expected here
			if end := bytes.Index(buf[:n], mark); end >= 0 {
				at, found = at+int64(end), true
			} else if n == len(buf) { // what else happens on the machine comes before it
				at += int64(n - len(mark))
			}
			if time.Since(start) > 5*time.Second {
				t.Fatalf("message %s is not in the trail after 5 s", mark)
			}
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times
}

// TestVerifyNamesTheDamage flips one byte, and cuts and adds lines.
func TestVerifyNamesTheDamage(t *testing.T) {
	engine(t)
	opens := storm("open", 6000)
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "d"), Rules: []string{opens.Rule()},
		Conf: map[string]string{"max_log_file": "1", "num_logs": "9"}})
	brew(t, opens)
	quiet(t, d)
	stop(t, d)
	segments := rig.Segments(d.Log())
	if len(segments) < 4 {
		t.Fatalf("the trail has %d segments, want 4 or more", len(segments))
	}
	if out, stderr, code := vigil(t, "trail", "verify", "--trail", d.Log()); code != 0 {
		t.Fatalf("verify of the sound trail: exit %d: %s%s", code, out, stderr)
	}
	if out, stderr, code := vigil(t, "trail", "stat", "--trail", d.Log()); code != 0 || !strings.Contains(out, filepath.Base(segments[0])) {
		t.Errorf("stat: exit %d: %s%s", code, out, stderr)
	}
	sound := read(t, segments[1])
	middle := len(sound) / 2
	line := bytes.LastIndexByte(sound[:middle], '\n') + 1
	next := middle + bytes.IndexByte(sound[middle:], '\n') + 1
	damages := map[string][]byte{
		"a byte flipped": slices.Concat(sound[:middle], []byte{sound[middle] ^ 1}, sound[middle+1:]),
		"a line cut out": slices.Concat(sound[:line], sound[next:]),
		"a line added":   slices.Concat(sound[:line], sound[line:next], sound[line:]),
	}
	for name, damaged := range damages {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { rewrite(t, segments[1], sound) })
			rewrite(t, segments[1], damaged)
			out, stderr, code := vigil(t, "trail", "verify", "--trail", d.Log())
			if code != 1 || !strings.Contains(out+stderr, filepath.Base(segments[1])) {
				t.Errorf("exit %d, want 1 and the name of %s: %s%s", code, segments[1], out, stderr)
			}
		})
	}
	t.Run("a segment removed", func(t *testing.T) {
		if err := os.Rename(segments[1], segments[1]+".away"); err != nil {
			t.Fatal(err)
		}
		if out, stderr, code := vigil(t, "trail", "verify", "--trail", d.Log()); code != 1 {
			t.Errorf("exit %d, want 1: %s%s", code, out, stderr)
		}
	})
}

func rewrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStatusAgrees compares what the running daemon says of itself with what is in its trail.
func TestStatusAgrees(t *testing.T) {
	engine(t)
	opens, execs := storm("open", 20000), storm("exec", 2000)
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "d"), Rules: []string{opens.Rule(), execs.Rule()}})
	runDir := filepath.Join(d.Dir, "run")
	brew(t, opens, execs)
	quiet(t, d)
	out, stderr, code := vigil(t, "status", "--json", "--run-dir", runDir)
	if code != 0 {
		t.Fatalf("status --json: exit %d: %s", code, stderr)
	}
	lines := 0
	if err := rig.Scan(d.Log(), func(rig.Line) error { lines++; return nil }); err != nil {
		t.Fatal(err)
	}
	var status map[string]any
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("status --json: %v: %s", err, out)
	}
	t.Logf("status --json: %s", out)
	got := flatten("", status)
	for name, want := range map[string]float64{"written": float64(lines), "lost": 0, "gaps": 0, "enobufs": 0, "dropped": 0, "pid": float64(d.PID())} {
		if value, ok := leaf(got, name); !ok || value != want {
			t.Errorf("status: %s is %v (%v), want %v", name, value, ok, want)
		}
	}
	if human, _, code := vigil(t, "status", "--run-dir", runDir); code != 0 || !strings.Contains(human, fmt.Sprint(lines)) {
		t.Errorf("status: exit %d, want %d records named: %s", code, lines, human)
	}
	stop(t, d)
	if _, stderr, code := vigil(t, "status", "--run-dir", runDir); code != 1 || !strings.HasPrefix(stderr, "vigil: ") {
		t.Errorf("status of nothing that runs: exit %d, want 1: %s", code, stderr)
	}
	accounts(t, d.Log()).complete(t)
}

// flatten makes one map of a JSON object's numbers, keys joined by dots.
func flatten(prefix string, object map[string]any) map[string]float64 {
	out := map[string]float64{}
	for key, value := range object {
		switch value := value.(type) {
		case float64:
			out[prefix+key] = value
		case map[string]any:
			for inner, number := range flatten(prefix+key+".", value) {
				out[inner] = number
			}
		}
	}
	return out
}

// leaf finds the number whose last key is name, the nearest to the top.
func leaf(flat map[string]float64, name string) (float64, bool) {
	best, found := "", false
	for key := range flat {
		if (key == name || strings.HasSuffix(key, "."+name)) && (!found || len(key) < len(best)) {
			best, found = key, true
		}
	}
	return flat[best], found
}
