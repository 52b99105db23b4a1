package auditctl

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hasAuditControl reports whether CAP_AUDIT_CONTROL is in this process's effective
// set, by the CapEff line of its status in proc(5).
func hasAuditControl() bool {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return os.Geteuid() == 0
	}
	for line := range strings.Lines(string(text)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			return err == nil && bits&(1<<unix.CAP_AUDIT_CONTROL) != 0
		}
	}
	return false
}
