package config_test

import (
	"os"
	"strings"
	"testing"

	"vigil/daemon/config"
	"vigil/forward/sinks/syslog"
)

const twoSinks = `
sinks:
  - name: siem
    type: syslog
    address: tls://siem.example
    filter: audit.key = exec
    severity: notice
    rate: 1MiB
    sample: { rate: 12.5%, unless: audit.key = priv }
    aggregate:
      - { filter: proc.name = ls, by: [proc.name, user.name], max_time: 1m, send_first: true }
    retry: { max: 1m }
    levels:
      - { filter: proc.name = su, severity: warning }
    tls: { ca: /etc/ssl/siem.pem, min_version: "1.3" }
  - { name: here, type: syslog, address: local, format: raw, start: newest }
`

func TestSinks(t *testing.T) {
	c := config.Default("/etc/audit")
	if err := c.ApplyYAML(write(t, "vigil.yaml", twoSinks)); err != nil {
		t.Fatal(err)
	}
	if len(c.Sinks) != 2 {
		t.Fatalf("got %d sinks", len(c.Sinks))
	}
	s, o := c.Sinks[0], c.Sinks[0].Options.(*syslog.Options)
	if s.Name != "siem" || s.Rate != 1<<20 || s.Sample != (config.Sample{Rate: 0.125, Unless: "audit.key = priv"}) || c.Sinks[1].Sample.Rate != 1 ||
		len(s.Aggregate) != 1 || !s.Aggregate[0].SendFirst || len(s.Aggregate[0].By) != 2 || len(c.Sinks[1].Aggregate) != 0 || s.Format != "enriched" || s.Start != config.Oldest || s.Filter != "audit.key = exec" ||
		o.Severity != "notice" || o.Facility != "" || len(o.Levels) != 1 || o.Levels[0].Severity != "warning" || o.TLS.MinVersion != "1.3" {
		t.Errorf("got %+v with %+v", s, o)
	}
	// What is shown reads back as the same.
	shown := c.Render(true)
	again := config.Default("/etc/audit")
	if err := again.ApplyYAML(write(t, "shown.yaml", shown)); err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	if got := again.Render(true); got != shown {
		t.Errorf("shown as\n%s\nand then as\n%s", shown, got)
	}
}

