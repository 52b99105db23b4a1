package aureport

import (
	"fmt"
	"strconv"
	"strings"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

// options is what the arguments ask for.
type options struct {
	kind      kind
	given     bool // a report was asked for
	summary   bool
	interpret bool
	escape    auparse.Escape

	result    aulog.Result // ResultUnset: both
	noConfig  bool
	act       act
	nodes     []string
	span      aulog.Range
	path      string
	inputLogs bool
	timeout   int64 // 0: that of auditd.conf
	debug     bool

	help, version bool
}

// act is what --add and --delete leave out.
type act uint8

const (
	allActs act = iota
	addsOnly
	deletesOnly
)

// A usageError is something wrong with the arguments. The usage follows it.
type usageError string

func (e usageError) Error() string { return string(e) }

func usageErrorf(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// errUnimplemented is what aureport says of a value for an option of whose values nothing is known, and of totals of a
// report that has none.
type unimplemented struct{}

func (unimplemented) Error() string { return "Unimplemented option" }

// named returns the report that an option asks for, and whether aureport once meant to let people name what they look
// for behind it.
func named(option string) (k kind, valued, ok bool) {
	switch option {
	case "-a", "--avc":
		return avcs, false, true
	case "-au", "--auth":
		return auths, false, true
	case "--comm":
		return commands, true, true
	case "-c", "--config":
		return configs, false, true
	case "-cr", "--crypto":
		return cryptos, false, true
	case "-e", "--event":
		return events, false, true
	case "-f", "--file":
		return files, true, true
	case "-h", "--host":
		return hosts, true, true
	case "--integrity":
		return integrities, false, true
	case "-k", "--key":
		return keys, true, true
	case "-l", "--login":
		return logins, false, true
	case "-m", "--mods":
		return mods, false, true
	case "-ma", "--mac":
		return macs, false, true
	case "-n", "--anomaly":
		return anomalies, true, true
	case "-p", "--pid":
		return pids, true, true
	case "-r", "--response":
		return responses, true, true
	case "-s", "--syscall":
		return syscalls, true, true
	case "-t", "--log":
		return logs, false, true
	case "-tm", "--terminal":
		return terminals, true, true
	case "--tty":
		return ttys, false, true
	case "-u", "--user":
		return users, true, true
	case "--virt":
		return virts, false, true
	case "-x", "--executable":
		return executables, true, true
	}
	return summary, false, false
}

// parser goes through the arguments.
type parser struct {
	options
	clock aulog.Clock
	rest  []string // behind the option at hand
}

// parse makes options of arguments. The first thing that is wrong ends it; so do --help and -v.
func parse(args []string, clock aulog.Clock) (options, error) {
	p := &parser{clock: clock, rest: args}
	for len(p.rest) > 0 && !p.help && !p.version {
		name := p.rest[0]
		p.rest = p.rest[1:]
		if err := p.option(name); err != nil {
			return p.options, err
		}
	}
	return p.options, nil
}

func (p *parser) option(name string) error {
	if k, valued, ok := named(name); ok {
		if p.given {
			return usageError("Error - only one report can be specified")
		}
		p.kind, p.given = k, true
		if valued && p.hasValue() {
			return unimplemented{}
		}
		return nil
	}
	switch name {
	case "-i", "--interpret":
		if p.hasValue() {
			return usageErrorf("Argument is NOT required for %s", name)
		}
		p.interpret = true
	case "--summary":
		p.summary = true
	case "--success":
		p.result = aulog.ResultSuccess
	case "--failed":
		p.result = aulog.ResultFailed
	case "--add":
		p.act = addsOnly
	case "--delete":
		p.act = deletesOnly
	case "-nc", "--no-config":
		p.noConfig = true
	case "--input-logs":
		p.inputLogs = true
	case "--debug":
		p.debug = true
	case "--help":
		p.help = true
	case "-v", "--version":
		p.version = true
	case "-ts", "--start":
		return p.time(name, p.clock.Start, &p.span.Start)
	case "-te", "--end":
		return p.time(name, p.clock.End, &p.span.End)
	case "-if", "--input", "--node", "--escape", "--eoe-timeout":
		return p.valued(name)
	default:
		return usageErrorf("%s is an unsupported option", name)
	}
	return nil
}

func (p *parser) hasValue() bool { return len(p.rest) > 0 && !strings.HasPrefix(p.rest[0], "-") }

// maxPath is the longest path that stock takes for -if: PATH_MAX less room for the names of rotated files.
const maxPath = 4064

// valued is an option that needs a value.
func (p *parser) valued(name string) error {
	if !p.hasValue() {
		return usageErrorf("Argument is required for %s", name)
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	switch name {
	case "-if", "--input":
		if len(value) > maxPath {
			return usageErrorf("File name is too long %s", value)
		}
		p.path = value
	case "--node":
		p.nodes = append(p.nodes, value)
	case "--escape":
		return p.escapes(value)
	case "--eoe-timeout":
		return p.eoeTimeout(value)
	}
	return nil
}

func (p *parser) escapes(value string) error {
	switch value {
	case "raw":
		p.escape = auparse.Raw
	case "tty":
		p.escape = auparse.TTY
	case "shell":
		p.escape = auparse.Shell
	case "shell_quote":
		p.escape = auparse.ShellQuote
	default:
		return usageErrorf("Unknown option (%s)", value)
	}
	return nil
}

// eoeTimeout takes a number of seconds as strtol(3) does, and refuses only what has no digit in front.
func (p *parser) eoeTimeout(value string) error {
	if value == "" || value[0] < '0' || value[0] > '9' {
		return usageErrorf("End of Event Timeout must be a numeric value, was %s", value)
	}
	end := 0
	for end < len(value) && value[end] >= '0' && value[end] <= '9' {
		end++
	}
	n, _ := strconv.ParseInt(value[:end], 10, 32) // too large: the largest
	if n == 0 {
		return usageErrorf("Illegal value for End of Event Timeout, was %s", value)
	}
	p.timeout = n
	return nil
}

// time is -ts and -te with their date and time.
func (p *parser) time(name string, read func([]string) (int64, error), dst *int64) error {
	n := 0
	for n < 2 && n < len(p.rest) && !strings.HasPrefix(p.rest[n], "-") {
		n++
	}
	if n == 0 {
		return usageErrorf("%s requires either date and/or time", name)
	}
	words := p.rest[:n]
	p.rest = p.rest[n:]
	t, err := read(words)
	if err != nil {
		return usageError(err.Error())
	}
	*dst = t
	return nil
}
