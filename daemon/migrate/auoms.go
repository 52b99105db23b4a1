package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vigil/daemon/config"
	"vigil/forward/redact"
	"vigil/internal/auomsconf"
)

// Places are where auoms has its configuration. Empty ones are auoms' own.
type Places struct {
	Dir    string // of auoms.conf, auomscollect.conf, outconf.d and rules.d
	Redact string // of the rules for redaction; else what auoms.conf says
}

// Where auoms has its files if nobody says otherwise.
const (
	DefaultDir    = "/etc/opt/microsoft/auoms"
	defaultRedact = "/etc/auoms/redact.d"
)

// Result is what came of a migration.
type Result struct {
	YAML  []byte // vigil.yaml
	Notes []Note
}

// file is the part of vigil.yaml that auoms' settings have counterparts in.
type file struct {
	Node   *nodeKeys   `yaml:"node,omitempty"`
	Source *sourceKeys `yaml:"source,omitempty"`
	Trail  *trailKeys  `yaml:"trail,omitempty"`
	Rules  *rulesKeys  `yaml:"rules,omitempty"`
	Sinks  []sinkKeys  `yaml:"sinks"`
}

type nodeKeys struct {
	Root string `yaml:"root"`
}

type sourceKeys struct {
	Backlog uint64 `yaml:"backlog_limit"`
}

type trailKeys struct {
	Keep uint64 `yaml:"keep_for_sinks"`
}

type rulesKeys struct {
	Dirs   []string `yaml:"dirs,omitempty,flow"`
	Inline []string `yaml:"inline,omitempty,flow"`
}

type sinkKeys struct {
	Name    string      `yaml:"name"`
	Type    string      `yaml:"type"`
	Address string      `yaml:"address,omitempty"`
	Profile string      `yaml:"profile,omitempty"`
	Path    string      `yaml:"path,omitempty"`
	Acks    string      `yaml:"acks,omitempty"`
	Window  uint64      `yaml:"window,omitempty"`
	Timeout string      `yaml:"ack_timeout,omitempty"`
	Format  string      `yaml:"format"`
	Filter  string      `yaml:"filter,omitempty"`
	Redact  *redactKeys `yaml:"redact,omitempty"`
}

type redactKeys struct {
	Dir string `yaml:"dir"`
}

// migration is one under way.
type migration struct {
	places Places
	out    file
	notes  []Note
	// What auoms.conf says.
	outputs  string
	rulesDir string
	redact   string
	filters  bool // process_filters are in force
}

// Auoms reads the configuration of auoms. What is broken is an error that names file and
// line: auoms itself would not have started with it, or not that output.
func Auoms(p Places) (Result, error) {
	if p.Dir == "" {
		p.Dir = DefaultDir
	}
	m := &migration{
		places: p, outputs: filepath.Join(p.Dir, "outconf.d"), rulesDir: filepath.Join(p.Dir, "rules.d"),
		redact: defaultRedact, filters: true, out: file{Sinks: []sinkKeys{}},
	}
	if err := m.main("auoms.conf", m.auomsKey); err != nil {
		return Result{}, err
	}
	if err := m.main("auomscollect.conf", m.collectKey); err != nil {
		return Result{}, err
	}
	m.rules()
	dir, err := m.redaction()
	if err != nil {
		return Result{}, err
	}
	if err := m.allOutputs(dir); err != nil {
		return Result{}, err
	}
	text, err := m.render()
	if err == nil {
		err = verify(text)
	}
	return Result{text, m.notes}, err
}

