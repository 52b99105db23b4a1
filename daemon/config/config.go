package config

import (
	"errors"
	"path/filepath"
	"slices"
	"time"

	"vigil/internal/setting"
)

// Bytes is a size in bytes, written as 8MiB, 64KiB, 1GiB or a bare number.
type Bytes = setting.Bytes

// Duration is a span of time, written as 5ms, 1s or 2m.
type Duration = setting.Duration

// Config is everything `vigil run` can be told. The zero value is not useful:
// start from [Default]. The yaml tag of a field is its key in vigil.yaml, the
// help tag the comment that [Config.Render] prints above it.
type Config struct {
	Node        Node        `yaml:"node" help:"How this host calls itself."`
	Source      Source      `yaml:"source" help:"Where records come from: the kernel's audit socket."`
	Trail       Trail       `yaml:"trail" help:"The log on disk, in auditd's format."`
	Attribution Attribution `yaml:"attribution" help:"Whose a record is: process, container, pod and systemd unit, behind 0x1D of the record that bears the pid."`
	Rules       Rules       `yaml:"rules" help:"The kernel's audit rules."`
	Metrics     Metrics     `yaml:"metrics" help:"What Prometheus may read."`
	Sinks       []Sink      `yaml:"sinks" help:"Where events are forwarded to. Each sink reads the trail at its own speed; see docs/forwarding.md."`
}

// Node says what stands in `node=` in front of each record.
type Node struct {
	Name string `yaml:"name" help:"none | hostname | fqd | numeric | any other text is the name itself.\nWritten as node=NAME before every record. host.name in JSON is the host's name in any case."`
	Root string `yaml:"root" help:"The directory in which this host's files are: another than / in a container into which they are mounted.\nUsers, processes and containers are looked up there; host processes must be visible (hostPID)."`
}

// Source is the kernel's audit socket.
type Source struct {
	Mode          Mode     `yaml:"mode" help:"auto | daemon | observer. auto: daemon if no other process is the kernel's audit daemon, else observer."`
	OnTaken       OnTaken  `yaml:"on_taken" help:"observe | retake: what to do when another process takes the registration away."`
	ReceiveBuffer Bytes    `yaml:"receive_buffer" help:"The socket's receive buffer: the queue in which a storm waits while the disk is busy. Kernel memory, used only when needed."`
	BacklogLimit  uint32   `yaml:"backlog_limit" help:"Records the kernel may queue. Raised to this if lower, never lowered."`
	Gather        Duration `yaml:"gather" help:"How long to let records gather after one arrived, so that one wake-up reads many. At most 15ms: a record is on disk within 20 ms."`
}

// Trail is the log on disk.
type Trail struct {
	Path    string `yaml:"path" help:"The live file. Older ones are PATH.1 (newest) and up."`
	Format  Format `yaml:"format" help:"enriched | raw: with or without names of users, groups, system calls and addresses behind 0x1D."`
	Write   bool   `yaml:"write" help:"false: nothing is written to disk (auditd's write_logs = no). Outputs that read the trail then stay empty."`
	Group   string `yaml:"group" help:"The group that may read the trail; root: nobody else."`
	MaxFile Bytes  `yaml:"max_file" help:"A file is closed once it is this large; 0: never."`
	Files   int    `yaml:"files" help:"How many files are kept, the live one included; 0 or 1: no rotation."`
	Keep    Bytes  `yaml:"keep_for_sinks" help:"How much more than that is kept at most because a sink has not sent it yet. Past that the oldest goes, and the loss is booked with the sink's name."`
	OnFull  OnFull `yaml:"on_full" help:"rotate | keep | ignore: what to do when a file has reached max_file. keep: rotate and delete nothing."`
	Flush   Flush  `yaml:"flush" help:"When the disk is told to make sure (fsync). A record is written out within 20 ms in any case."`
}

// Flush says when the trail is synced to the disk.
type Flush struct {
	Mode    FlushMode `yaml:"mode" help:"incremental_async | incremental | data | sync | none, as in auditd.conf."`
	Records int       `yaml:"records" help:"The incremental modes sync after this many records ..."`
	Every   Duration  `yaml:"every" help:"... or after this time, whichever comes first."`
}

// Attribution says whether and how records are told whose they are.
type Attribution struct {
	Enabled   bool     `yaml:"enabled" help:"true: write it."`
	BPF       BPF      `yaml:"bpf" help:"auto | require | off: watch processes with eBPF programs, so that the shortest-lived are attributed too. auto: without them where the kernel does not allow it; require: not at all then."`
	Ancestors int      `yaml:"ancestors" help:"How many generations of parents are kept and written."`
	Labels    []string `yaml:"labels" help:"Labels of containers and pods to write; one that ends in * stands for all that begin so."`
	Runtimes  bool     `yaml:"ask_runtimes" help:"true: ask containerd, CRI-O, Docker and podman, on their sockets, for what of a container they have not left on disk."`
	Fields    []string `yaml:"fields" help:"Groups of keys to write: container, names, detail, labels, exec, login, unit, process, script, cgroup, parents, parent_args, all."`
}

// BPF says whether processes are watched with eBPF programs.
type BPF string

