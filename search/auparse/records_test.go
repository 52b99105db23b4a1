package auparse

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"
)

var recordsFile = flag.String("records", "", "another file as testdata/records.txt to compare with the tools")

// golden reads a file of what stock prints, a line each for the records of testdata/records.txt.
func golden(t *testing.T, name string, v Version) [][]byte {
	t.Helper()
	text, err := os.ReadFile(goldenPath(name, v))
	if err != nil {
		t.Fatal(err)
	}
	return splitLines(text)
}

func goldenPath(name string, v Version) string { return fmt.Sprintf("testdata/%s.%d.txt", name, 3+v) }

// TestRecords: of testdata/records.txt, AppendLine prints what ausearch -i printed, and AppendValue what libauparse
// said.
func TestRecords(t *testing.T) {
	records, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	log := stampLog(records)
	types := map[string]bool{}
	for _, line := range splitLines(log) {
		types[string(typeName(line))] = true
	}
	if len(types) < 40 {
		t.Errorf("testdata/records.txt has %d types, want at least 40", len(types))
	}
	for _, v := range []Version{V3, V4} {
		t.Run(fmt.Sprint("V", 3+v), func(t *testing.T) {
			lines, fields := golden(t, "lines", v), golden(t, "fields", v)
			for i := range lines {
				if len(lines[i]) == 0 {
					lines[i] = nil // ausearch leaves it out
				}
			}
			compare(t, newTest(t, v, TTY), log, lines, fields)
		})
	}
}

// TestOracleRecords: the tools print of testdata/records.txt what the golden files say.
func TestOracleRecords(t *testing.T) {
	records, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	log := stampLog(records)
	for _, v := range []Version{V3, V4} {
		t.Run(fmt.Sprint("V", 3+v), func(t *testing.T) {
			o := newOracle(t, v)
			for name, got := range map[string][][]byte{"lines": o.lines(t, log, TTY), "fields": o.values(t, log, TTY)} {
				if *update {
					text := append(bytes.Join(got, []byte("\n")), '\n')
					if err := os.WriteFile(goldenPath(name, v), text, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want := golden(t, name, v)
				if len(got) != len(want) {
					t.Fatalf("%d %s, want %d", len(got), name, len(want))
				}
				for i := range got {
					if !bytes.Equal(got[i], want[i]) {
						t.Errorf("stock: %s %q, want %q", name, got[i], want[i])
					}
				}
			}
		})
	}
}

// TestOracleFile compares a file that is named with -records.
func TestOracleFile(t *testing.T) {
	if *recordsFile == "" {
		t.Skip("name a file with -records")
	}
	records, err := os.ReadFile(*recordsFile)
	if err != nil {
		t.Fatal(err)
	}
	log := stampLog(records)
	for _, v := range []Version{V3, V4} {
		t.Run(fmt.Sprint("V", 3+v), func(t *testing.T) {
			o := newOracle(t, v)
			for _, e := range []Escape{TTY, Shell} {
				n := compare(t, newTest(t, v, e), log, o.lines(t, log, e), o.values(t, log, e))
				t.Logf("%d records, %d printed by ausearch", bytes.Count(log, []byte("\n")), n)
			}
		})
	}
}
