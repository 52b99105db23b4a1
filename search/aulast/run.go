package aulast

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

// ExtractName is the file in the working directory that --extract writes.
const ExtractName = "aulast.log"

// Deps is what aulast and aulastlog need of the host.
type Deps struct {
	Stdin    io.Reader
	Out, Err io.Writer
	LogFile  string                    // log_file of auditd.conf
	Names    auparse.Names             // of users
	Accounts func() ([]Account, error) // aulastlog's list of users
	Now      time.Time
	Location *time.Location // nil: the host's
}

// Exit statuses of both programs.
const (
	statusDone   = 0
	statusFailed = 1
)

// Run is aulast with the arguments after its name. It returns the exit status.
func Run(args []string, d Deps) int {
	o, err := ParseOptions(args)
	if err != nil {
		fmt.Fprintln(d.Err, err)
		return statusFailed
	}
	o.Location = d.Location
	log, ok := open(o.Stdin, o.File, d)
	if !ok {
		return statusFailed
	}
	var extract io.Writer
	if o.Extract {
		// As in aulast, a file that cannot be written is no reason not to report.
		f, err := os.OpenFile(ExtractName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			fmt.Fprintf(d.Err, "cannot write %s: %v\n", ExtractName, err)
		} else {
			defer f.Close()
			extract = f
		}
	}
	s := NewSessions(o, d.Out, d.Err, extract, auparse.New(auparse.Config{Names: d.Names, Location: o.location()}))
	if err := each(log, s.Add); err != nil {
		return fail(d, err)
	}
	if err := s.End(d.Now.Unix()); err != nil {
		return fail(d, err)
	}
	return statusDone
}

// RunLastlog is aulastlog with the arguments after its name. It returns the exit
// status.
func RunLastlog(args []string, d Deps) int {
	user, stdin, err := ParseLastlogOptions(args)
	if err != nil {
		fmt.Fprintln(d.Err, err)
		return statusFailed
	}
	accounts, err := d.Accounts()
	if err != nil {
		return fail(d, err)
	}
	l := NewLastlog(accounts)
	if user != "" && !l.Knows(user) {
		fmt.Fprintf(d.Out, "Unknown User: %s\n", printable(user))
		return statusFailed
	}
	log, ok := open(stdin, "", d)
	if !ok {
		return statusFailed
	}
	if err := each(log, func(e *aulog.Event) error { l.Add(e); return nil }); err != nil {
		return fail(d, err)
	}
	loc := d.Location
	if loc == nil {
		loc = time.Local
	}
	if err := l.Print(d.Out, user, loc); err != nil {
		return fail(d, err)
	}
	return statusDone
}

// open chooses the log: standard input, the file, or auditd's with its rotated
// ones.
func open(stdin bool, file string, d Deps) (aulog.Config, bool) {
	if stdin {
		return aulog.Config{Stream: d.Stdin}, true
	}
	files := []string{file}
	if file == "" {
		files = aulog.Rotated(d.LogFile)
	}
	f, err := os.Open(files[0])
	if err == nil {
		_ = f.Close() // only whether it can be read was asked
		if info, err := os.Stat(files[0]); err == nil && info.IsDir() {
			files = []string{os.DevNull}
		}
		return aulog.Config{Files: files}, true
	}
	if file == "" {
		if errors.Is(err, fs.ErrPermission) && os.Getuid() != 0 {
			fmt.Fprintln(d.Err, "You probably need to be root for this to work")
		}
		fmt.Fprintln(d.Err, "No log file")
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		fmt.Fprintf(d.Err, "Error - %s\n", messageOf(errno))
	} else {
		fmt.Fprintf(d.Err, "Error - %v\n", err)
	}
	return aulog.Config{}, false
}

// messageOf is an error in the words of the C library, which begin in upper case.
func messageOf(errno syscall.Errno) string {
	text := errno.Error()
	return string(text[0]-'a'+'A') + text[1:]
}

// each reads a log to its end.
func each(log aulog.Config, take func(*aulog.Event) error) error {
	r := aulog.NewReader(log)
	defer r.Close()
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(e); err != nil {
			return err
		}
	}
}

// fail says an error. When the reader of the output has left, there is nobody to
// tell.
func fail(d Deps, err error) int {
	if !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(d.Err, "Error - %v\n", err)
	}
	return statusFailed
}
