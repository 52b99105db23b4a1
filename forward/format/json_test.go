package format_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/forward/format"
)

var update = flag.Bool("update", false, "write the golden files again")

// attributed is a log of ours whose records bear attribution, some of it hostile.
const attributed = "../../forward/format/testdata/attributed.log"

// events returns the events of a log of package audit's.
func events(t testing.TB, name string) []*audit.Event {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../audit/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return assemble(t, b)
}

func assemble(t testing.TB, log []byte) []*audit.Event {
	t.Helper()
	var list []*audit.Event
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) { list = append(list, e.Clone()) })
	for line := range bytes.Lines(log) {
		r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			t.Fatalf("ParseLine(%q): %v", line, err)
		}
		a.Push(r, r.ID.Time())
	}
	a.Flush()
	return list
}

type names struct{}

func (names) User(uid uint32) (string, bool) {
	name, ok := map[uint32]string{0: "root", 1000: "alice", 4343: "vuser"}[uid]
	return name, ok
}

func (names) Group(gid uint32) (string, bool) {
	name, ok := map[uint32]string{0: "root", 42: "shadow", 4343: "vgrp"}[gid]
	return name, ok
}

// golden compares what an encoder makes of a log with a file.
func golden(t *testing.T, enc format.Encoder, log, name string, pretty func([]byte) []byte) {
	t.Helper()
	var got []byte
	for _, e := range events(t, log) {
		got = append(got, pretty(enc.Append(nil, e))...)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(string(want), "\n")); diff != "" {
		t.Errorf("%s (refresh with -update): (-got +want)\n%s", name, diff)
	}
}

func asIs(b []byte) []byte { return b }

// indent makes JSON readable, one level at a time: what is below an event's groups
// stays in one line.
func indent(line []byte) []byte {
	var groups map[string]json.RawMessage
	if err := json.Unmarshal(line, &groups); err != nil {
		return append([]byte("INVALID "+err.Error()+": "), line...)
	}
	var out bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.Token()
	for dec.More() {
		key, _ := dec.Token()
		var v json.RawMessage
		dec.Decode(&v)
		out.WriteString(key.(string) + " " + string(v) + "\n")
	}
	out.WriteString("\n")
	return out.Bytes()
}

func TestJSONGolden(t *testing.T) {
	enc := format.NewJSON(format.JSONConfig{Host: "example", Names: names{}})
	golden(t, enc, "real.log", "real.ecs", indent)
	golden(t, enc, "other.log", "other.ecs", indent)
	golden(t, enc, attributed, "attributed.ecs", indent)
}

// Every field of every record is in the object of its record.
func TestJSONLosesNothing(t *testing.T) {
	type object struct {
		fields map[string]any
		again  []any
	}
	has := func(o object, fd audit.Field) bool {
		text := strings.ToValidUTF8(string(fd.Text(nil)), "?")
		switch v := o.fields[string(fd.Name)].(type) {
		case string:
			if strings.HasPrefix(v, text) || strings.Contains(v, "\\x") {
				return true
			}
		case nil:
			if _, ok := o.fields[string(fd.Name)]; ok && fd.IsNull() {
				return true
			}
		}
		for _, a := range o.again {
			if a == string(fd.Name)+"="+text {
				return true
			}
		}
		return false
	}
	open := func(v any) object {
		m, _ := v.(map[string]any)
		again, _ := m["again"].([]any)
		return object{m, again}
	}
	enc := format.NewJSON(format.JSONConfig{})
	checked := 0
	for _, log := range []string{"real.log", "other.log", "long.log", attributed} {
		for _, e := range events(t, log) {
			var got struct {
				Process struct{ Args []string }
				Vigil   struct {
					Audit struct{ Records map[string][]any }
				}
			}
			if err := json.Unmarshal(enc.Append(nil, e), &got); err != nil {
				t.Fatal(err)
			}
			if argv := e.Argv(); len(argv) != len(got.Process.Args) {
				t.Errorf("%v: %d arguments, want %d", e.ID, len(got.Process.Args), len(argv))
			}
			nth := map[string]int{}
			for _, r := range e.Records {
				list := got.Vigil.Audit.Records[r.Type.String()]
				if nth[r.Type.String()] >= len(list) {
					t.Fatalf("%v: %d %v records, want more", e.ID, len(list), r.Type)
				}
				outer := open(list[nth[r.Type.String()]])
				nth[r.Type.String()]++
				inner := open(outer.fields["msg"])
				for _, fs := range []audit.Fields{r.Fields(), r.Extra()} {
					for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
						o := outer
						if fd.FromProgram() {
							o = inner
						}
						isArg := r.Type == tables.TypeExecve && fd.Name[0] == 'a' && string(fd.Name) != "argc"
						if checked++; !isArg && !has(o, fd) {
							t.Errorf("%v %v: no %s=%s in %v", e.ID, r.Type, fd.Name, fd.Value, o.fields)
						}
					}
				}
			}
		}
	}
	if checked < 5000 {
		t.Errorf("%d fields checked", checked)
	}
}
