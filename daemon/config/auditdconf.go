package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ApplyAuditdConf lays over c what auditd.conf (auditd.conf(5)) says about the
// log: file, format, group, rotation, flush, name_format and local_events.
// The keys that auditd knows and Vigil does not act on are returned as
// "key = value", in the order of the file, so that the caller can say so. A
// missing file changes nothing; in a file that is there, a key that is absent
// has auditd's built-in value, not the one of the file that auditd ships: no
// rotation, no flush (audit-userspace src/auditd-config.c, clear_config). On an
// error, which is an [*Error] or says why the file cannot be read, c is as it
// was.
func (c *Config) ApplyAuditdConf(file string) (ignored []string, err error) {
	text, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	next := *c
	next.Trail.MaxFile, next.Trail.Files, next.Trail.OnFull = 0, 0, Ignore
	next.Trail.Flush.Mode, next.Trail.Flush.Records = FlushNone, 0
	a := auditdConf{file: file, config: &next}
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		a.line++
		if err := a.setting(scanner.Text()); err != nil {
			return nil, err
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, &Error{File: file, Line: a.line + 1, What: err.Error()}
	}
	if err := a.finish(); err != nil {
		return nil, err
	}
	*c = next
	return a.ignored, nil
}

// auditdConf reads one auditd.conf, line by line.
type auditdConf struct {
	file    string
	line    int
	config  *Config
	ignored []string
	name    string // the key `name`, for name_format = user
}

func (a *auditdConf) fail(format string, args ...any) error {
	return &Error{File: a.file, Line: a.line, What: fmt.Sprintf(format, args...)}
}

// setting reads one line: `key = value [option]`, split at white space as
// auditd does, so that the spaces around `=` are required.
func (a *auditdConf) setting(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		return nil
	case len(words) < 3 || words[1] != "=":
		return a.fail("wants `key = value` with spaces around the =")
	}
	key, value := strings.ToLower(words[0]), words[2]
	if set, ok := auditdKeys()[key]; ok {
		return set(a, value)
	}
	if slices.Contains(auditdOtherKeys(), key) {
		a.ignored = append(a.ignored, key+" = "+strings.Join(words[2:], " "))
		return nil
	}
	right := auditdOtherKeys()
	for known := range auditdKeys() {
		right = append(right, known)
	}
	slices.Sort(right)
	return a.fail("%s", unknown("key", words[0], right))
}

// finish settles what depends on several keys.
func (a *auditdConf) finish() error {
	if a.config.Node.Name == "user" {
		if a.name == "" {
			return &Error{File: a.file, What: "name_format = user wants a `name = ...`"}
		}
		a.config.Node.Name = a.name
	}
	return a.config.check(a.file)
}

// auditdKeys maps each key that concerns the log to what it sets.
func auditdKeys() map[string]func(*auditdConf, string) error {
	return map[string]func(*auditdConf, string) error{
		"local_events": (*auditdConf).localEvents,
		"write_logs": func(a *auditdConf, v string) error {
			return a.yesNo(v, &a.config.Trail.Write)
		},
		"log_file": func(a *auditdConf, v string) error {
			a.config.Trail.Path = v
			return nil
		},
		"log_format": (*auditdConf).logFormat,
		"log_group": func(a *auditdConf, v string) error {
			a.config.Trail.Group = v
			return nil
		},
		"max_log_file": func(a *auditdConf, v string) error {
			var mib int
			if err := a.number(v, math.MaxInt32, &mib); err != nil {
				return err
			}
			a.config.Trail.MaxFile = Bytes(mib) << 20
			return nil
		},
		"num_logs": func(a *auditdConf, v string) error {
			return a.number(v, 999, &a.config.Trail.Files)
		},
		"max_log_file_action": (*auditdConf).maxLogFileAction,
		"flush": func(a *auditdConf, v string) error {
			return a.word(v, FlushMode("").Words(), func(w string) { a.config.Trail.Flush.Mode = FlushMode(w) })
		},
		"freq": func(a *auditdConf, v string) error {
			return a.number(v, math.MaxInt32, &a.config.Trail.Flush.Records)
		},
		"name_format": func(a *auditdConf, v string) error {
			right := []string{"none", "hostname", "fqd", "numeric", "user"}
			return a.word(v, right, func(w string) { a.config.Node.Name = w })
		},
		"name": func(a *auditdConf, v string) error {
			a.name = v
			return nil
		},
	}
}

