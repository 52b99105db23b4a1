package aulog

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// LogName is the name of the log in a directory that is given as input.
const LogName = "audit.log"

// Rotated returns a log with its rotated files, the oldest first: log.2, log.1,
// log, up to the first number that is missing or may not be read. The log itself
// is always there, so that opening it says what is wrong.
func Rotated(log string) []string {
	n := 0
	for unix.Access(log+suffix(n), unix.R_OK) == nil {
		n++
	}
	files := make([]string, 0, max(n, 1))
	for n--; n > 0; n-- {
		files = append(files, log+suffix(n))
	}
	return append(files, log)
}

func suffix(n int) string {
	if n == 0 {
		return ""
	}
	return "." + strconv.Itoa(n)
}

// Choice is what decides about the input of ausearch and aureport.
type Choice struct {
	Path      string   // -if: a file, or a directory that has an audit.log; "" if not given
	InputLogs bool     // --input-logs: standard input is not looked at
	Stdin     *os.File // nil: there is none
	LogFile   string   // log_file of auditd.conf
}

// Input is what is to be read: Files, or Stdin if there are none.
type Input struct {
	Files []string
	Stdin *os.File
	// Note is what stock says on standard error about its choice, without newline;
	// "" if nothing.
	Note string
}

// Locate chooses the input as stock does: the path that was given, else standard
// input if it is a FIFO (not a file, not a terminal, not /dev/null), else
// auditd's log. A path that is a directory stands for the audit.log in it with
// its rotated files; a file stands for itself alone. The error is that of
// stat(2).
func Locate(c Choice) (Input, error) {
	if c.Path != "" {
		info, err := os.Stat(c.Path)
		if err != nil {
			return Input{}, fmt.Errorf("find logs: %w", err)
		}
		if !info.IsDir() {
			return Input{Files: []string{c.Path}}, nil
		}
		log := filepath.Clean(c.Path) + "/" + LogName
		return Input{Files: Rotated(log), Note: "NOTE - using logs in " + log}, nil
	}
	if !c.InputLogs && c.Stdin != nil {
		if info, err := c.Stdin.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
			return Input{Stdin: c.Stdin}, nil
		}
	}
	return Input{Files: Rotated(c.LogFile)}, nil
}
