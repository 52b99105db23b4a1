package ausearch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

// Deps is what ausearch takes from the host.
type Deps struct {
	Stdin    *os.File // nil: there is none
	Out, Err io.Writer

	Names       auparse.Names                    // of the users and groups that are printed
	UserByName  func(name string) (uint32, bool) // of those that are asked for
	GroupByName func(name string) (uint32, bool)

	Now      func() time.Time
	Boot     func() (time.Time, error) // when the host was booted
	Location *time.Location
	Locale   aulog.Locale // how dates are written, in the arguments and in the output

	LogFile string          // auditd.conf's log_file
	Timeout int64           // its end_of_event_timeout in seconds; 0: aulog.DefaultTimeout
	Version auparse.Version // whose options, words and outputs
}

// Exit statuses; those of checkpoints are in checkpoint.go.
const (
	exitFound   = 0
	exitNothing = 1 // nothing found, or the arguments or the input are wrong
)

// versions are what --version says.
const (
	version3 = "3.0.9"
	version4 = "4.2.2"
)

func (d *Deps) clock(dialect aulog.Dialect) aulog.Clock {
	return aulog.Clock{Now: d.Now(), Boot: d.Boot, Location: d.Location, Locale: d.Locale, Dialect: dialect}
}

// Run is ausearch with the arguments after its name; it returns the exit status.
func Run(args []string, deps Deps) int {
	dialect, version := aulog.Audit3, version3
	if deps.Version == auparse.V4 {
		dialect, version = aulog.Audit4, version4
	}
	if len(args) == 0 {
		fmt.Fprint(deps.Out, usage)
		return exitNothing
	}
	opts, err := parse(args, &deps, dialect)
	switch {
	case err != nil:
		fmt.Fprint(deps.Err, err)
		var bare bareError
		if !errors.As(err, &bare) {
			fmt.Fprintln(deps.Err)
		}
		return exitNothing
	case opts.help:
		fmt.Fprint(deps.Out, usage)
		return exitFound
	case opts.version:
		fmt.Fprintf(deps.Out, "ausearch version %s\n", version)
		return exitFound
	}
	s := &searcher{opts: opts, deps: deps, dialect: dialect}
	return s.run()
}

// searcher is one run.
type searcher struct {
	opts    options
	deps    Deps
	dialect aulog.Dialect
	facts   aulog.Facts
	out     *bufio.Writer
	print   *printer
	input   aulog.Input
	check   *checkpoint
}

func (s *searcher) run() int {
	if s.opts.checkpoint != "" {
		if err := s.loadCheckpoint(); err != nil {
			fmt.Fprintln(s.deps.Err, err)
			return exitCheckpointBad
		}
	}
	input, err := aulog.Locate(aulog.Choice{
		Path: s.opts.path, InputLogs: s.opts.inputLogs, Stdin: s.deps.Stdin, LogFile: s.deps.LogFile,
	})
	if err != nil {
		fmt.Fprintf(s.deps.Err, "stat: %s\n", reason(err))
		return exitNothing
	}
	if input.Note != "" {
		fmt.Fprintln(s.deps.Err, input.Note)
	}
	s.input = input
	if s.check != nil {
		if code := s.chooseFiles(); code != 0 {
			return code
		}
	}
	timeout := s.opts.timeout
	if timeout == 0 {
		timeout = s.deps.Timeout
	}
	s.out = bufio.NewWriterSize(s.deps.Out, 64<<10)
	s.print = newPrinter(&s.opts, &s.deps)
	cfg := aulog.Config{Files: s.input.Files, Timeout: timeout, Range: s.opts.query.span, Dialect: s.dialect,
		Unfinished: s.check != nil, BadStamp: s.badStamp}
	if input.Stdin != nil {
		cfg.Files, cfg.Stream = nil, input.Stdin
	}
	r := aulog.NewReader(cfg)
	defer func() { _ = r.Close() }() // it was only read
	code := s.search(r)
	if err := s.out.Flush(); err != nil && code == exitFound {
		return s.cannotPrint(err)
	}
	return code
}

// badStamp complains about a line as stock does.
func (s *searcher) badStamp(stamp []byte) {
	fmt.Fprintf(s.deps.Err, "Error extracting time stamp (%s)\n", auparse.TTY.Append(nil, stamp))
}

// search goes through the events and prints those that are found.
func (s *searcher) search(r *aulog.Reader) int {
	found := false
	for {
		e, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return s.failed(err)
			}
			break
		}
		if s.check != nil {
			if ok, done := s.check.admit(e); done {
				break
			} else if !ok {
				continue
			}
		}
		if !s.admit(e) {
			continue
		}
		found = true
		if err := s.emit(e); err != nil {
			return s.cannotPrint(err)
		}
		if s.opts.justOne {
			break
		}
	}
	if s.check != nil {
		if code := s.check.finish(r, s.deps.Err); code != 0 {
			return code
		}
	}
	return s.verdict(found)
}

// emit prints an event.
func (s *searcher) emit(e *aulog.Event) error {
	if _, err := s.out.Write(s.print.event(e)); err != nil {
		return fmt.Errorf("print event: %w", err)
	}
	if !s.opts.flush {
		return nil
	}
	if err := s.out.Flush(); err != nil {
		return fmt.Errorf("print event: %w", err)
	}
	return nil
}

// cannotPrint says why the output could not be written, unless its reader has
// left.
func (s *searcher) cannotPrint(err error) int {
	if !errors.Is(err, syscall.EPIPE) {
		fmt.Fprintf(s.deps.Err, "Error writing output (%s)\n", reason(err))
	}
	return exitNothing
}

func (s *searcher) failed(err error) int {
	var open *aulog.OpenError
	if errors.As(err, &open) {
		fmt.Fprintf(s.deps.Err, "Error opening %s (%s)\n", open.Path, reason(open.Err))
	} else {
		fmt.Fprintf(s.deps.Err, "Error reading log (%s)\n", reason(err))
	}
	return exitNothing
}

// verdict is the exit status, and what is said if nothing was found.
func (s *searcher) verdict(found bool) int {
	if found {
		return exitFound
	}
	if s.opts.format != formatRaw {
		fmt.Fprintln(s.deps.Err, "<no matches>")
	}
	return exitNothing
}

// admit decides about an event.
func (s *searcher) admit(e *aulog.Event) bool {
	q := &s.opts.query
	if !q.front(e) {
		return false
	}
	var unparsed func(*aulog.Record)
	if s.opts.debug {
		unparsed = s.unparsed
	}
	bad, ok := s.facts.Extract(e, q.want, s.dialect, unparsed)
	if !ok {
		if s.opts.debug {
			fmt.Fprintf(s.deps.Err, "Malformed event skipped, rc=%d. %s\n", bad.Code,
				auparse.TTY.Append(nil, bad.Record.Text))
		}
		return false
	}
	return q.holds(e, &s.facts)
}

func (s *searcher) unparsed(r *aulog.Record) {
	n := int(r.Type)
	if !listed(r.Type, s.dialect) && !bytes.Contains(r.Text, []byte("type=UNKNOWN[")) {
		n = -1
	}
	fmt.Fprintf(s.deps.Err, "Unparsed type:%d\n - skipped", n)
}

// reason is the text of an error of the system, as strerror(3) has it.
func reason(err error) string {
	text := rootCause(err).Error()
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
