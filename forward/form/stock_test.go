package form_test

import (
	"regexp"
	"strings"
	"testing"

	"vigil/forward/form"
)

// What stock parsers look for in an audit log's lines.
var (
	// Wazuh's decoder: the first record's fields in the kernel's order, then those of
	// the records that were joined to it.
	wazuhStart   = regexp.MustCompile(`^type=`)
	wazuhStamp   = regexp.MustCompile(`^type=\S+ msg=audit\(\d{10}\.\d{3}:(\d+)\): `)
	wazuhSyscall = regexp.MustCompile(`arch=(\S+) syscall=(\d+) success=(\S+) exit=(\S+) a0=\S+ a1=\S+ a2=\S+ a3=\S+ items=\S+ ppid=(\S+) pid=(\S+) auid=(\S+) uid=(\S+) gid=(\S+) euid=(\S+) suid=(\S+) fsuid=(\S+) egid=(\S+) sgid=(\S+) fsgid=(\S+) tty=(\S+) ses=(\S+) comm="([^"]+)" exe="([^"]+)"`)
	wazuhRest    = regexp.MustCompile(`key="([^"]+)".* type=EXECVE msg=\S+ argc=\d+ a0="([^"]*)" a1="([^"]*)".* type=CWD msg=\S+\s+cwd="([^"]+)".* type=PATH msg=\S+ item=\S+ name="([^"]+)" inode=(\S+) dev=\S+ mode=(\S+)`)
	// Elastic's integration and Logstash: the record in parts, then key=value.
	elastic = regexp.MustCompile(`^(?:node=(\S+) )?type=(\S+) msg=audit\(((?:\d+)\.\d+):(\d+)\): ?(.*)$`)
	// Splunk's add-ons: the type and the stamp of a record, and any field by itself.
	splunkType  = regexp.MustCompile(`(?:^|\s)type=([A-Z_0-9\[\]]+)\s+msg=audit\((\d+\.\d+):(\d+)\)`)
	splunkField = regexp.MustCompile(`(\w+)=(?:"([^"]*)"|(\S+))`)
)

func TestStockParsers(t *testing.T) {
	e := event(t, exec()...)
	for _, name := range []form.Name{form.Raw, form.Enriched} {
		lines := strings.Split(strings.TrimSuffix(encode(t, name, e), "\n"), "\n")
		if len(lines) != len(e.Records) {
			t.Fatalf("%s: %d lines", name, len(lines))
		}
		for i, line := range lines {
			want := e.Records[i].Type.String()
			if m := elastic.FindStringSubmatch(line); m == nil || m[2] != want || m[3] != "1700000000.123" || m[4] != "456" {
				t.Errorf("%s: Elastic finds %q in %q", name, m, line)
			}
			if m := splunkType.FindStringSubmatch(line); m == nil || m[1] != want || m[3] != "456" {
				t.Errorf("%s: Splunk finds %q in %q", name, m, line)
			}
			if !wazuhStart.MatchString(line) || !wazuhStamp.MatchString(line) {
				t.Errorf("%s: Wazuh does not know %q", name, line)
			}
		}
		if m := wazuhSyscall.FindStringSubmatch(lines[0]); m == nil || m[2] != "59" || m[6] != "42" || m[len(m)-1] != "/usr/bin/cat" {
			t.Errorf("%s: Wazuh finds %q in %q", name, m, lines[0])
		}
		fields := map[string]string{} // the first of a name, as Splunk has it
		for _, m := range splunkField.FindAllStringSubmatch(lines[0], -1) {
			if _, ok := fields[m[1]]; !ok {
				fields[m[1]] = m[2] + m[3]
			}
		}
		if fields["syscall"] != "59" || fields["auid"] != "1000" || fields["comm"] != "cat" || fields["key"] != "exec" {
			t.Errorf("%s: Splunk finds %q", name, fields)
		}
	}
	line := strings.TrimSuffix(encode(t, form.Joined, e), "\n")
	if m := wazuhSyscall.FindStringSubmatch(line); !wazuhStamp.MatchString(line) || m == nil || m[7] != "1000" {
		t.Errorf("joined: Wazuh finds %q in %q", m, line)
	}
	if m := wazuhRest.FindStringSubmatch(line); m == nil || m[1] != "exec" || m[3] != "/etc/shadow" || m[4] != "/root" || m[5] != "/usr/bin/cat" || m[7] != "0100755" {
		t.Errorf("joined: Wazuh finds %q in %q", m, line)
	}
	if m := splunkType.FindAllStringSubmatch(line, -1); len(m) != len(e.Records) {
		t.Errorf("joined: Splunk finds %q", m)
	}
}