// auditdOtherKeys lists the keys of auditd 3.0.9 and 4.2.2 that do not concern
// the log, auditd.conf(5).
func auditdOtherKeys() []string {
	return []string{
		"priority_boost", "verify_email", "action_mail_acct", "space_left", "space_left_action",
		"admin_space_left", "admin_space_left_action", "disk_full_action", "disk_error_action",
		"tcp_listen_port", "tcp_listen_queue", "tcp_max_per_addr", "use_libwrap", "tcp_client_ports",
		"tcp_client_max_idle", "transport", "enable_krb5", "krb5_principal", "krb5_key_file",
		"tls_auth", "tls_crypto_profile", "tls_psk_file", "tls_psk_identity", "tls_allowed_clients",
		"tls_cipher_suites", "tls_key_exchange", "tls_require_pqc", "distribute_network", "q_depth",
		"overflow_action", "max_restarts", "plugin_dir", "end_of_event_timeout", "report_interval",
		"dispatcher", "disp_qos",
	}
}

// ShippedByAuditd reports whether a setting that [Config.ApplyAuditdConf] returned
// stands so in the auditd.conf that auditd 3.0.9 and 4.2.2 ship: nobody has chosen
// it for this host.
func ShippedByAuditd(setting string) bool {
	return slices.Contains([]string{
		"priority_boost = 4", "verify_email = yes", "action_mail_acct = root",
		"space_left = 75", "space_left_action = SYSLOG", "admin_space_left = 50", "admin_space_left_action = SUSPEND",
		"disk_full_action = SUSPEND", "disk_error_action = SUSPEND",
		"tcp_listen_queue = 5", "tcp_max_per_addr = 1", "use_libwrap = yes", "tcp_client_max_idle = 0",
		"transport = TCP", "krb5_principal = auditd", "distribute_network = no",
		"q_depth = 2000", "overflow_action = SYSLOG", "max_restarts = 10", "plugin_dir = /etc/audit/plugins.d",
		"end_of_event_timeout = 2", "report_interval = 0",
	}, setting)
}

func (a *auditdConf) word(value string, right []string, set func(string)) error {
	w := strings.ToLower(value)
	if !slices.Contains(right, w) {
		return a.fail("%s", unknown("value", value, right))
	}
	set(w)
	return nil
}

func (a *auditdConf) yesNo(value string, target *bool) error {
	return a.word(value, []string{"yes", "no"}, func(w string) { *target = w == "yes" })
}

func (a *auditdConf) number(value string, most int, target *int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return a.fail("%q is not a whole number from 0 to %d", value, most)
	}
	*target = n
	return nil
}

// logFormat reads raw, enriched and the old nolog, which auditd takes as raw
// without a log.
func (a *auditdConf) logFormat(value string) error {
	return a.word(value, []string{"raw", "enriched", "nolog"}, func(w string) {
		if w == "nolog" {
			a.config.Trail.Format, a.config.Trail.Write = Raw, false
			return
		}
		a.config.Trail.Format = Format(w)
	})
}

// localEvents refuses `no`: an aggregator that reads only the network has no
// kernel stream, which is what this daemon is for.
func (a *auditdConf) localEvents(value string) error {
	var local bool
	if err := a.yesNo(value, &local); err != nil {
		return err
	}
	if !local {
		return a.fail("local_events = no asks for a daemon that reads only other hosts' records: write yes, or leave the key out")
	}
	return nil
}

// maxLogFileAction maps auditd's words. syslog, suspend and exec are no ways
// to keep a log going: the file then simply grows, and the caller says so.
func (a *auditdConf) maxLogFileAction(value string) error {
	right := []string{"ignore", "syslog", "suspend", "rotate", "keep_logs", "exec"}
	return a.word(value, right, func(w string) {
		switch w {
		case "rotate":
			a.config.Trail.OnFull = Rotate
		case "keep_logs":
			a.config.Trail.OnFull = Keep
		default:
			a.config.Trail.OnFull = Ignore
			if w != "ignore" {
				a.ignored = append(a.ignored, "max_log_file_action = "+w)
			}
		}
	})
}
