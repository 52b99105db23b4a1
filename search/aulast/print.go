package aulast

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
)

// printer prints sessions in aulast's columns.
type printer struct {
	w   io.Writer
	opt Options
	err error // the first one of writing
}

func newPrinter(w io.Writer, opt Options) printer { return printer{w: w, opt: opt} }

func (p *printer) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(p.w, format, args...); err != nil && p.err == nil {
		p.err = fmt.Errorf("print session: %w", err)
	}
}

// session prints a session, if it is one that was asked for and anybody had
// logged in.
func (p *printer) session(s *session) {
	if p.opt.Bad || s.state == begun {
		return
	}
	if s.boot {
		p.columns("reboot", "system boot", "?", s.start)
	} else {
		p.columns(s.user, s.terminal, s.host, s.start)
	}
	switch s.state {
	case ended:
		p.printf("- %-7.5s(%s)\n", p.clock(s.end)[11:], span(s.end-s.start))
	case crashed:
		p.printf("- crash\n")
	case gone:
		p.printf("  gone - no logout\n")
	default:
		if s.boot {
			p.printf("\n")
		} else {
			p.printf("  still logged in\n")
		}
	}
	if p.opt.Proof {
		p.printf("    audit event proof serial numbers: %d, %d, %d\n", s.proof[0], s.proof[1], s.proof[2])
		p.query(s, "")
	}
}

// failed prints a login that failed. named: the name was given, there is no
// session.
func (p *printer) failed(s *session, named bool) {
	user := s.user
	if !named && user == "" && s.auid != 0 {
		user = fmt.Sprintf("%-8d", s.auid)
		p.printf("%s %-12.12s %-16.16s %16.16s - %-7.5s(%s)\n", user, printable(shortTTY(s.terminal)), printable(s.host),
			p.clock(s.start), p.clock(s.end)[11:], span(0))
	} else {
		p.columns(user, s.terminal, s.host, s.start)
		p.printf("- %-7.5s(%s)\n", p.clock(s.end)[11:], span(0))
	}
	if p.opt.Proof {
		p.printf("    audit event proof serial number: %d\n", s.proof[0])
		p.query(s, fmt.Sprintf(" -a %d", s.proof[0]))
	}
}

// query prints the search that finds the records of a session.
func (p *printer) query(s *session, more string) {
	const layout = "01/02/06 15:04:05" // %x %T of the C locale
	p.printf("    Session data can be found with this search:\n    ausearch --start %s --end %s%s\n\n",
		p.time(s.start).Format(layout), p.time(s.end).Format(layout), more)
}

func (p *printer) columns(user, terminal, host string, start int64) {
	p.printf("%-8.8s %-12.12s %-16.16s %16.16s ", printable(user), printable(shortTTY(terminal)), printable(host), p.clock(start))
}

func shortTTY(terminal string) string { return strings.TrimPrefix(terminal, "/dev/") }

func (p *printer) time(sec int64) time.Time { return time.Unix(sec, 0).In(p.opt.location()) }

// clock is a time as ctime(3) writes it, up to the seconds: "Tue Nov 14 22:13:20".
func (p *printer) clock(sec int64) string { return p.time(sec).Format("Mon Jan _2 15:04:05") }

// span is a length of time as last(1) writes it: days+hours:minutes.
func span(seconds int64) string {
	minutes := seconds / 60
	hours := minutes / 60
	if days := hours / 24; days != 0 {
		return fmt.Sprintf("%d+%02d:%02d", days, hours%24, minutes%60)
	}
	return fmt.Sprintf("%02d:%02d", hours, minutes%60)
}

// printable replaces the bytes with which a record could steer a terminal by their
// octal numbers.
func printable(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		clean = clean && s[i] >= 0x20 && s[i] != 0x7f
	}
	if clean {
		return s
	}
	var b strings.Builder
	w := bufio.NewWriter(&b)
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f {
			fmt.Fprintf(w, "\\%03o", s[i])
			continue
		}
		_ = w.WriteByte(s[i])
	}
	_ = w.Flush()
	return b.String()
}