// verify has the daemon's own reader look at what was made.
func verify(text []byte) error {
	dir, err := os.MkdirTemp("", "vigil-migrate-")
	if err != nil {
		return fmt.Errorf("check what was made: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is in the temporary directory
	path := filepath.Join(dir, "vigil.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("check what was made: %w", err)
	}
	c := config.Default("/etc/audit")
	if err := c.ApplyYAML(path); err != nil {
		return fmt.Errorf("check what was made: %w", err)
	}
	return nil
}

func (m *migration) at(name string) notes { return notes{name, &m.notes} }

// main reads one of the two programs' files. That it is missing is no error: all keys
// have defaults.
func (m *migration) main(name string, key func(notes, auomsconf.Value) error) error {
	path := filepath.Join(m.places.Dir, name)
	f, err := auomsconf.Read(path)
	n := m.at(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, dirErr := os.Stat(m.places.Dir); dirErr != nil {
			return fmt.Errorf("find auoms: %w", dirErr)
		}
		n.say("is not there: auoms' defaults hold")
		return nil
	}
	if err != nil {
		return err
	}
	for _, v := range f.Values {
		if err := key(n, v); err != nil {
			return err
		}
	}
	repeated(n, f)
	return nil
}

func repeated(n notes, f *auomsconf.File) {
	for _, v := range f.Again {
		n.dropped(v, "was written before: auoms reads the first alone")
	}
}

// auomsKey takes a key of auoms.conf.
func (m *migration) auomsKey(n notes, v auomsconf.Value) error {
	switch v.Key {
	case "outconf_dir":
		m.outputs = v.Text
		n.became(v, "sinks", "one for each file in it")
	case "rules_dir":
		m.rulesDir = v.Text
		n.became(v, "rules.dirs", "")
	case "redact_dir":
		m.redact = v.Text
		n.became(v, "redact.dir of each sink", "")
	case "proc_path":
		root, ok := strings.CutSuffix(strings.TrimRight(v.Text, "/"), "/proc")
		if !ok || root == "" {
			n.dropped(v, "is what Vigil reads anyway")
			break
		}
		m.out.Node = &nodeKeys{Root: root}
		n.became(v, "node.root: "+root, "users and containers are looked up there, too")
	case "backlog_limit":
		limit, err := number(n, v)
		if err != nil {
			return err
		}
		m.out.Source = &sourceKeys{Backlog: limit}
		n.became(v, "source.backlog_limit: "+v.Text, "")
	case "backlog_wait_time":
		wait, err := number(n, v)
		if err != nil {
			return err
		}
		m.rulesKeys().Inline = append(m.rulesKeys().Inline, "--backlog_wait_time "+strconv.FormatUint(wait, 10))
		n.became(v, "rules.inline: --backlog_wait_time "+v.Text, "")
	case "queue_max_fs_bytes":
		size, err := number(n, v)
		if err != nil {
			return err
		}
		m.out.Trail = &trailKeys{Keep: size}
		n.became(v, "trail.keep_for_sinks: "+v.Text, "the trail is the queue")
	case "disable_event_filtering":
		m.filters = !isTrue(v.Text)
		n.became(v, fmt.Sprintf("process_filters: %t", m.filters), "")
	default:
		n.dropped(v, why(v.Key))
	}
	return nil
}

// collectKey takes a key of auomscollect.conf.
func (m *migration) collectKey(n notes, v auomsconf.Value) error {
	switch v.Key {
	case "queue_max_fs_bytes":
		n.dropped(v, "no second queue: what is read from the kernel is in the trail at once")
	case "raw_queue_segment_size", "num_raw_queue_segments":
		n.dropped(v, "the socket's own buffer is the queue: see source.receive_buffer, which overwrites nothing")
	case "cpu_nice":
		n.dropped(v, "no counterpart: Nice= of the systemd unit")
	default:
		n.dropped(v, why(v.Key))
	}
	return nil
}

// number checks that a value is a whole number, as auoms wants it.
func number(n notes, v auomsconf.Value) (uint64, error) {
	number, err := strconv.ParseUint(v.Text, 10, 62)
	if err != nil {
		return 0, &auomsconf.Error{File: n.file, Line: v.Line, What: fmt.Sprintf("%s: %q is not a whole number", v.Key, v.Text)}
	}
	return number, nil
}

func isTrue(text string) bool { return text == "true" || text == "yes" || text == "on" }

func (m *migration) rulesKeys() *rulesKeys {
	if m.out.Rules == nil {
		m.out.Rules = &rulesKeys{}
	}
	return m.out.Rules
}

// rules has auoms' own rules loaded beside those of auditd.
func (m *migration) rules() {
	n := m.at(m.rulesDir)
	found, err := filepath.Glob(filepath.Join(m.rulesDir, "*.rules"))
	if err != nil || len(found) == 0 {
		n.say("has no *.rules: those in /etc/audit/rules.d are loaded, in which auoms left auoms.rules")
		return
	}
	m.rulesKeys().Dirs = []string{"/etc/audit/rules.d", m.rulesDir}
	*n.list = append(*n.list, Note{File: m.rulesDir, Became: "rules.dirs", Why: strconv.Itoa(len(found)) + " files; auoms wrote them into /etc/audit/rules.d/auoms.rules too, which can go"})
}

// redaction returns the directory of rules for redaction, "" if there is none.
func (m *migration) redaction() (string, error) {
	if m.places.Redact != "" {
		m.redact = m.places.Redact
	}
	n := m.at(m.redact)
	if _, err := os.Stat(m.redact); errors.Is(err, fs.ErrNotExist) {
		n.say("is not there: nothing is redacted, as before")
		return "", nil
	}
	dir, err := filepath.Abs(m.redact)
	if err != nil {
		return "", fmt.Errorf("find the rules for redaction: %w", err)
	}
	list, err := redact.LoadDir(dir)
	if err != nil {
		*n.list = append(*n.list, Note{File: dir, Became: "redact.dir of each sink", Why: "whole command lines are replaced until this is mended: " + err.Error()})
		return dir, nil
	}
	*n.list = append(*n.list, Note{File: dir, Became: "redact.dir of each sink", Why: fmt.Sprintf("%d rules, read as they are", len(list))})
	return dir, nil
}

// render writes the file.
func (m *migration) render() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Made of the configuration of auoms by `vigil migrate auoms`. All keys: `vigil config show --defaults`.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(m.out)
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("write vigil.yaml: %w", err)
	}
	return b.Bytes(), nil
}

