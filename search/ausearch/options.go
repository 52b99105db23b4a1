package ausearch

import (
	"fmt"
	"strings"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

// format is how events are printed.
type format uint8

const (
	formatDefault format = iota
	formatRaw
	formatInterpret
	formatCSV
	formatText
)

// options is what the arguments ask for.
type options struct {
	query query

	path         string // -if
	inputLogs    bool
	timeout      int64 // 0: that of auditd.conf
	checkpoint   string
	startIsCheck bool // -ts checkpoint

	format      format
	escape      auparse.Escape
	minusI      bool // -i was given, with which stock lets the extra columns pass
	extraKeys   bool
	extraLabels bool
	extraObj2   bool
	extraTime   bool

	justOne bool
	flush   bool
	debug   bool

	help, version bool
}

// argError is an error in the arguments. Its text is stock's.
type argError string

func (e argError) Error() string { return string(e) }

// bareError is one that stock prints without a newline.
type bareError string

func (e bareError) Error() string { return string(e) }

func argErrorf(f string, args ...any) error { return argError(fmt.Sprintf(f, args...)) }

// need says whether an option has an argument.
type need uint8

const (
	none   need = iota
	word        // one that does not begin with '-'
	signed      // one that may
	times       // up to two, a date and a time
)

// option is one option: what it needs, and what it does with it.
type option struct {
	needs need
	set   func(p *parser, arg string) error
}

// parser goes through the arguments.
type parser struct {
	opts    options
	deps    *Deps
	dialect aulog.Dialect
	name    string   // of the option at hand
	rest    []string // behind it

	syscallNamed bool // -sc was given a name
}

// parse makes options of arguments. The first thing that is wrong ends it; so do
// -h and -v.
func parse(args []string, deps *Deps, dialect aulog.Dialect) (options, error) {
	p := &parser{deps: deps, dialect: dialect, rest: args, opts: options{query: anything(dialect)}}
	for len(p.rest) > 0 && !p.opts.help && !p.opts.version {
		if err := p.next(); err != nil {
			return p.opts, err
		}
	}
	o := &p.opts
	if (o.extraKeys || o.extraLabels || o.extraObj2 || o.extraTime) && o.format != formatCSV && !o.minusI && !o.help && !o.version {
		return p.opts, argErrorf("--extra options requires format to be csv")
	}
	return p.opts, nil
}

func (p *parser) next() error {
	p.name, p.rest = p.rest[0], p.rest[1:]
	opt, ok := find(p.name)
	if !ok {
		return argErrorf("%s is an unsupported option", p.name)
	}
	switch opt.needs {
	case none:
		return opt.set(p, "")
	case times:
		return opt.set(p, "")
	}
	if len(p.rest) == 0 || opt.needs == word && strings.HasPrefix(p.rest[0], "-") {
		err := argErrorf("Argument is required for %s", p.name)
		if p.name == "-m" || p.name == "--message" {
			err = argErrorf("%s\n%s", err, p.validTypes())
		}
		return err
	}
	arg := p.rest[0]
	p.rest = p.rest[1:]
	return opt.set(p, arg)
}

// find returns the option of a name: one switch, so that there is no table to be
// changed at run time.
func find(name string) (option, bool) {
	if opt, ok := criterion(name); ok {
		return opt, true
	}
	switch name {
	case "-ts", "--start":
		return option{times, func(p *parser, _ string) error { return p.start() }}, true
	case "-te", "--end":
		return option{times, func(p *parser, _ string) error { return p.end() }}, true
	case "-if", "--input":
		return option{word, (*parser).input}, true
	case "--input-logs":
		return flag(func(o *options) { o.inputLogs = true })
	case "--eoe-timeout":
		return option{word, (*parser).eoeTimeout}, true
	case "--checkpoint":
		return option{word, func(p *parser, arg string) error { p.opts.checkpoint = arg; return nil }}, true
	case "--just-one":
		return flag(func(o *options) { o.justOne = true })
	case "-l", "--line-buffered":
		return flag(func(o *options) { o.flush = true })
	case "--debug":
		return flag(func(o *options) { o.debug = true })
	case "-h", "--help":
		return flag(func(o *options) { o.help = true })
	case "-v", "--version":
		return flag(func(o *options) { o.version = true })
	}
	return output(name)
}

// output returns the options that say how to print.
func output(name string) (option, bool) {
	switch name {
	case "-r", "--raw":
		return option{none, func(p *parser, _ string) error { return p.shortFormat(formatRaw, "--raw") }}, true
	case "-i", "--interpret":
		return option{none, func(p *parser, _ string) error { return p.shortFormat(formatInterpret, "-i") }}, true
	case "--format":
		return option{word, (*parser).longFormat}, true
	case "--escape":
		return option{word, (*parser).escapes}, true
	case "--extra-keys":
		return flag(func(o *options) { o.extraKeys = true })
	case "--extra-labels":
		return flag(func(o *options) { o.extraLabels = true })
	case "--extra-obj2":
		return flag(func(o *options) { o.extraObj2 = true })
	case "--extra-time":
		return flag(func(o *options) { o.extraTime = true })
	}
	return option{}, false
}

func flag(set func(*options)) (option, bool) {
	return option{none, func(p *parser, _ string) error { set(&p.opts); return nil }}, true
}

// shortFormat is -r and -i. Either conflicts with another format but the
// default.
func (p *parser) shortFormat(f format, name string) error {
	if p.opts.format != formatDefault {
		return argErrorf("Conflicting output format %s", name)
	}
	p.opts.format = f
	p.opts.minusI = f == formatInterpret
	return nil
}

func (p *parser) longFormat(arg string) error {
	var f format
	switch arg {
	case "raw":
		f = formatRaw
	case "default":
		f = formatDefault
	case "interpret":
		f = formatInterpret
	case "csv":
		f = formatCSV
	case "text":
		f = formatText
	default:
		return argErrorf("Unknown option (%s)", arg)
	}
	if p.opts.format != formatDefault {
		return argErrorf("Multiple output formats, use only 1")
	}
	p.opts.format = f
	return nil
}

func (p *parser) escapes(arg string) error {
	switch arg {
	case "raw":
		p.opts.escape = auparse.Raw
	case "tty":
		p.opts.escape = auparse.TTY
	case "shell":
		p.opts.escape = auparse.Shell
	case "shell_quote":
		p.opts.escape = auparse.ShellQuote
	default:
		return argErrorf("Unknown option (%s)", arg)
	}
	return nil
}

// maxPath is the longest path that stock takes for -if, of PATH_MAX less room
// for the names of rotated files.
const maxPath = 4064

func (p *parser) input(arg string) error {
	if len(arg) > maxPath {
		return argErrorf("User supplied file name is too long: %s", arg)
	}
	p.opts.path = arg
	return nil
}

// start is -ts with its date and time.
func (p *parser) start() error {
	words := p.timeWords()
	if len(words) == 0 {
		return argErrorf("%s requires either date and/or time", p.name)
	}
	if len(words) == 1 && words[0] == "checkpoint" {
		p.opts.startIsCheck = true
		return nil
	}
	t, err := p.deps.clock(p.dialect).Start(words)
	if err != nil {
		return argError(err.Error())
	}
	p.opts.query.span.Start = t
	return nil
}

// end is -te.
func (p *parser) end() error {
	words := p.timeWords()
	if len(words) == 0 {
		return argErrorf("%s requires either date and/or time", p.name)
	}
	t, err := p.deps.clock(p.dialect).End(words)
	if err != nil {
		return argError(err.Error())
	}
	p.opts.query.span.End = t
	return nil
}

// timeWords takes up to two arguments that do not begin with '-'.
func (p *parser) timeWords() []string {
	n := 0
	for n < 2 && n < len(p.rest) && !strings.HasPrefix(p.rest[n], "-") {
		n++
	}
	words := p.rest[:n]
	p.rest = p.rest[n:]
	return words
}
