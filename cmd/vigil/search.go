package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vigil/enrich"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/search"
)

// searching is the command line of `vigil search`.
type searching struct {
	where        places
	criteria     criteria
	since, until string
	filter       string

	forms   map[form]*bool
	line    string // --format
	columns []string

	newest, oldest bool
	limit          int
	count          bool
	groupBy        string
	follow         bool
	checkpoint     string
	inputLogs      bool
}

// searchMemory is what a search keeps the process to, in bytes: what it holds itself is
// bounded, but garbage should not double it.
const searchMemory = 32 << 20

func newSearchCommand(stdio terminal) *cobra.Command {
	var o searching
	c := &cobra.Command{
		Use:   "search [FILE...]",
		Short: "Find events in the trail or in any audit log",
		Long: `Print the events of the trail that meet conditions, or those of any audit log:
Vigil's or auditd's, RAW or ENRICHED, compressed with gzip or zstd. A FILE is that
file; a directory stands for the audit.log in it and its older files; "-" is
standard input, and so is a pipe when nothing is named. Logs of several hosts are
merged by time.

Conditions are --filter, in the language of vigil fields, and the criteria of
ausearch(8) by their long names. All must hold; of one criterion that is given
several times, one value must. As with ausearch, a text may be part of the value
unless there is --word.

--since and --until take what ausearch takes (now, recent, this-hour, boot, today,
yesterday, this-week, week-ago, this-month, this-year, a date in the order of
LC_TIME with a time behind it), RFC 3339, @SECONDS, and how long ago: 15m, 2h, 3d.

EXIT STATUS
  0  events were found
  1  none were found, or a log could not be read
  2  wrong usage`,
		Example: `  vigil search --since today --key exec
  vigil search --filter 'proc.name = bash and container.id != host' --since 2h
  vigil search --since '11/21/26 10:00:00' --until '11/21/26 10:05:00' --plain
  vigil search --auid alice --success no --newest --limit 20
  vigil search --message USER_LOGIN --table --columns evt.time.s,audit.account
  vigil search --group-by session --since today
  vigil search --format '%evt.time %k8s.pod.name %proc.cmdline' web-1/audit web-2/audit
  zcat old/audit.log.*.gz | vigil search --json --syscall execve -`,
		Args: func(c *cobra.Command, _ []string) error {
			if err := o.check(c); err != nil {
				return wrongUsage(c, "%s", err)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, stdio, args) },
	}
	o.addFlags(c)
	return c
}

func (o *searching) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name {
		case "start":
			name = "since"
		case "end":
			name = "until"
		case "loginuid":
			name = "auid"
		}
		return pflag.NormalizedName(name)
	})
	o.where.addReadFlags(c)
	f.StringVar(&o.since, "since", "", "begin at this `time`")
	f.StringVar(&o.until, "until", "", "end at this `time`")
	f.StringVar(&o.filter, "filter", "", "only events that meet this `condition`, in Falco's and sysdig's language; see vigil fields")
	o.criteria.addFlags(c)
	o.forms = map[form]*bool{}
	for _, one := range []struct {
		form  form
		usage string
	}{
		{formPlain, "print sentences of plain English"}, {formTable, "print a table"}, {formCSV, "print CSV"},
		{formJSON, "print JSON: the Elastic Common Schema, or the columns if some are named"}, {formRaw, "print the lines as they stand in the log"},
	} {
		o.forms[one.form] = f.Bool(string(one.form), false, one.usage)
	}
	f.StringVar(&o.line, "format", "", "print this `line` of each event, like '%evt.time %proc.cmdline'; with a * in front also of those that lack a field")
	f.StringSliceVar(&o.columns, "columns", nil, "the `fields` of --table, --csv and --json")
	f.BoolVar(&o.newest, "newest", false, "begin with the last event")
	f.BoolVar(&o.oldest, "oldest", false, "begin with the first event (the default)")
	f.IntVar(&o.limit, "limit", 0, "end after so many `events`; 0 is all")
	f.BoolVar(&o.count, "count", false, "print only how many events there are")
	f.StringVar(&o.groupBy, "group-by", "", "put together what belongs to one `thing`: process, session, container or key")
	f.BoolVar(&o.follow, "follow", false, "print what is appended from now on, or from --since on, until interrupted")
	f.StringVar(&o.checkpoint, "checkpoint", "", "go on where the last search with this `file` has ended")
	f.BoolVar(&o.inputLogs, "input-logs", false, "read the trail even if standard input is a pipe")
	choices(c, "group-by", groupings()...)
}

// form is the form that the flags choose.
func (o *searching) form() form {
	if o.line != "" {
		return formLine
	}
	for f, on := range o.forms {
		if *on {
			return f
		}
	}
	return formText
}