// why says why nothing stands for a key of auoms.conf or auomscollect.conf.
func why(key string) string {
	switch key {
	case "data_dir", "run_dir", "save_dir", "queue_dir", "input_socket_path", "status_socket_path", "socket_path":
		return "no counterpart: `vigil run --state-dir` and `--run-dir` move everything"
	case "auditd_path", "collector_path", "collector_config_path":
		return "no counterpart: one program does all"
	case "lock_file":
		return "no counterpart: Vigil locks its own run directory"
	case "rss_limit", "rss_pct_limit", "virt_limit":
		return "no counterpart: MemoryMax= of the systemd unit; memory is bounded anyway"
	case "cpu_soft_limit", "cpu_hard_limit", "cpu_per_core_limit", "cpu_cgroup_name", "disable_cgroups":
		return "no counterpart: CPUQuota= and CPUWeight= of the systemd unit"
	case "use_syslog":
		return "no counterpart: Vigil's own log goes to standard error, which systemd keeps"
	case "queue_num_priorities", "event_priority_by_syscall", "event_priority_by_record_type", "event_priority_by_record_type_category", "default_event_priority":
		return "no counterpart: events are sent in their order, and each sink has a cursor of its own; loss is booked by range"
	case "queue_max_file_data_size", "queue_max_unsaved_files", "queue_save_delay":
		return "no counterpart: the trail is the queue, and is on disk within 20 ms"
	case "queue_max_fs_pct", "queue_min_fs_free_pct":
		return "no counterpart: trail.keep_for_sinks is in bytes; space_left of auditd.conf says what to do about a full disk"
	}
	return "auoms does not read this key"
}
