package tables

// Syscall is a system call of one architecture.
type Syscall struct {
	Number int
	Name   string
}

// callTable holds the system calls of one architecture. All its names are in
// callNames.
type callTable struct {
	first   int      // the number that index starts with
	index   []uint16 // for each number, one more than the place of its name, or 0
	ids     []uint16 // places of all accepted names, sorted
	numbers []uint16 // parallel to ids
}

// calls returns the architecture's table, nil if there is none.
func (a Arch) calls() *callTable {
	switch a {
	case ArchX86_64:
		return &x86_64Calls
	case ArchI386:
		return &i386Calls
	case ArchAArch64:
		return &aarch64Calls
	case ArchARM:
		return &armCalls
	case ArchRISCV64:
		return &riscv64Calls
	case ArchLoong64:
		return &loong64Calls
	case ArchPPC64LE, ArchPPC64:
		return &ppc64Calls
	case ArchPPC:
		return &ppcCalls
	case ArchS390X:
		return &s390xCalls
	case ArchS390:
		return &s390Calls
	case ArchMIPS, ArchMIPSEL:
		return &mipsCalls
	case ArchMIPS64, ArchMIPSEL64:
		return &mips64Calls
	case ArchSPARC64:
		return &sparc64Calls
	}
	return nil
}

// SyscallName returns the name that the audit tools print for a system call,
// the kernel's if they know none.
func SyscallName(a Arch, nr int) (string, bool) {
	t := a.calls()
	if t == nil || nr < t.first || nr-t.first >= len(t.index) {
		return "", false
	}
	i := t.index[nr-t.first]
	if i == 0 {
		return "", false
	}
	return callNames.at(int(i) - 1), true
}

// SyscallNumber returns the number of a system call by the audit tools' name or
// the kernel's: "pread" and "pread64" are both 17 on x86_64.
func SyscallNumber(a Arch, name string) (int, bool) {
	t := a.calls()
	if t == nil {
		return 0, false
	}
	id, ok := callNames.find(name)
	if !ok {
		return 0, false
	}
	low, high := 0, len(t.ids)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch at := int(t.ids[mid]); {
		case at == id:
			return int(t.numbers[mid]), true
		case at < id:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0, false
}

// Syscalls returns the architecture's system calls in the order of their
// numbers, each with the name that SyscallName gives; nil if there is no table.
// The slice is the caller's.
func Syscalls(a Arch) []Syscall {
	t := a.calls()
	if t == nil {
		return nil
	}
	list := make([]Syscall, 0, len(t.index))
	for i, at := range t.index {
		if at != 0 {
			list = append(list, Syscall{Number: i + t.first, Name: callNames.at(int(at) - 1)})
		}
	}
	return list
}
