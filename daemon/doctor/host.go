package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// initPIDNamespace is the inode number of the initial pid namespace
// (include/linux/proc_ns.h, PROC_PID_INIT_INO).
const initPIDNamespace = "4026531836"

// effective reads the set of effective capabilities.
func effective(statusFile string) (uint64, error) {
	text, err := os.ReadFile(statusFile)
	if err != nil {
		return 0, fmt.Errorf("read capabilities: %w", err)
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("CapEff:")); ok {
			return strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
		}
	}
	return 0, errors.New("read capabilities: no CapEff in " + statusFile)
}

// initialUsers says whether ids are mapped one to one, as only the initial user
// namespace has them (user_namespaces(7)).
func initialUsers(mapFile string) bool {
	text, err := os.ReadFile(mapFile)
	return err != nil || strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295"
}

// initial says whether this process is in the namespace with that inode.
func initial(proc, kind, inode string) bool {
	link, err := os.Readlink(filepath.Join(proc, "self/ns", kind))
	return err != nil || link == kind+":["+inode+"]"
}

// sameNetwork says whether this process shares the network of process 1. It
// does as far as is known if that may not be read.
func sameNetwork(proc string) bool {
	own, err := os.Readlink(filepath.Join(proc, "self/ns/net"))
	first, err1 := os.Readlink(filepath.Join(proc, "1/ns/net"))
	return err != nil || err1 != nil || own == first
}

func readWord(file string) (string, error) {
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

// bootLine looks for audit= on the kernel's command line.
func (h Host) bootLine() Finding {
	line, err := readWord(filepath.Join(h.Proc, "cmdline"))
	f := Finding{Check: "boot parameters", Verdict: OK, Found: "audit=1: events before vigil starts are kept"}
	switch words := strings.Fields(line); {
	case err != nil:
		f.Verdict, f.Found = Warn, err.Error()
	case has(words, "audit=0", "audit=off"):
		f.Verdict, f.Found = Fail, "audit=0"
		f.Advice = "take audit=0 off the kernel's command line"
	case !has(words, "audit=1", "audit=on"):
		f.Found = "no audit=1"
		f.Advice = "with audit=1, events before vigil starts are kept, and processes older than it are audited too"
	}
	return f
}

func has(words []string, wanted ...string) bool {
	for _, w := range words {
		for _, a := range wanted {
			if w == a {
				return true
			}
		}
	}
	return false
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// lowSpace is when a full disk is near: auditd's space_left of 75 MiB.
const lowSpace = 75 << 20

// trail looks at the place where the trail is, or will be.
func (h Host) trail() Finding {
	dir := filepath.Dir(h.Trail)
	f := Finding{Check: "trail", Verdict: OK}
	var stat unix.Statfs_t
	place := dir
	err := unix.Statfs(place, &stat)
	for errors.Is(err, fs.ErrNotExist) && place != "/" { // made when vigil runs
		place = filepath.Dir(place)
		err = unix.Statfs(place, &stat)
	}
	switch {
	case err != nil:
		f.Verdict, f.Found = Fail, fmt.Sprintf("%s: %s", dir, err)
		f.Advice = "see that the directory can be made and read"
		return f
	case !isDirectory(place):
		f.Verdict, f.Found = Fail, place+" is not a directory"
		f.Advice = "move it away, or choose another place with --trail"
		return f
	case unix.Access(place, unix.W_OK) != nil:
		f.Verdict, f.Found = Fail, place+" may not be written"
		f.Advice = "run as root, or choose another place with --trail"
		return f
	}
	free := stat.Bavail * uint64(stat.Bsize)
	f.Found = fmt.Sprintf("%s, %d MiB free", h.Trail, free>>20)
	if free < lowSpace {
		f.Verdict = Warn
		f.Advice = "make room: when the disk is full, records are counted and lost"
	}
	return f
}