// check finds flags that exclude each other.
func (o *searching) check(c *cobra.Command) error {
	var chosen []string
	for _, f := range []form{formPlain, formTable, formCSV, formJSON, formRaw} {
		if *o.forms[f] {
			chosen = append(chosen, "--"+string(f))
		}
	}
	if o.line != "" {
		chosen = append(chosen, "--format")
	}
	form := o.form()
	switch {
	case len(chosen) > 1:
		return fmt.Errorf("%s exclude each other", strings.Join(chosen, " and "))
	case len(o.columns) > 0 && form != formTable && form != formCSV && form != formJSON:
		return errors.New("--columns is for --table, --csv and --json")
	case o.newest && o.oldest:
		return errors.New("--newest and --oldest exclude each other")
	case o.limit < 0:
		return fmt.Errorf("--limit %d: wants 0 or more", o.limit)
	case o.follow && (o.newest || o.count || o.groupBy != "" || o.checkpoint != "" || o.until != ""):
		return errors.New("--follow has no end: --newest, --count, --group-by, --checkpoint and --until do not go with it")
	case o.checkpoint != "" && (o.newest || o.limit > 0 || o.groupBy != ""):
		return errors.New("--checkpoint goes from the oldest event to the last: --newest, --limit and --group-by do not go with it")
	case o.groupBy != "" && !o.count && form != formText && form != formPlain && form != formLine && form != formRaw:
		return fmt.Errorf("--group-by and --%s exclude each other; add --count for the groups alone", form)
	}
	return checkGrouping(o.groupBy)
}

// run searches.
func (o *searching) run(c *cobra.Command, stdio terminal, args []string) error {
	options, sequential, err := o.options()
	if err != nil {
		return usageError{err}
	}
	logs, own, err := o.logs(stdio, args)
	if err != nil {
		return err
	}
	var names *enrich.Names
	if own {
		names = enrich.NewNames(enrich.Config{})
	}
	query, match, err := o.query(names, sequential)
	if err != nil {
		return usageError{err}
	}
	options.Query = query
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(searchMemory))
	bar := newProgressBar(stdio.err, isTerminal(terminal{out: stdio.err}))
	options.Progress = bar.show
	printer, err := newResultPrinter(stdio, o, names, bar)
	if err != nil {
		return usageError{err}
	}
	f := &finder{searching: o, stdio: stdio, logs: logs, options: options, match: match, printer: printer, bar: bar}
	return f.find(c.Context())
}

// options are those of the scan. sequential says that the condition has fields that
// depend on what was read before.
func (o *searching) options() (options search.Options, sequential bool, err error) {
	options.Newest = o.newest
	if options.Range, err = parseRange(o.since, o.until); err != nil {
		return options, false, err
	}
	return options, strings.Contains(o.filter, "evt.num") || strings.Contains(o.filter, "evt.reltime"), nil
}

// query compiles --filter and the criteria. A sequential condition is returned as a
// matcher, for use on one event after another.
func (o *searching) query(names *enrich.Names, sequential bool) (*search.Query, *filter.Matcher, error) {
	cfg := field.Config{}
	if names != nil {
		cfg.Names = names
	}
	text, err := o.criteria.condition()
	if err != nil {
		return nil, nil, err
	}
	if o.filter != "" {
		// By itself first, so that an error shows what was typed.
		condition, err := filter.Parse(o.filter)
		if err == nil {
			_, err = filter.Compile(condition, field.Standard())
		}
		if err != nil {
			return nil, nil, fmt.Errorf("--filter: %w", err)
		}
		if text != "" {
			text += " and "
		}
		text += "(" + o.filter + ")"
	}
	if text == "" {
		return nil, nil, nil
	}
	condition, err := filter.Parse(text)
	if err != nil {
		return nil, nil, fmt.Errorf("read the criteria: %w", err)
	}
	program, err := filter.Compile(condition, field.Standard())
	if err != nil {
		return nil, nil, fmt.Errorf("read the criteria: %w", err)
	}
	if sequential {
		return nil, program.Matcher(cfg), nil
	}
	return search.NewQuery(program, cfg), nil, nil
}

// logs finds what is to be read. own says that it is this host's, so that its names
// are right.
func (o *searching) logs(stdio terminal, files []string) (logs []search.Log, own bool, err error) {
	if len(files) == 0 && o.where.trail == "" && !o.inputLogs && !o.follow && isPipe(stdio) {
		return []search.Log{search.FromStream("standard input", stdio.in)}, false, nil
	}
	if len(files) == 0 {
		path, err := o.where.trailPath()
		if err != nil {
			return nil, false, err
		}
		l, err := search.FromTrail(path)
		if err != nil && !(o.follow && errors.Is(err, fs.ErrNotExist)) {
			return nil, false, fmt.Errorf("search: %w", unreadable(err, "--trail, or as an argument"))
		}
		l.Name = path
		return []search.Log{l}, o.isOwn(path), nil
	}
	var paths []string
	for _, name := range files {
		if name == "-" {
			logs = append(logs, search.FromStream("standard input", stdio.in))
			continue
		}
		paths = append(paths, name)
	}
	if len(paths) > 0 {
		found, err := search.Locate(paths)
		if err != nil {
			return nil, false, fmt.Errorf("search: %w", unreadable(err, "another argument"))
		}
		logs = append(logs, found...)
	}
	return logs, len(logs) == 1 && len(paths) > 0 && o.isOwn(paths[0]), nil
}

// isOwn reports whether a log is this host's: it lies where the configuration puts the
// trail. Another host's users have other names.
func (o *searching) isOwn(log string) bool {
	where := o.where
	where.trail = ""
	own, err := where.trailPath()
	if err != nil {
		return false
	}
	absolute, err := filepath.Abs(log)
	return err == nil && (filepath.Dir(absolute) == filepath.Dir(own) || absolute == filepath.Dir(own))
}

// isPipe says whether something is piped into the program.
func isPipe(stdio terminal) bool {
	f, ok := stdio.in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// canceled reports whether the user has had enough.
func canceled(err error) bool { return errors.Is(err, context.Canceled) }
