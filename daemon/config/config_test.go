package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/daemon/config"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestYAMLOverDefaults(t *testing.T) {
	file := write(t, "vigil.yaml", `
# everything is optional
node: { name: hostname }
source:
  mode: observer
trail:
  format: raw
  max_file: 64MiB
  flush: { every: 250ms }
rules:
  dirs: [/etc/audit/rules.d, /opt/rules.d]
`)
	got := config.Default("/etc/audit")
	if err := got.ApplyYAML(file); err != nil {
		t.Fatal(err)
	}
	want := config.Default("/etc/audit")
	want.Node.Name = "hostname"
	want.Source.Mode = config.Observer
	want.Trail.Format = config.Raw
	want.Trail.MaxFile = 64 << 20
	want.Trail.Flush.Every = config.Duration(250 * time.Millisecond)
	want.Rules.Dirs = []string{"/etc/audit/rules.d", "/opt/rules.d"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("configuration (-got +want):\n%s", diff)
	}
}

func TestEmptyYAMLChangesNothing(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "trail:\n"} {
		got := config.Default("/etc/audit")
		if err := got.ApplyYAML(write(t, "vigil.yaml", text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(got, config.Default("/etc/audit")); diff != "" {
			t.Errorf("%q changed the defaults (-got +want):\n%s", text, diff)
		}
	}
}

// Each mistake is one error that names the line and what would be right, and
// leaves the configuration as it was.
func TestYAMLMistakes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file := write(t, "vigil.yaml", text)
		c := config.Default("/etc/audit")
		err := c.ApplyYAML(file)
		if err == nil {
			t.Errorf("%q was taken", text)
			return
		}
		if got := strings.TrimPrefix(err.Error(), file); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
		if diff := cmp.Diff(c, config.Default("/etc/audit")); diff != "" {
			t.Errorf("%q was half applied:\n%s", text, diff)
		}
	}
	f("trial:\n  format: raw\n", `:1: unknown key "trial": did you mean "trail"? (in the file)`)
	f("trail:\n  format: raw\n  fromat: raw\n", `:3: unknown key "fromat": did you mean "format"? (in trail)`)
	f("trail:\n  xyzzy: 1\n", `:2: unknown key "xyzzy": right are path, format, write, group, max_file, files, keep_for_sinks, on_full, flush (in trail)`)
	f("trail:\n  format: enrich\n", `:2: format: unknown value "enrich": did you mean "enriched"?`)
	f("trail:\n  max_file: 8 apples\n", `:2: max_file: "8 apples" is not a size: write it like 8MiB, 512KiB or 1000000`)
	f("trail:\n  max_file: 99999999999TiB\n", `:2: max_file: "99999999999TiB" is not a size: write it like 8MiB, 512KiB or 1000000`)
	f("trail: { flush: { every: soon } }\n", `:1: every: "soon" is not a time span: write it like 5ms, 1s or 2m`)
	f("trail:\n  files: -1\n", `:2: files: "-1" is not a whole number`)
	f("trail:\n  files: [1]\n", `:2: files wants one value`)
	f("trail: raw\n", ":1: trail wants keys with values, like `mode: auto`")
	f("trail:\n  format: raw\n  format: raw\n", `:3: key "format" is written twice`)
	f("rules:\n  dirs: /etc/audit/rules.d\n", `:2: dirs wants a list, like [/etc/audit/rules.d]`)
	f("rules:\n  load: maybe\n", `:2: load: "maybe" is neither true nor false`)
	f("rules: { dirs: [rules.d] }\n", `: rules.dirs: "rules.d" is not an absolute path`)
	f("trail: { path: audit.log }\n", `: trail.path "audit.log" is not an absolute path`)
	f("source: { gather: 1s }\n", `: source.gather is 1s: at most 15ms, because a record is to be on disk within 20 ms`)
	f("node: { name: \"a b\" }\n", `: node.name "a b" has a blank in it or is empty: write none for no name`)
	f("source: {\n", ":1: not YAML: did not find expected node content")
	f("trail: &t { flush: *t }\n", `:1: unknown key "flush": right are mode, records, every (in flush)`)
}

func TestYAMLThatIsNoFile(t *testing.T) {
	c := config.Default("/etc/audit")
	if err := c.ApplyYAML(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	if err := c.ApplyYAML(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("a missing file: %v", err)
	}
}

func unwrapAll(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		if _, isPath := err.(*os.PathError); isPath {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestRenderReadsBack(t *testing.T) {
	want := config.Default("/etc/audit")
	want.Node.Name = "web:1"
	want.Rules.Dirs = append(want.Rules.Dirs, "/srv/more rules, and others")
	want.Trail.Flush.Every = config.Duration(90 * time.Second)
	for _, comments := range []bool{true, false} {
		got := config.Default("/elsewhere")
		if err := got.ApplyYAML(write(t, "vigil.yaml", want.Render(comments))); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("comments=%v (-got +want):\n%s", comments, diff)
		}
	}
}

func FuzzYAML(f *testing.F) {
	f.Add("trail:\n  format: raw\n")
	f.Add("a: &a [1]\nb: *a\n")
	f.Add(string([]byte{0xff, 0, '\n'}))
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "vigil.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := config.Default("/etc/audit")
		if err := c.ApplyYAML(file); err != nil && cmp.Diff(c, config.Default("/etc/audit")) != "" {
			t.Errorf("an error, and half applied: %v", err)
		}
	})
}
