package auparse

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// etc knows the users and groups of testdata/etc.
type etc struct{ users, groups map[uint32]string }

func (e etc) User(id uint32) (string, bool)  { name, ok := e.users[id]; return name, ok }
func (e etc) Group(id uint32) (string, bool) { name, ok := e.groups[id]; return name, ok }

// Link knows the device that every host has.
func (e etc) Link(index uint32) (string, bool) { return "lo", index == 1 }

func readEtc(t testing.TB) etc {
	t.Helper()
	read := func(path string) map[uint32]string {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		names := map[uint32]string{}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if parts := strings.Split(lines.Text(), ":"); len(parts) > 2 {
				id, err := strconv.ParseUint(parts[2], 10, 32)
				if _, known := names[uint32(id)]; err == nil && !known {
					names[uint32(id)] = parts[0]
				}
			}
		}
		return names
	}
	return etc{read("testdata/etc/passwd"), read("testdata/etc/group")}
}

func newTest(t testing.TB, v Version, e Escape) *Interpreter {
	return New(Config{Version: v, Escape: e, Names: readEtc(t), Location: time.UTC})
}

// appendFields appends a record's fields as testdata/ask.c writes them.
func appendFields(dst []byte, x *Interpreter, r *Record) []byte {
	put := func(b []byte) {
		for _, c := range b {
			if c < ' ' || c == '\\' {
				dst = append(dst, "\\x"...)
				dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	for i, f := range r.Fields {
		if i > 0 {
			dst = append(dst, '\t')
		}
		put(f.Name)
		dst = append(dst, 0x1f)
		put(f.Value)
		dst = append(dst, 0x1f)
		put(x.AppendValue(nil, r, i))
	}
	return dst
}

func splitLines(text []byte) [][]byte {
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}
