package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// tables says where the system calls of an architecture come from. Little and
// big endian variants, and the 64-bit ones of PowerPC, share a table.
var tables = []struct {
	name    string // of the generated variable
	unix    string // suffix of x/sys's zsysnum_linux_*.go, "" for none
	auparse string // key of auparse.AuditSyscalls, "" for none
}{
	{"aarch64Calls", "arm64", "aarch64"},
	{"armCalls", "arm", "arm"},
	{"i386Calls", "386", "i386"},
	{"loong64Calls", "loong64", ""},
	{"mips64Calls", "mips64", ""},
	{"mipsCalls", "mips", ""},
	{"ppc64Calls", "ppc64", "ppc"},
	{"ppcCalls", "ppc", "ppc"},
	{"riscv64Calls", "riscv64", ""},
	{"s390Calls", "", "s390"},
	{"s390xCalls", "s390x", "s390x"},
	{"sparc64Calls", "sparc64", ""},
	{"x86_64Calls", "amd64", "x86_64"},
}

// notCalls are constants of the headers that start with __NR_ and are no calls.
var notCalls = map[string]bool{"arch_specific_syscall": true, "syscall_mask": true}

// preferred settles what auparse has from a number that stands twice in the
// audit tools' table, where they print the other one.
var preferred = map[string]map[int]string{
	"i386": {219: "madvise"},
}

// call is one name of a system call.
type call struct {
	number int
	name   string
}

// callTable holds an architecture's calls: one printed name for each number,
// and further accepted names.
type callTable struct {
	printed map[int]string
	aliases []call
}

func (t *callTable) add(number int, name string) {
	switch have, ok := t.printed[number]; {
	case !ok:
		t.printed[number] = name
	case have != name:
		t.aliases = append(t.aliases, call{number, name})
	}
}

// dropAmbiguous removes aliases that name another call as well: on PowerPC the
// audit tools know call 82 as "select", the kernel's headers call 142 so.
func (t *callTable) dropAmbiguous() {
	printed := make(map[string]bool)
	for _, name := range t.printed {
		printed[name] = true
	}
	t.aliases = slices.DeleteFunc(t.aliases, func(c call) bool { return printed[c.name] })
}

func readCalls(in *inputs, unix, key string) (*callTable, error) {
	t := &callTable{printed: make(map[int]string)}
	for number, name := range preferred[key] {
		t.add(number, name)
	}
	if key != "" {
		from, ok := auparse.AuditSyscalls[key]
		if !ok {
			return nil, fmt.Errorf("no system calls for %q", key)
		}
		for number, name := range from {
			t.add(number, name)
		}
	}
	if unix != "" {
		from, err := in.constants("zsysnum_linux_"+unix+".go", "SYS_", "")
		if err != nil {
			return nil, err
		}
		for name, number := range from {
			if name = strings.ToLower(name); !notCalls[name] {
				t.add(int(number), name)
			}
		}
	}
	t.dropAmbiguous()
	return t, nil
}

func buildSyscalls(in *inputs) ([]byte, error) {
	read := make([]*callTable, len(tables))
	var all []string
	for i, src := range tables {
		t, err := readCalls(in, src.unix, src.auparse)
		if err != nil {
			return nil, err
		}
		read[i] = t
		for _, name := range t.printed {
			all = append(all, name)
		}
		for _, c := range t.aliases {
			all = append(all, c.name)
		}
	}
	set := newNames(all)

	var b bytes.Buffer
	b.WriteString(header)
	set.emit(&b, "callNames", "holds every name of a system call on any architecture.")
	for i, t := range read {
		emitCalls(&b, tables[i].name, t, set)
	}
	return finish(&b)
}

// emitCalls declares the callTable of one architecture.
func emitCalls(b *bytes.Buffer, name string, t *callTable, set *names) {
	first, last := 1<<30, 0
	var byName []call
	for number, name := range t.printed {
		first, last = min(first, number), max(last, number)
		byName = append(byName, call{number, name})
	}
	index := make([]int, last-first+1)
	for number, name := range t.printed {
		index[number-first] = set.id(name) + 1
	}
	byName = append(byName, t.aliases...)
	slices.SortFunc(byName, func(a, b call) int {
		if d := strings.Compare(a.name, b.name); d != 0 {
			return d
		}
		return a.number - b.number
	})
	// A name that two numbers share (PowerPC's fadvise64_64 variants) means the
	// lower one.
	byName = slices.CompactFunc(byName, func(a, b call) bool { return a.name == b.name })
	ids, numbers := make([]int, len(byName)), make([]int, len(byName))
	for i, c := range byName {
		ids[i], numbers[i] = set.id(c.name), c.number
	}
	fmt.Fprintf(b, "\nvar %s = callTable{\n\tfirst: %d,\n\tindex: []uint16{\n", name, first)
	emitInts(b, index)
	b.WriteString("\t},\n\tids: []uint16{\n")
	emitInts(b, ids)
	b.WriteString("\t},\n\tnumbers: []uint16{\n")
	emitInts(b, numbers)
	b.WriteString("\t},\n}\n")
}
