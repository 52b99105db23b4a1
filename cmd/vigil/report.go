package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vigil/enrich"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/internal/atomicfile"
	"vigil/search"
	"vigil/search/report"
	"vigil/search/report/document"
	"vigil/search/report/page"
)

// reporting is the command line of `vigil report`.
type reporting struct {
	where        places
	since, until string
	filter       string
	baseline     []string
	top          int
	sort         string
	json, csv    bool
	html         string
	inputLogs    bool

	topGiven bool
}

// reportMemory is what the report keeps the process to: what it holds itself is
// bounded, but the garbage of a day's records should not double it.
const reportMemory = 32 << 20

func newReportCommand(stdio terminal) *cobra.Command {
	var o reporting
	c := &cobra.Command{
		Use:   "report [REPORT] [FILE...]",
		Short: "Say what is in the trail: counts, tables, stories",
		Long: `Count what is in the trail, or in any audit log: auditd's or Vigil's, rotated,
compressed with gzip or zstd. A directory stands for the audit.log in it and its
older files, "-" for standard input. Without files it is the trail of this host, or
standard input if that is a pipe.

REPORTS
` + reportList() + `
Memory is bounded whatever the logs hold. Where there is more than it can hold,
"≥" marks a lower bound and "about" an estimate, and a note says so.

--since and --until take a time as ausearch does (today, recent, boot, 11/21/26
10:00:00 in the order of the locale), RFC 3339 (2026-11-21 08:30), or how long ago
(15m, 2h, 3d).

EXIT STATUS
  0  done
  1  a file could not be read, or the page not be written
  2  wrong usage`,
		Example: `  vigil report
  vigil report keys --since today --top 10
  vigil report session 4
  vigil report person alice --since yesterday --json
  vigil report first-seen --since 24h --baseline /var/log/audit/old
  vigil report executables --filter 'container.id != host' --sort failed
  vigil report summary --html report.html /var/log/audit`,
		Args: func(c *cobra.Command, args []string) error {
			_, _, _, err := o.parse(args)
			if err != nil {
				return wrongUsage(c, "%s", err)
			}
			return nil
		},
		ValidArgsFunction: completeReports,
		RunE: func(c *cobra.Command, args []string) error {
			o.topGiven = c.Flags().Changed("top")
			return o.run(c, stdio, args)
		},
	}
	o.where.addReadFlags(c)
	c.Flags().BoolVar(&o.inputLogs, "input-logs", false, "read the trail even if standard input is a pipe")
	c.Flags().StringVar(&o.since, "since", "", "begin at this `time`")
	c.Flags().StringVar(&o.until, "until", "", "end at this `time`")
	c.Flags().StringVar(&o.filter, "filter", "", "count only events that meet this `condition`, in Falco's and sysdig's language; see vigil fields")
	c.Flags().StringArrayVar(&o.baseline, "baseline", nil, "for first-seen: what was executed in this `file` or directory is known; may be repeated")
	c.Flags().IntVar(&o.top, "top", 20, "rows of each table; 0 is all that are known, as with --json and --csv")
	c.Flags().StringVar(&o.sort, "sort", "", "sort by this `column`, with :asc or :desc behind it if need be")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	c.Flags().BoolVar(&o.csv, "csv", false, "print CSV")
	c.Flags().StringVar(&o.html, "html", "", "write a page that needs nothing else into this `file`, - for standard output")
	return c
}

// reportList is the reports for --help.
func reportList() string {
	var b strings.Builder
	for _, k := range report.Kinds() {
		fmt.Fprintf(&b, "  %-16s %s\n", strings.TrimSpace(k.Name+" "+k.Takes), k.Help)
	}
	return b.String()
}

