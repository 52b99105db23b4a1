package rule

import "vigil/audit/tables"

// OpKind is a kind of setting or request.
type OpKind uint8

// Settings and requests, with auditctl's option. Number and Text of an Op are what
// the option's argument was.
const (
	OpNote             OpKind = iota + 1 // no option: a warning, in Text as auditctl prints it
	OpHelp                               // -h
	OpVersion                            // -v
	OpStatus                             // -s; Interpret with -i
	OpList                               // -l; Text is the key with -k; Interpret with -i
	OpIgnore                             // -i: go on after errors, and succeed
	OpContinue                           // -c: go on after errors, and fail in the end
	OpDeleteAll                          // -D; Text is the key with -k
	OpEnabled                            // -e, Number 0 to 2
	OpFailure                            // -f, Number 0 to 2
	OpRate                               // -r, messages a second
	OpBacklog                            // -b, records
	OpBacklogWait                        // --backlog_wait_time, in the kernel's ticks
	OpLoginuidFixed                      // --loginuid-immutable
	OpResetLost                          // --reset-lost
	OpResetBacklogWait                   // --reset_backlog_wait_time_actual
	OpTrim                               // -t
	OpEquivalent                         // -q mount,subtree: Text and Subtree
	OpMessage                            // -m, Text
	OpSignal                             // --signal, Text
	OpNested                             // -R within a command or a file: refused by auditctl
)

// Op is a setting or request of a command line.
type Op struct {
	Kind      OpKind
	Number    uint32
	Text      string
	Subtree   string // of OpEquivalent
	Interpret bool
	Word      Word // the word with the option's argument, or the option
	Advice    string
}

// Verb says what a command does with its rule.
type Verb uint8

// Verbs of a Command.
const (
	None   Verb = iota // there is no rule
	Add                // -a, -A, -w
	Delete             // -d, -W
)

// Command is what one line, or one command line, asks for.
type Command struct {
	// Ops are the settings and requests in the order given. With an Err they are
	// those before it: auditctl carries them out all the same.
	Ops  []Op
	Verb Verb
	Rule Rule // valid unless Verb is None
	// Watch is set when the rule was written as a watch, -w or -W.
	Watch bool
	// AllCalls is set when the line names no system call and so means all.
	AllCalls bool
	// Status asks for the kernel's status to be printed in the end, as auditctl
	// does after a setting.
	Status bool
	// Deprecated is set for the action "possible", which auditctl takes no notice of.
	Deprecated bool
	// Err is the first thing wrong with the line, nil if nothing is.
	Err *Error
}

// Env is what the words of a rule mean on a host. The zero value asks this host.
type Env struct {
	// Machine is the kernel's architecture, which b64 and b32 stand for. Default:
	// that of this program.
	Machine tables.Arch
	// User and Group look names up. Default: /etc/passwd and /etc/group.
	User, Group func(name string) (uint32, bool)
	// IsDir says whether a watched path is a directory, which decides whether a
	// watch is one on a tree. Default: stat(2).
	IsDir func(path string) bool
	// PermAll leaves a rule with perm= and no system calls at all calls, as
	// auditctl before 4.0 does. By default such a rule, if it has arch=, is put on
	// the calls that can need the permission alone, which every other call of the
	// host is the faster for.
	PermAll bool
}
