package sinks

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/daemon/config"
)

// TestRedacted: what a sink sends has no secrets, in no form of theirs; the trail has
// them still.
func TestRedacted(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	const stamp = " msg=audit(1700000000.123:456): "
	trail := "type=EXECVE" + stamp + "argc=3 a0=\"curl\" a1=\"-u\" a2=\"bob:hunter2\"\ntype=PROCTITLE" + stamp + "proctitle=6375726C002D7500626F623A68756E74657232\n"
	if err := os.WriteFile(log, []byte(trail), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ format, redact, want string }{
		{"raw", `rules: [{ name: users, regex: '-u \S+:(\S+)' }]`, `a2="bob:*******"`},
		{"ecs", `rules: [{ name: users, regex: '-u \S+:(\S+)' }]`, `bob:*******`},
		{"auoms", `rules: [{ name: users, regex: '-u \S+:(\S+)' }]`, `cmdline="curl -u bob:*******" redactors=users`},
		{"auoms", `dir: /nowhere/redact.d`, `Entire cmdline redacted due to missing`},
	} {
		out := filepath.Join(t.TempDir(), "out")
		file := filepath.Join(dir, "vigil.yaml")
		text := "sinks: [{ name: f, type: file, path: " + out + ", format: " + c.format + ", redact: { " + c.redact + " } }]"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		settings := config.Default("/etc/audit")
		if err := settings.ApplyYAML(file); err != nil {
			t.Fatal(err)
		}
		set := New(Config{
			Trail:    Trail{Path: log, Changed: func() <-chan struct{} { return nil }},
			StateDir: t.TempDir(), Host: "web1", Log: slog.New(slog.DiscardHandler),
		})
		set.Apply(context.Background(), settings.Sinks)
		var got []byte
		await(t, "the event", func() bool {
			got, _ = os.ReadFile(out)
			return strings.Contains(string(got), c.want)
		}, func() string { return string(got) })
		if st := set.Status()[0]; st.Redacted != 1 || (st.Redaction != "") != strings.HasPrefix(c.redact, "dir") {
			t.Errorf("%s: status %d, %q", c.format, st.Redacted, st.Redaction)
		}
		set.Close(time.Minute)
		if strings.Contains(string(got), "hunter2") || strings.Contains(string(got), "68756E74657232") {
			t.Errorf("%s: the secret is in %s", c.format, got)
		}
	}
}
