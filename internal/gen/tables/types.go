package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// Record types lie between AUDIT_GET and AUDIT_LAST_USER_MSG2.
const (
	firstType = 1000
	lastType  = 2999
)

// ownTypes are Vigil's records. Their numbers are at the end of the range that
// the kernel leaves to user space, where no audit tool has any.
var ownTypes = map[string]int{
	"LEDGER":    2900,
	"CONTAINER": 2901,
}

// words spells the parts of a type's name in Go where plain capitalisation
// would not do.
var words = map[string]string{
	"ADDSA": "AddSA", "ADDSPD": "AddSPD", "ADJNTPVAL": "AdjNTPVal", "AMTU": "AMTU",
	"APPARMOR": "AppArmor", "AVC": "AVC", "BPF": "BPF", "BPRM": "BPRM", "CALIPSO": "CALIPSO",
	"CIPSOV4": "CIPSOv4", "CWD": "CWD", "DAC": "DAC", "DELSA": "DelSA", "DELSPD": "DelSPD",
	"DM": "DM", "EOE": "EOE", "EVM": "EVM", "FD": "FD", "FS": "FS", "ID": "ID", "IKE": "IKE",
	"INJOFFSET": "InjOffset", "IPC": "IPC", "IPE": "IPE", "IPSEC": "IPsec", "LOGINUID": "LoginUID",
	"MAC": "MAC", "MQ": "MQ", "PCR": "PCR", "PID": "PID", "RBAC": "RBAC", "SA": "SA",
	"SEBOOL": "SEBool", "SELINUX": "SELinux", "STCADD": "StcAdd", "STCDEL": "StcDel", "TTY": "TTY",
	"URINGOP": "UringOp",
}

// goName turns USER_LOGIN into TypeUserLogin.
func goName(name string) string {
	out := "Type"
	for word := range strings.SplitSeq(name, "_") {
		if w, ok := words[word]; ok {
			out += w
			continue
		}
		out += word[:1] + strings.ToLower(word[1:])
	}
	return out
}

// isMarker reports whether a constant bounds a range of types and is none.
func isMarker(name string) bool {
	return strings.Contains(name, "FIRST_") || strings.Contains(name, "LAST_")
}

// typeNames returns the number of every record type by its printed name.
func typeNames(in *inputs) (map[string]int, error) {
	byName := make(map[string]int)
	byNumber := make(map[int]string)
	for n := firstType; n <= lastType; n++ {
		name := auparse.AuditMessageType(n).String()
		if strings.HasPrefix(name, "UNKNOWN[") || isMarker(name) {
			continue
		}
		byName[name], byNumber[n] = n, name
	}
	kernel := slices.Sorted(maps.Keys(in.audit))
	for _, name := range kernel {
		n := int(in.audit[name])
		if n < firstType || n > lastType || isMarker(name) {
			continue
		}
		have, ok := byNumber[n]
		if ok && have != name {
			return nil, fmt.Errorf("type %d has two names: %s and %s", n, have, name)
		}
		byName[name], byNumber[n] = n, name
	}
	for name, n := range ownTypes {
		if have, ok := byNumber[n]; ok {
			return nil, fmt.Errorf("type %d is taken by %s", n, have)
		}
		byName[name] = n
	}
	return byName, nil
}

func buildTypes(in *inputs) ([]byte, error) {
	byName, err := typeNames(in)
	if err != nil {
		return nil, err
	}
	list := slices.SortedFunc(maps.Keys(byName), func(a, b string) int { return byName[a] - byName[b] })
	set := newNames(list)
	if len(set.sorted) > 255 {
		return nil, fmt.Errorf("%d types do not fit an index of bytes", len(set.sorted))
	}

	var b bytes.Buffer
	b.WriteString(header)
	b.WriteString("\n// Record types. The number is the wire's, the name the log's.\nconst (\n")
	for _, name := range list {
		fmt.Fprintf(&b, "\t%s Type = %d // %s\n", goName(name), byName[name], name)
	}
	b.WriteString(")\n")

	set.emit(&b, "typeNames", "holds the printed name of every type.")
	numbers := make([]int, len(set.sorted))
	index := make([]int, lastType-firstType+1)
	for i, name := range set.sorted {
		numbers[i] = byName[name]
		index[byName[name]-firstType] = i + 1
	}
	b.WriteString("\n// typeNumbers is parallel to typeNames.\nvar typeNumbers = [...]Type{\n")
	emitInts(&b, numbers)
	b.WriteString("}\n\n// typeIndex is, for each number from firstType on, one more than its place in\n// typeNames, or 0.\nvar typeIndex = [...]uint8{\n")
	emitInts(&b, index)
	b.WriteString("}\n")
	return finish(&b)
}
