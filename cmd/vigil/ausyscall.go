package main

import (
	"fmt"
	"strconv"
	"strings"

	"vigil/audit/tables"
)

const ausyscallUsage = "usage: ausyscall [arch] name | number | --dump | --exact\n"

// syscallTable is the table that one call of ausyscall looks things up in.
type syscallTable struct {
	name    string // as ausyscall prints it
	entries []tables.Syscall
}

// runAusyscall is ausyscall: the names and numbers of system calls, and of
// io_uring's operations, which audit 4 calls the machine "uring".
func runAusyscall(stdio terminal, args []string) int {
	q, problem := parseAusyscall(args)
	if problem != "" {
		fmt.Fprintln(stdio.err, problem)
		return exitFailed
	}
	table := q.table
	if table.name == "" {
		table = machineTable(tables.Native())
	}
	switch {
	case q.dump:
		fmt.Fprintf(stdio.out, "Using %s syscall table:\n", table.name)
		for _, s := range table.entries {
			fmt.Fprintf(stdio.out, "%d\t%s\n", s.Number, s.Name)
		}
		return exitDone
	case q.named:
		return ausyscallByName(stdio, table, q)
	case q.numbered:
		for _, s := range table.entries {
			if s.Number == q.number {
				fmt.Fprintln(stdio.out, s.Name)
				return exitDone
			}
		}
		fmt.Fprintf(stdio.err, "Unknown syscall %d using %s lookup table\n", q.number, table.name)
		return exitFailed
	}
	fmt.Fprintln(stdio.err, "Error - either a syscall name or number must be given with an optional arch")
	return exitFailed
}

func ausyscallByName(stdio terminal, table syscallTable, q syscallQuery) int {
	found := false
	for _, s := range table.entries {
		switch {
		case q.exact && strings.EqualFold(s.Name, q.name):
			fmt.Fprintln(stdio.out, s.Number)
			return exitDone
		case !q.exact && strings.Contains(strings.ToLower(s.Name), strings.ToLower(q.name)):
			fmt.Fprintf(stdio.out, "%-18s %d\n", s.Name, s.Number)
			found = true
		}
	}
	if !found {
		fmt.Fprintf(stdio.err, "Unknown syscall %s using %s lookup table\n", q.name, table.name)
		return exitFailed
	}
	return exitDone
}

// A syscallQuery is what the arguments of ausyscall ask for.
type syscallQuery struct {
	table           syscallTable // zero: this machine's
	dump, exact     bool
	named, numbered bool
	name            string
	number          int
}

// parseAusyscall reads the arguments. If something is wrong with them, problem
// is what ausyscall says about it.
func parseAusyscall(args []string) (q syscallQuery, problem string) {
	switch {
	case len(args) == 0:
		return q, strings.TrimSuffix(ausyscallUsage, "\n")
	case len(args) > 3:
		return q, "Too many arguments\n" + strings.TrimSuffix(ausyscallUsage, "\n")
	}
	for _, arg := range args {
		table, gone := tableByName(arg)
		twice := ""
		switch {
		case gone != "":
			return q, gone
		case table.name != "":
			if q.table.name != "" {
				twice = "Two machine types not allowed"
			}
			q.table = table
		case arg == "--dump":
			q.dump = true
		case arg == "--exact":
			q.exact = true
		case arg != "" && arg[0] >= '0' && arg[0] <= '9':
			if q.numbered {
				twice = "Two syscall numbers not allowed"
			}
			q.number = leadingNumber(arg)
			q.numbered = q.number != -1 // too large for a long: as if nothing had been given
		default:
			if q.named {
				twice = "Two syscall names not allowed"
			}
			q.named, q.name = true, arg
		}
		if twice != "" {
			return q, twice + "\n" + strings.TrimSuffix(ausyscallUsage, "\n")
		}
	}
	return q, ""
}

// leadingNumber is the number that arg begins with, as strtol gives it to an int
// in base ten. No machine has a system call of a number that does not fit.
func leadingNumber(arg string) int {
	end := 0
	for end < len(arg) && arg[end] >= '0' && arg[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseInt(arg[:end], 10, 64) // too large: the largest
	return int(int32(n))
}

// tableByName is the table of a machine, by any name of uname -m and of the audit
// tools. gone is what is to be said of one that nobody supports any more.
func tableByName(arg string) (table syscallTable, gone string) {
	name := strings.ToLower(arg)
	switch name {
	case "b32":
		if sibling, ok := tables.Native().Compat(); ok {
			return machineTable(sibling), ""
		}
		return machineTable(tables.Native()), ""
	case "b64":
		return machineTable(tables.Native()), ""
	case "uring":
		return uringTable(), ""
	case "alpha":
		return table, "Alpha processor support is deprecated"
	case "ia64":
		return table, "IA64 processor support is deprecated"
	case "i486", "i586", "i686":
		name = "i386"
	case "armv5tejl", "armv5tel", "armv6l", "armv7l":
		name = "arm"
	case "armv8l":
		name = "aarch64"
	}
	arch, ok := tables.ArchByName(name)
	if !ok || len(tables.Syscalls(arch)) == 0 {
		return table, ""
	}
	return machineTable(arch), ""
}

func machineTable(arch tables.Arch) syscallTable {
	name := arch.String()
	if name == "arm" { // the audit tools know one table for both byte orders
		name = "armeb"
	}
	return syscallTable{name, tables.Syscalls(arch)}
}

func uringTable() syscallTable {
	t := syscallTable{name: "uring"}
	for op := 0; ; op++ {
		name, ok := tables.UringOpName(op)
		if !ok {
			return t
		}
		t.entries = append(t.entries, tables.Syscall{Number: op, Name: name})
	}
}
