package aulast

import (
	"errors"
	"strings"
	"time"
)

const (
	usage        = "usage: aulast [--bad] [--debug] [--stdin] [--proof] [--extract] [-f file] [--user name] [--tty tty]"
	lastlogUsage = "usage: aulastlog [--stdin] [--user name]"
)

// Options is what the arguments of aulast ask for.
type Options struct {
	Bad     bool   // --bad: the logins that failed, instead of the sessions
	Proof   bool   // --proof: the serials, and the search for the records
	Debug   bool   // --debug: what is not understood is said on standard error
	Extract bool   // --extract: the records are written to ExtractName
	Stdin   bool   // --stdin: the log comes from standard input
	File    string // -f: the log; "" is auditd's
	User    string // --user: sessions of this user only
	TTY     string // --tty: sessions on a terminal with this in its name only

	// Location is that of the times; nil is the host's.
	Location *time.Location

	userGiven, ttyGiven bool
}

func (o *Options) location() *time.Location {
	if o.Location != nil {
		return o.Location
	}
	return time.Local
}

// ParseOptions reads the arguments after aulast's name. The error is what aulast
// says. As there, an option that lacks its word at the end is passed over.
func ParseOptions(args []string) (Options, error) {
	var o Options
	for i := 0; i < len(args); i++ {
		word, more := "", i+1 < len(args)
		if more {
			word = args[i+1]
		}
		switch arg := args[i]; {
		case arg == "--bad":
			o.Bad = true
		case arg == "--proof":
			o.Proof = true
		case arg == "--debug":
			o.Debug = true
		case arg == "--extract":
			o.Extract = true
		case arg == "--stdin":
			if o.File != "" {
				return o, errors.New("file already given")
			}
			o.Stdin = true
		case arg == "-f":
			if o.Stdin {
				return o, errors.New("stdin already given")
			}
			o.File = word
			i++
		case arg == "--user" && !o.userGiven:
			o.User, o.userGiven = word, more
			i++
		case arg == "--tty" && !o.ttyGiven:
			o.TTY, o.ttyGiven = terminalName(word), more
			i++
		default:
			return o, errors.New(usage)
		}
	}
	return o, nil
}

// terminalName is a terminal as --tty names it. A number alone is that of a tty.
func terminalName(word string) string {
	return strings.TrimPrefix(word, "/dev/")
}

// ParseLastlogOptions reads the arguments after aulastlog's name: the user that is
// asked for ("" is everybody), and whether the log comes from standard input.
func ParseLastlogOptions(args []string) (user string, stdin bool, err error) {
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "--stdin":
			stdin = true
		case "-u", "--user":
			if i++; i == len(args) {
				return "", false, errors.New(lastlogUsage)
			}
			user = args[i]
		default:
			return "", false, errors.New(lastlogUsage)
		}
	}
	return user, stdin, nil
}
