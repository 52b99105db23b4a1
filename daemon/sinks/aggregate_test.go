package sinks

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigil/daemon/config"
	"vigil/forward"
)

// TestAggregatesOfASink: whatever its form, each event of the trail is in one aggregate,
// though the sink is begun anew in the middle.
func TestAggregatesOfASink(t *testing.T) {
	const n = 3000
	for format, serials := range map[string]func(line string) string{
		"joined": func(line string) string {
			_, after, _ := strings.Cut(line, " AGGREGATE_SERIALS=")
			list, _, _ := strings.Cut(after, " ")
			return list
		},
		"ecs": func(line string) string {
			var document struct {
				Vigil struct {
					Audit struct {
						Records struct {
							Syscall []map[string]any `json:"SYSCALL"`
						} `json:"records"`
					} `json:"audit"`
				} `json:"vigil"`
			}
			if err := json.Unmarshal([]byte(line), &document); err != nil || len(document.Vigil.Audit.Records.Syscall) != 1 {
				return fmt.Sprint(err)
			}
			return fmt.Sprint(document.Vigil.Audit.Records.Syscall[0]["AGGREGATE_SERIALS"])
		},
	} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			path, out := filepath.Join(dir, "audit.log"), filepath.Join(dir, "out")
			text := execs(n)
			if err := os.WriteFile(path, execs(n/2), 0o600); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "vigil.yaml")
			sink := "sinks: [{ name: few, type: file, path: " + out + ", sync: false, format: " + format + ", aggregate: [{ filter: evt.type = execve, by: [proc.name, user.uid], max_count: 100 }] }]"
			if err := os.WriteFile(file, []byte(sink), 0o600); err != nil {
				t.Fatal(err)
			}
			c := config.Default("/etc/audit")
			if err := c.ApplyYAML(file); err != nil {
				t.Fatal(err)
			}
			for part := range uint64(2) {
				set := New(Config{
					Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return nil }},
					StateDir: filepath.Join(dir, "state"), Machine: "m", Host: "web1", Log: slog.New(slog.DiscardHandler),
				})
				set.Apply(context.Background(), c.Sinks)
				await(t, "the end of the trail", func() bool { s := set.Status()[0]; return s.Counts.Events >= (part+1)*n/2 && s.State == forward.Idle }, func() string { return fmt.Sprintf("%+v", set.Status()) })
				set.Close(time.Second)
				if err := os.WriteFile(path, text, 0o600); err != nil { // longer, and the same file
					t.Fatal(err)
				}
			}
			lines, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			seen := make(map[int]bool)
			number := 0
			for line := range strings.Lines(string(lines)) {
				number++
				for serial := range strings.SplitSeq(serials(line), ",") {
					i, err := strconv.Atoi(strings.Trim(serial, `"`))
					if err != nil || seen[i] {
						t.Fatalf("serial %q, seen %v, in %.3000s", serial, seen[i], line)
					}
					seen[i] = true
				}
			}
			if len(seen) != n || number > n/100+3 {
				t.Errorf("%d serials in %d lines", len(seen), number)
			}
		})
	}
}
