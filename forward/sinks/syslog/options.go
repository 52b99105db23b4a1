package syslog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward/form"
	"vigil/forward/transport"
	"vigil/internal/setting"
)

// Options are the settings of a syslog sink.
type Options struct {
	Address   string           `yaml:"address" help:"local | unixgram:///dev/log | udp://HOST:514 | tcp://HOST:601 | tls://HOST:6514. More than one, separated by spaces: the next is taken when one does not answer."`
	Profile   Profile          `yaml:"profile" help:"plain | audispd | audisp_syslog | auoms: how lines are named. audispd: as auditd 2 and audisp-syslog with another facility than user do; audisp_syslog: as that program with the facility user does. Both send a line for each record, behind its kernel text the enrichment. auoms: as Azure's audit agent does, in its format."`
	Protocol  Protocol         `yaml:"protocol" help:"rfc5424 | rfc3164."`
	Framing   Framing          `yaml:"framing" help:"octet_counted | newline: how messages are told apart over TCP. Over TLS they are always counted."`
	Facility  Facility         `yaml:"facility" help:"Empty: user with the profiles audisp_syslog and auoms, else authpriv. Or kern user mail daemon auth syslog lpr news uucp cron authpriv ftp local0 to local7."`
	Severity  Severity         `yaml:"severity" help:"emerg alert crit err warning notice info debug."`
	Levels    []Level          `yaml:"levels" help:"Other facilities and severities for some events: the first filter that matches says which."`
	AppName   string           `yaml:"app_name" help:"What messages are sent as; empty: what the profile says, else vigil."`
	Data      string           `yaml:"structured_data" help:"The id of the structured data of RFC 5424, which bear the event's uid, its serial and its attribution; empty: none are sent."`
	MaxLength setting.Bytes    `yaml:"max_length" help:"The longest message; 0: 2000 over UDP, 8KiB over the local socket, no bound else."`
	Long      Long             `yaml:"long" help:"split | cut: what becomes of longer ones. Both are said in the message: vigil_part=1/3, vigil_cut=BYTES."`
	Confirm   setting.Duration `yaml:"confirm" help:"How long a connection must stand after a batch for it to count as taken. When it breaks before, the batch is sent again."`
	TLS       transport.TLS    `yaml:"tls" help:"For tls:// addresses."`
}

// Level gives some events another facility and severity.
type Level struct {
	Filter   string   `yaml:"filter" help:"Which events, in the filter language."`
	Facility Facility `yaml:"facility" help:"Empty: as the others."`
	Severity Severity `yaml:"severity" help:"Empty: as the others."`
}

// Protocol is the form of a message.
type Protocol string

// Words returns the words that a Protocol may be.
func (Protocol) Words() []string { return []string{"rfc5424", "rfc3164"} }

// Framing tells how messages are told apart on a stream.
type Framing string

// Words returns the words that a Framing may be.
func (Framing) Words() []string { return []string{"octet_counted", "newline"} }

// Long says what becomes of messages that are too long.
type Long string

// Words returns the words that a Long may be.
func (Long) Words() []string { return []string{"split", "cut"} }

// Profile is what lines look like.
type Profile string

// Words returns the words that a Profile may be.
func (Profile) Words() []string { return []string{"plain", "audispd", "audisp_syslog", "auoms"} }

// Facility is a facility of RFC 5424, table 1, by its name in syslog.h.
type Facility string

// Words returns the words that a Facility may be, by number up to 11, then local0 to
// local7 as 16 to 23.
func (Facility) Words() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

func (f Facility) number() int {
	n := slices.Index(f.Words(), string(f))
	if n > 11 {
		n += 4 // 12 to 15 are for others' use: ntp, audit, alert, clock
	}
	return n
}

// Severity is a severity of RFC 5424, table 2.
type Severity string

// Words returns the words that a Severity may be, by number.
func (Severity) Words() []string {
	return []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
}

// facility is what holds for events that no level names.
func (o *Options) facility() Facility {
	switch {
	case o.Facility != "":
		return o.Facility
	case o.Profile == "auoms", o.Profile == "audisp_syslog":
		return "user"
	}
	return "authpriv"
}

// Form is the form of events that the profile stands for, "" if it is any.
func (o *Options) Form() form.Name {
	if o.Profile == "auoms" {
		return form.AUOMS
	}
	return ""
}

func (s Severity) number() int { return slices.Index(s.Words(), string(s)) }

// defaults are the settings of a sink for which only the address is said.
func defaults() Options {
	return Options{
		Profile: "plain", Protocol: "rfc5424", Framing: "octet_counted", Severity: "info",
		Levels: []Level{}, Data: "vigil@32473", Long: "split", Confirm: setting.Duration(time.Second),
		TLS: transport.TLS{MinVersion: "1.2"},
	}
}

// local stands for the socket of the host's own syslog.
const local = "local"

// addresses reads where to send to.
func (o *Options) addresses() ([]transport.Address, error) {
	var list []transport.Address
	for text := range strings.FieldsSeq(o.Address) {
		if text == local {
			text = "unixgram:///dev/log"
		}
		a, err := transport.ParseAddress(text, map[string]string{"udp": "514", "tcp": "601", "tls": "6514", "unixgram": ""})
		if err != nil {
			return nil, fmt.Errorf("address: %w, or is %q", err, local)
		}
		list = append(list, a)
	}
	if len(list) == 0 {
		return nil, errors.New("address is missing: write one like tls://siem.example:6514, or local")
	}
	for _, a := range list[1:] {
		if (a.Scheme == "udp" || a.Scheme == "unixgram") != (list[0].Scheme == "udp" || list[0].Scheme == "unixgram") {
			return nil, errors.New("address: those that stand in for each other are all of streams (tcp, tls) or all of datagrams (udp, local)")
		}
	}
	return list, nil
}

// check says what cannot be meant.
func check(o *Options) error {
	if _, err := o.addresses(); err != nil {
		return err
	}
	if err := o.TLS.Check(); err != nil {
		return err
	}
	if o.MaxLength != 0 && o.MaxLength < 480 {
		return fmt.Errorf("max_length is %s: every receiver takes at least 480 bytes (RFC 5424, 6.1)", o.MaxLength)
	}
	for _, name := range []struct{ key, value string }{{"app_name", o.AppName}, {"structured_data", o.Data}} {
		if strings.ContainsFunc(name.value, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`="]:[`, r) }) || len(name.value) > 48 {
			return fmt.Errorf("%s %q has a character that may not stand there, or more than 48 of them", name.key, name.value)
		}
	}
	for i, l := range o.Levels {
		if l.Filter == "" {
			return fmt.Errorf("levels: number %d has no filter", i+1)
		}
		if _, err := compile(l.Filter); err != nil {
			return fmt.Errorf("levels: the filter of number %d: %w", i+1, err)
		}
	}
	return nil
}

// compile reads a condition of the filter language.
func compile(text string) (*filter.Program, error) {
	c, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	return filter.Compile(c, field.Standard())
}
