package sinks

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigil/daemon/config"
)

// TestSampleOfASink: a quarter of the events reach the file, with all that are excepted;
// another instance with its own cursor chooses the same.
func TestSampleOfASink(t *testing.T) {
	const n = 2000
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	if err := os.WriteFile(path, execs(n), 0o600); err != nil {
		t.Fatal(err)
	}
	var outputs []string
	for instance := range 2 {
		out := filepath.Join(dir, fmt.Sprint("out", instance))
		file := filepath.Join(dir, "vigil.yaml")
		sink := "sinks: [{ name: part, type: file, path: " + out + ", sync: false, format: joined, sample: { rate: 25%, unless: proc.pid < 1100 } }]"
		if err := os.WriteFile(file, []byte(sink), 0o600); err != nil {
			t.Fatal(err)
		}
		c := config.Default("/etc/audit")
		if err := c.ApplyYAML(file); err != nil {
			t.Fatal(err)
		}
		set := New(Config{
			Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return nil }},
			StateDir: filepath.Join(dir, fmt.Sprint(instance)), Machine: "m", Host: "web1", Log: slog.New(slog.DiscardHandler),
		})
		set.Apply(context.Background(), c.Sinks)
		counts := func() (sampled, accepted uint64) {
			counts := set.Status()[0].Counts
			return counts.Sampled, counts.Accepted
		}
		await(t, "all events", func() bool { sampled, accepted := counts(); return sampled+accepted == n }, func() string { return fmt.Sprintf("%+v", set.Status()) })
		sampled, accepted := counts()
		set.Close(0)
		lines, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(lines), "\n"); uint64(got) != accepted || accepted < 475 || accepted > 675 {
			t.Errorf("%d lines, %d accepted, %d left out", got, accepted, sampled)
		}
		for pid := 1000; pid < 1100; pid++ {
			if !strings.Contains(string(lines), fmt.Sprintf(" pid=%d ", pid)) {
				t.Errorf("the event of process %d is not there, which is excepted", pid)
			}
		}
		outputs = append(outputs, string(lines))
	}
	if outputs[0] != outputs[1] {
		t.Error("two instances chose different samples")
	}
}