func completeReports(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, k := range report.Kinds() {
		names = append(names, k.Name+"\t"+k.Help)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// parse takes the arguments apart: the report, what it takes, the files.
func (o *reporting) parse(args []string) (kind report.Kind, target string, files []string, err error) {
	if len(args) == 0 {
		args = []string{"summary"}
	}
	if kind, err = report.Find(args[0]); err != nil {
		if args[0] == "-" || strings.ContainsAny(args[0], "/.") {
			return kind, "", nil, fmt.Errorf("%w: name a report before files: vigil report summary %s", err, args[0])
		}
		return kind, "", nil, err
	}
	files = args[1:]
	if kind.Takes != "" {
		if len(files) == 0 {
			return kind, "", nil, fmt.Errorf("report %s wants %s", kind.Name, kind.Takes)
		}
		target, files = files[0], files[1:]
	}
	switch {
	case o.json && o.csv:
		err = errors.New("--json and --csv exclude each other")
	case o.top < 0:
		err = fmt.Errorf("--top %d: wants 0 or more", o.top)
	case len(o.baseline) > 0 && kind.Name != "first-seen":
		err = fmt.Errorf("--baseline is for first-seen, not for %s", kind.Name)
	}
	return kind, target, files, err
}

func (o *reporting) run(c *cobra.Command, stdio terminal, args []string) error {
	kind, target, files, err := o.parse(args)
	if err != nil {
		return wrongUsage(c, "%s", err)
	}
	cfg, options, err := o.config(kind, target)
	if err != nil {
		return usageError{err}
	}
	logs, source, err := o.logs(stdio, files)
	if err != nil {
		return err
	}
	if len(files) == 0 && logs[0].Stream == nil {
		// On this host's own trail the host's names are right. On another one's they
		// would be somebody else's.
		names := enrich.NewNames(enrich.Config{})
		cfg.Names, cfg.Fields.Names = names, names
	}
	baseline, err := search.Locate(o.baseline)
	if len(o.baseline) == 0 {
		baseline, err = nil, nil
	}
	if err != nil {
		return unreadable(err, "--baseline")
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(reportMemory))
	bar := newProgressBar(stdio.err, isTerminal(terminal{out: stdio.err}))
	options.Progress = bar.show
	d, stats, err := report.Run(c.Context(), logs, baseline, options, cfg)
	bar.clear()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return exitError(exitFailed)
		}
		return fmt.Errorf("report: %w", unreadable(err, "FILE or --trail"))
	}
	if n := stats.Skipped.Total(); n > 0 {
		d.Notes = append(d.Notes, skippedNote(stats.Skipped))
	}
	return o.print(stdio, d, source)
}

// config says what the report and the scan are to do.
func (o *reporting) config(kind report.Kind, target string) (cfg report.Config, options search.Options, err error) {
	if options.Range, err = parseRange(o.since, o.until); err != nil {
		return cfg, options, err
	}
	cfg = report.Config{Kind: kind.Name, Target: target, Top: o.top, Sort: o.sort, Overview: o.html != "" && kind.Name == "summary"}
	if (o.json || o.csv) && !o.topGiven {
		cfg.Top = 0
	}
	if kind.Name == "first-seen" {
		// What is older is the baseline, so it is read.
		cfg.Since, options.Range.From = options.Range.From, time.Time{}
	}
	if o.filter != "" {
		condition, err := filter.Parse(o.filter)
		if err == nil {
			cfg.Filter, err = filter.Compile(condition, field.Standard())
		}
		if err != nil {
			return cfg, options, fmt.Errorf("--filter: %w", err)
		}
	}
	_, err = report.New(cfg)
	return cfg, options, err
}

// logs finds what is to be read, and what to call it.
func (o *reporting) logs(stdio terminal, files []string) (logs []search.Log, source string, err error) {
	if len(files) == 0 && o.where.trail == "" && !o.inputLogs && isPipe(stdio) {
		return []search.Log{search.FromStream("standard input", stdio.in)}, "standard input", nil
	}
	if len(files) == 0 {
		path, err := o.where.trailPath()
		if err != nil {
			return nil, "", err
		}
		host, _ := os.Hostname()
		l, err := search.FromTrail(path)
		if err != nil {
			return nil, "", fmt.Errorf("report: %w", unreadable(err, "--trail, or as an argument"))
		}
		return []search.Log{l}, host, nil
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
			return nil, "", fmt.Errorf("report: %w", unreadable(err, "another argument"))
		}
		logs = append(logs, found...)
	}
	return logs, strings.Join(files, " "), nil
}

// print puts the report where it belongs.
func (o *reporting) print(stdio terminal, d *document.Document, source string) error {
	if o.html != "" {
		var b bytes.Buffer
		if err := page.Write(&b, d, page.Options{Source: source, Made: time.Now(), Program: "vigil " + version()}); err != nil {
			return err
		}
		if o.html == "-" {
			_, err := stdio.out.Write(b.Bytes())
			return err
		}
		// Whom and what a report names is not for everybody.
		if err := atomicfile.Write(o.html, b.Bytes(), 0o600); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
		if !o.json && !o.csv {
			return nil
		}
	}
	out := bufio.NewWriter(stdio.out)
	var err error
	switch {
	case o.json:
		err = document.WriteJSON(out, d)
	case o.csv:
		err = document.WriteCSV(out, d)
	default:
		_, err = out.Write(document.AppendText(nil, d, document.TextOptions{Width: terminalWidth(stdio.out), Colour: isTerminal(stdio)}))
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// terminalWidth is how many columns the terminal has, 0 if w is none.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// skippedNote says what was passed over.
func skippedNote(s search.Skipped) string {
	var parts []string
	for _, p := range []struct {
		n    uint64
		what string
	}{{s.Malformed, "lines that are no audit records"}, {s.Binary, "lines with binary data"}, {s.Long, "lines that are too long"},
		{s.Torn, "lines cut off at the end of a file"}, {s.Damaged, "compressed files that are damaged"}} {
		if p.n > 0 {
			parts = append(parts, document.Group(p.n)+" "+p.what)
		}
	}
	return "passed over: " + strings.Join(parts, ", ")
}
