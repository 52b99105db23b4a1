package rulesd

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// Host is what rules ask of a host beside names. The zero value asks this one.
type Host struct {
	// Release is the kernel's, as uname -r says it. Default: this kernel's.
	Release string
	// Features is the feature bitmap of the kernel's audit status. Default, 0:
	// whatever the release has.
	Features uint32
	// Stat looks a path up, links followed. Default: os.Stat.
	Stat func(path string) (fs.FileInfo, error)
}

func (h Host) withDefaults() Host {
	if h.Release == "" {
		var name unix.Utsname
		if unix.Uname(&name) == nil {
			h.Release = unix.ByteSliceToString(name.Release[:])
		}
	}
	if h.Stat == nil {
		h.Stat = os.Stat
	}
	return h
}

// lacks says why a rule cannot be loaded on this host now, though nothing is wrong
// with it.
func (h Host) lacks(e *Entry) (f Finding, skip bool) {
	for _, need := range e.Rule.Needs() {
		// Without a feature bit the kernel itself has the last word, at loading:
		// distributions take features into older versions.
		if need.Feature != 0 && h.Features != 0 && h.Features&need.Feature == 0 {
			return tooOld(need), true
		}
	}
	for _, field := range e.Rule.Fields {
		switch field.Field {
		case tables.FieldDir:
			if _, err := h.Stat(field.Text); err != nil {
				return missing(field.Text, err), true
			}
		case tables.FieldPath, tables.FieldExe:
			// The file itself may come later, its directory may not; in proc and
			// sysfs the kernel wants the file too.
			path := filepath.Dir(field.Text)
			if strings.HasPrefix(field.Text, "/proc/") || strings.HasPrefix(field.Text, "/sys/") {
				path = field.Text
			}
			if _, err := h.Stat(path); err != nil {
				return missing(path, err), true
			}
		}
	}
	return Finding{}, false
}

// tooOld is the finding about a rule that needs a newer kernel.
func tooOld(need rule.Need) Finding {
	return Finding{
		Problem: fmt.Sprintf("this kernel lacks %s, which came with Linux %s: the rule is left out", need.What, need.Kernel),
	}
}

func missing(path string, err error) Finding {
	if os.IsNotExist(err) {
		return Finding{Problem: path + " does not exist: the rule is left out until it does"}
	}
	return Finding{Problem: fmt.Sprintf("%v: the rule is left out", err)}
}

// older reports whether the host's kernel is older than a version.
func (h Host) older(version string) bool {
	have, want := releaseNumbers(h.Release), releaseNumbers(version)
	return have[0] < want[0] || have[0] == want[0] && have[1] < want[1]
}

// releaseNumbers reads the first two numbers of a kernel release.
func releaseNumbers(release string) [2]int {
	var numbers [2]int
	rest := release
	for i := range numbers {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		numbers[i], _ = strconv.Atoi(rest[:digits])
		rest = strings.TrimPrefix(rest[digits:], ".")
	}
	return numbers
}