// The uses of eBPF.
const (
	BPFAuto    BPF = "auto"
	BPFRequire BPF = "require"
	BPFOff     BPF = "off"
)

// Words returns the words that a BPF may be.
func (BPF) Words() []string { return []string{"auto", "require", "off"} }

// Rules says which rules are loaded and what becomes of them.
type Rules struct {
	Dirs    []string `yaml:"dirs" help:"Directories of *.rules files, in the order of augenrules. If there are no rules in them: the file audit.rules beside them."`
	BuiltIn bool     `yaml:"built_in" help:"Use the built-in rules if there are none in the files."`
	Inline  []string `yaml:"inline" help:"More rules, one a string, after those of the files."`
	Repair  bool     `yaml:"repair" help:"Undo what other processes change in the kernel's rules; false: say it and leave it."`
	Load    bool     `yaml:"load" help:"false: leave the kernel's rules as they are."`
	OnExit  OnExit   `yaml:"on_exit" help:"restore | keep: on leaving, put back the rules that were loaded before, or leave ours."`
}

// Metrics says where counts may be read.
type Metrics struct {
	Listen string `yaml:"listen" help:"HOST:PORT at which /metrics and /healthz are answered, like 127.0.0.1:9464; empty: nowhere."`
}

// Mode says as what the daemon reads the kernel's records.
type Mode string

// The modes of [Source].
const (
	Auto     Mode = "auto"
	Daemon   Mode = "daemon"
	Observer Mode = "observer"
)

// OnTaken says what to do when another process takes the registration.
type OnTaken string

// The answers to losing the registration.
const (
	Observe OnTaken = "observe"
	Retake  OnTaken = "retake"
)

// Format is the form of the trail's lines.
type Format string

// The formats of the trail, auditd's log_format.
const (
	Raw      Format = "raw"
	Enriched Format = "enriched"
)

// OnFull says what to do with a file of the trail that is large enough.
type OnFull string

// The answers to a full file, auditd's max_log_file_action.
const (
	Rotate OnFull = "rotate"
	Keep   OnFull = "keep"
	Ignore OnFull = "ignore"
)

// FlushMode says how the trail is synced, auditd's flush.
type FlushMode string

// The flush modes.
const (
	FlushNone             FlushMode = "none"
	FlushIncremental      FlushMode = "incremental"
	FlushIncrementalAsync FlushMode = "incremental_async"
	FlushData             FlushMode = "data"
	FlushSync             FlushMode = "sync"
)

// OnExit says what becomes of our rules when the daemon leaves.
type OnExit string

// The answers to leaving.
const (
	RestoreRules OnExit = "restore"
	KeepRules    OnExit = "keep"
)

// Words returns the words that a Mode may be.
func (Mode) Words() []string { return []string{"auto", "daemon", "observer"} }

// Words returns the words that a OnTaken may be.
func (OnTaken) Words() []string { return []string{"observe", "retake"} }

// Words returns the words that a Format may be.
func (Format) Words() []string { return []string{"enriched", "raw"} }

// Words returns the words that a OnFull may be.
func (OnFull) Words() []string { return []string{"rotate", "keep", "ignore"} }

// Words returns the words that a OnExit may be.
func (OnExit) Words() []string { return []string{"restore", "keep"} }

// Words returns the words that a FlushMode may be.
func (FlushMode) Words() []string {
	return []string{"incremental_async", "incremental", "data", "sync", "none"}
}

// Default is the configuration of a host on which nothing is configured:
// what the auditd.conf that auditd ships says, with auditDir (normally
// /etc/audit) as the place of the rules.
func Default(auditDir string) Config {
	return Config{
		Node: Node{Name: "none", Root: "/"},
		Source: Source{
			Mode:          Auto,
			OnTaken:       Observe,
			ReceiveBuffer: 256 << 20,
			BacklogLimit:  65536,
			Gather:        Duration(5 * time.Millisecond),
		},
		Trail: Trail{
			Path:    "/var/log/audit/audit.log",
			Format:  Enriched,
			Write:   true,
			Group:   "root",
			MaxFile: 8 << 20,
			Files:   5,
			Keep:    1 << 30,
			OnFull:  Rotate,
			Flush:   Flush{Mode: FlushIncrementalAsync, Records: 50, Every: Duration(time.Second)},
		},
		Attribution: Attribution{
			Enabled: true, BPF: BPFAuto, Ancestors: 5, Labels: []string{}, Runtimes: true,
			Fields: []string{"container", "names", "labels", "exec", "login", "unit", "process", "script", "parents"},
		},
		Rules: Rules{
			Inline:  []string{},
			Dirs:    []string{filepath.Join(auditDir, "rules.d")},
			BuiltIn: true,
			Load:    true,
			Repair:  true,
			OnExit:  RestoreRules,
		},
		Sinks: []Sink{},
	}
}

// CheckMode says whether text is one of the modes; empty is right, for none
// chosen. The error names the nearest.
func CheckMode(text string) error {
	if text == "" || slices.Contains(Auto.Words(), text) {
		return nil
	}
	return errors.New(unknown("mode", text, Auto.Words()))
}
