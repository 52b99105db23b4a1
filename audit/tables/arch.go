package tables

import (
	"runtime"
	"strconv"
)

// Arch is an AUDIT_ARCH_* value: an ELF machine with bits for 64-bit and little
// endian, as in the arch field of records and rules.
type Arch uint32

// Architectures, from <linux/audit.h>.
const (
	ArchX86_64      Arch = 0xc000003e
	ArchI386        Arch = 0x40000003
	ArchAArch64     Arch = 0xc00000b7
	ArchARM         Arch = 0x40000028
	ArchRISCV64     Arch = 0xc00000f3
	ArchRISCV32     Arch = 0x400000f3
	ArchPPC64LE     Arch = 0xc0000015
	ArchPPC64       Arch = 0x80000015
	ArchPPC         Arch = 0x14
	ArchS390X       Arch = 0x80000016
	ArchS390        Arch = 0x16
	ArchLoong64     Arch = 0xc0000102
	ArchLoong32     Arch = 0x40000102
	ArchMIPS        Arch = 0x8
	ArchMIPSEL      Arch = 0x40000008
	ArchMIPS64      Arch = 0x80000008
	ArchMIPSEL64    Arch = 0xc0000008
	ArchMIPS64N32   Arch = 0xa0000008
	ArchMIPSEL64N32 Arch = 0xe0000008
	ArchSPARC64     Arch = 0x8000002b
	ArchSPARC       Arch = 0x2
	ArchAlpha       Arch = 0xc0009026
	ArchIA64        Arch = 0xc0000032
	ArchPARISC64    Arch = 0x8000000f
	ArchPARISC      Arch = 0xf
	ArchM68K        Arch = 0x4
	ArchSH          Arch = 0x2a
	ArchSHEL        Arch = 0x4000002a
)

// name returns the machine's name in the audit tools, "" if it has none.
func (a Arch) name() string {
	switch a {
	case ArchX86_64:
		return "x86_64"
	case ArchI386:
		return "i386"
	case ArchAArch64:
		return "aarch64"
	case ArchARM:
		return "arm"
	case ArchRISCV64:
		return "riscv64"
	case ArchRISCV32:
		return "riscv32"
	case ArchPPC64LE:
		return "ppc64le"
	case ArchPPC64:
		return "ppc64"
	case ArchPPC:
		return "ppc"
	case ArchS390X:
		return "s390x"
	case ArchS390:
		return "s390"
	case ArchLoong64:
		return "loongarch64"
	case ArchLoong32:
		return "loongarch32"
	}
	return a.rareName()
}

// rareName names the machines that no audit tool of today is built for.
func (a Arch) rareName() string {
	switch a {
	case ArchMIPS:
		return "mips"
	case ArchMIPSEL:
		return "mipsel"
	case ArchMIPS64:
		return "mips64"
	case ArchMIPSEL64:
		return "mipsel64"
	case ArchMIPS64N32:
		return "mips64n32"
	case ArchMIPSEL64N32:
		return "mipsel64n32"
	case ArchSPARC64:
		return "sparc64"
	case ArchSPARC:
		return "sparc"
	case ArchAlpha:
		return "alpha"
	case ArchIA64:
		return "ia64"
	case ArchPARISC64:
		return "parisc64"
	case ArchPARISC:
		return "parisc"
	case ArchM68K:
		return "m68k"
	case ArchSH:
		return "sh"
	case ArchSHEL:
		return "shel"
	}
	return ""
}

// String returns the machine's name as the audit tools print it, "x86_64", or
// its number, "0xc00000bf". Only the latter allocates.
func (a Arch) String() string {
	if name := a.name(); name != "" {
		return name
	}
	return "0x" + strconv.FormatUint(uint64(a), 16)
}

// Known reports whether the architecture has a name.
func (a Arch) Known() bool { return a.name() != "" }

// ArchByName returns the architecture that String prints as name. It accepts
// the names that uname -m and the audit tools use beside them: i486 to i686
// and arm64, for example. It does not know b32 and b64: see Native.
func ArchByName(name string) (Arch, bool) {
	switch name {
	case "x86_64", "amd64":
		return ArchX86_64, true
	case "i386", "i486", "i586", "i686":
		return ArchI386, true
	case "aarch64", "arm64":
		return ArchAArch64, true
	case "arm", "armeb", "armv5tejl", "armv5tel", "armv6l", "armv7l":
		// The audit tools know one 32-bit ARM, little endian, and print "armeb"
		// for it in places.
		return ArchARM, true
	case "riscv64":
		return ArchRISCV64, true
	case "ppc64le":
		return ArchPPC64LE, true
	case "ppc64":
		return ArchPPC64, true
	case "ppc":
		return ArchPPC, true
	case "s390x":
		return ArchS390X, true
	case "s390":
		return ArchS390, true
	case "loongarch64":
		return ArchLoong64, true
	}
	for _, a := range [...]Arch{
		ArchRISCV32, ArchLoong32, ArchMIPS, ArchMIPSEL, ArchMIPS64,
		ArchMIPSEL64, ArchMIPS64N32, ArchMIPSEL64N32, ArchSPARC64, ArchSPARC,
		ArchAlpha, ArchIA64, ArchPARISC64, ArchPARISC, ArchM68K, ArchSH, ArchSHEL,
	} {
		if a.name() == name {
			return a, true
		}
	}
	return 0, false
}

// Native returns the architecture that this program was built for, 0 if the
// audit system has none for it.
func Native() Arch {
	switch runtime.GOARCH {
	case "amd64":
		return ArchX86_64
	case "386":
		return ArchI386
	case "arm64":
		return ArchAArch64
	case "arm":
		return ArchARM
	case "riscv64":
		return ArchRISCV64
	case "ppc64le":
		return ArchPPC64LE
	case "ppc64":
		return ArchPPC64
	case "s390x":
		return ArchS390X
	case "loong64":
		return ArchLoong64
	case "mips":
		return ArchMIPS
	case "mipsle":
		return ArchMIPSEL
	case "mips64":
		return ArchMIPS64
	case "mips64le":
		return ArchMIPSEL64
	}
	return 0
}

// Compat returns the 32-bit architecture whose programs a kernel of this one
// runs as well: b32 beside b64 in rules.
func (a Arch) Compat() (Arch, bool) {
	switch a {
	case ArchX86_64:
		return ArchI386, true
	case ArchAArch64:
		return ArchARM, true
	case ArchPPC64:
		return ArchPPC, true
	case ArchS390X:
		return ArchS390, true
	case ArchMIPS64:
		return ArchMIPS, true
	case ArchMIPSEL64:
		return ArchMIPSEL, true
	case ArchSPARC64:
		return ArchSPARC, true
	}
	return 0, false
}

// Is64Bit reports whether programs of the architecture are 64-bit ones. It is
// the bit __AUDIT_ARCH_64BIT of the number.
func (a Arch) Is64Bit() bool { return a&0x80000000 != 0 }