func TestBrokenSinks(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sinks: [{ name: x }]", "vigil.yaml:1: a sink has no type: right are "},
		{"sinks: [{ name: x, type: sislog }]", `vigil.yaml:1: unknown type of sink "sislog": did you mean "syslog"?`},
		{"sinks:\n- type: syslog\n  name: x\n  adress: local", `vigil.yaml:4: unknown key "adress": did you mean "address"?`},
		{"sinks: [{ name: x, type: syslog }]", `vigil.yaml:1: sink "x": address is missing`},
		{"sinks: [{ name: a/b, type: syslog, address: local }]", `sink "a/b": name "a/b": write 1 to 64 letters`},
		{"sinks: [{ type: syslog, address: local }]", `sink "": name ""`},
		{"sinks: [{ name: x, type: syslog, address: local, sample: { rate: 10 } }]", `rate: "10" is not a share: write it like 0.1 or 10%, from 0 to 1`},
		{"sinks: [{ name: x, type: syslog, address: local, sample: { rate: 0 } }]", `sink "x": sample.rate is 0, which leaves out all`},
		{"sinks: [{ name: x, type: syslog, address: local, sample: { rate: 10%, unless: 'audit.kee = 1' } }]", `sink "x": sample.unless: `},
		{"sinks: [{ name: x, type: syslog, address: local, sample: { unless: 'audit.key = 1' } }]", "there is no sample.rate below 1"},
		{"sinks: [{ name: x, type: unix, path: audit.socket }]", `sink "x": path "audit.socket" is not an absolute path`},
		{"sinks: [{ name: x, type: unix, path: /run/s, acks: raw }]", `acks: unknown value "raw"`},
		{"sinks: [{ name: x, type: unix, path: /run/s, window: 0 }]", "window is 0: at least 1, at most 100000"},
		{"sinks: [{ name: x, type: unix, path: /run/s, ack_timeout: 1ms }]", "ack_timeout is 1ms: at least 100ms"},
		{"sinks: [{ name: x, type: syslog, address: local, aggregate: [{ filter: proc.name = ls }] }]", `sink "x": aggregate: rule 1: by is missing`},
		{"sinks: [{ name: x, type: syslog, address: local, aggregate: [{ by: [proc.nam] }] }]", "aggregate: rule 1: by: "},
		{"sinks: [{ name: x, type: syslog, address: local, aggregate: [{ by: [proc.name], max_count: 1 }] }]", "max_count is 1: at least 2, at most 131072"},
		{"sinks: [{ name: x, type: syslog, address: local, aggregate: [{ by: [proc.name], max_tim: 1 }] }]", `unknown key "max_tim": did you mean "max_time"?`},
		{"sinks: [{ name: x, type: syslog, address: local, format: cef, aggregate: [{ by: [proc.name] }] }]", "right are enriched, joined, ecs"},
		{"sinks: [{ name: x, type: syslog, address: local, format: ecz }]", `did you mean "ecs"`},
		{"sinks: [{ name: x, type: syslog, address: local, filter: 'audit.kee = 1' }]", "audit.key"},
		{"sinks: [{ name: x, type: syslog, address: local, start: yesterday }]", "right are oldest, newest"},
		{"sinks: [{ name: x, type: syslog, address: local, retry: 5s }]", "retry wants keys with values"},
		{"sinks: [{ name: x, type: syslog, address: local }, { name: x, type: syslog, address: local }]", `two sinks are called "x"`},
		{"sinks: [local]", "a sink wants keys with values"},
		{"sinks: local", "sinks wants a list"},
		{"trail: { write: false }\nsinks: [{ name: x, type: syslog, address: local }]", "sinks read the trail"},
		{"sinks: [{ name: x, type: syslog, address: local, options: 1 }]", `unknown key "options"`},
		{"sinks: [{ name: x, type: syslog, address: local, name: y }]", `key "name" is written twice`},
		{"sinks: [{ name: x, type: syslog, address: local, rate: fast }]", `"fast" is not a size`},
		{"sinks: [{ name: x, type: syslog, address: local, retry: { first: soon } }]", `"soon" is not a time span`},
		{"sinks: [{ name: x, type: syslog, address: local, retry: { frist: 1s } }]", `did you mean "first"`},
		{"sinks: [{ name: x, type: syslog, address: local, format: [raw] }]", "format wants one value"},
		{"sinks: [{ name: x, type: [syslog], address: local }]", "a sink has no type"},
		{"sinks: [{ name: x, type: syslog, address: local, filter: 'proc.name =' }]", `sink "x": filter:`},
		{"sinks: [{ name: x, type: syslog, address: local, filter: '(proc.name = a' }]", `sink "x": filter:`},
		{"sinks: [{ name: x, type: syslog, address: local, facility: autpriv }]", `did you mean "authpriv"`},
		{"sinks: [{ name: x, type: syslog, address: local, severity: information }]", "right are emerg, alert"},
		{"sinks: [{ name: x, type: syslog, address: local, protocol: rfc3164bis }]", `did you mean "rfc3164"`},
		{"sinks: [{ name: x, type: syslog, address: local, framing: lines }]", "right are octet_counted, newline"},
		{"sinks: [{ name: x, type: syslog, address: 'http://siem.example' }]", "begins with one of"},
		{"sinks: [{ name: x, type: syslog, address: 'tcp://a udp://b' }]", "all of streams"},
		{"sinks: [{ name: x, type: syslog, address: local, max_length: 10 }]", "at least 480 bytes"},
		{"sinks: [{ name: x, type: syslog, address: local, levels: [{ severity: err }] }]", "number 1 has no filter"},
		{"sinks: [{ name: x, type: syslog, address: local, levels: [{ filter: nonsense }] }]", "the filter of number 1"},
		{"sinks: [{ name: x, type: syslog, address: local, tls: { min_version: 1.0 } }]", `did you mean "1.2"`},
		{"sinks: [{ name: x, type: syslog, address: 'tls://a', tls: { key: k.pem } }]", "belong together"},
		{"sinks: [{ name: x, type: file }]", "path is missing"},
		{"sinks: [{ name: x, type: file, path: events }]", "not an absolute path"},
		{"sinks: [{ name: x, type: file, path: /e, files: 0 }]", "files is 0"},
		{"sinks: [{ name: x, type: file, path: /e, files: -1 }]", "not a whole number"},
		{"sinks: [{ name: x, type: file, path: /e, compress: zip }]", `did you mean "gzip"`},
		{"sinks: [{ name: x, type: file, path: /e, sync: maybe }]", "neither true nor false"},
		{"sinks: [{ name: x, type: http }]", "url is missing"},
		{"sinks: [{ name: x, type: http, url: 'https://a' }]", `unknown key "url"`},
		{"sinks: [{ name: x, type: http, http: { url: 'siem.example' } }]", "write one like https://"},
		{"sinks: [{ name: x, type: http, http: { url: 'https://a' }, token: hunter2 }]", "write file:/path/to/it or env:NAME"},
		{"sinks: [{ name: x, type: http, http: { url: 'https://a' }, user: u }]", "belong together"},
		{"sinks: [{ name: x, type: http, http: { url: 'https://a' }, window: 1000 }]", "window is 1000"},
		{"sinks: [{ name: x, type: program }]", "command is missing"},
		{"sinks: [{ name: x, type: program, command: [collect] }]", "not a full path"},
		{"sinks: [{ name: x, type: program, command: /bin/cat }]", "command wants a list"},
		{"metrics: { listen: 9464 }", "write it like 127.0.0.1:9464"},
	} {
		got := config.Default("/etc/audit")
		err := got.ApplyYAML(write(t, "vigil.yaml", c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.text, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "vigil.yaml")) {
			t.Errorf("%s: a secret in, or no file named by: %v", c.text, err)
		}
		if len(got.Sinks) != 0 {
			t.Errorf("%s: %d sinks were taken", c.text, len(got.Sinks))
		}
	}
}

// TestForwardingPage: what the handbook shows of sinks is right.
func TestForwardingPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/forwarding.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rest := string(text); ; n++ {
		_, after, ok := strings.Cut(rest, "```yaml\n")
		if !ok {
			break
		}
		block, end, _ := strings.Cut(after, "```")
		rest = end
		switch {
		case strings.HasPrefix(block, "  - "):
			block = "sinks:\n" + block
		case strings.HasPrefix(block, "    levels:"):
			block = "sinks:\n  - name: siem\n    type: syslog\n    address: local\n" + block
		}
		c := config.Default("/etc/audit")
		if err := c.ApplyYAML(write(t, "vigil.yaml", block)); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
	if n < 3 {
		t.Errorf("%d examples were found", n)
	}
}
