package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
)

// testEnv is an x86_64 host with three users, on which /etc and what ends in /dir
// are directories.
func testEnv() Env {
	ids := map[string]uint32{"root": 0, "daemon": 1, "nobody": 65534}
	lookup := func(name string) (uint32, bool) { id, ok := ids[name]; return id, ok }
	return Env{
		Machine: tables.ArchX86_64, User: lookup, Group: lookup, PermAll: true,
		IsDir: func(path string) bool { return path == "/etc" || strings.HasSuffix(path, "/dir") },
	}
}

func parse(t *testing.T, line string) Command {
	t.Helper()
	cmd, ok := ParseLine(line, testEnv())
	if !ok {
		t.Fatalf("%q is no line", line)
	}
	return cmd
}

// stockErrors runs lines that auditctl 3.0.9 refuses, with what it prints (seen by
// running it).
func stockErrors(t *testing.T, cases func(f func(line, want string))) {
	t.Helper()
	cases(func(line, want string) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err == nil {
			t.Errorf("%q is no error, want %q", line, want)
		} else if cmd.Err.Stock != want {
			t.Errorf("%q:\n got %q\nwant %q", line, cmd.Err.Stock, want)
		}
	})
}

func TestStockErrorsOfLists(t *testing.T) {
	stockErrors(t, func(f func(line, want string)) {
		f("-a always,exit -S 2048", "Syscall name unknown: 2048")
		f("-a always,exit -S nosuch", "Syscall name unknown: nosuch")
		f("-a always,exit -S open,nosuch", "Syscall name unknown: nosuch")
		f("-a always,exit -S ALL", "Syscall name unknown: ALL")
		f("-a task,always -S open", "Error: syscall auditing being added to task list")
		f("-a always,user -S open", "Error: syscall auditing being added to user list")
		f("-a always,filesystem -S open", "Error: syscall auditing being added to filesystem list")
		f("-a exclude,always -S open", "Error: syscall auditing cannot be put on exclude list")
		f("-S open -a always,task", "Syscall auditing requested for task list")
		f("-S open -A always,task", "Error: syscall auditing requested for task list")
		f("-a always,entry -S open", "Append rule - bad keyword always,entry")
		f("-a always,exit,foo", "Append rule - bad keyword always,exit,foo")
		f("-a always", "Append rule - bad keyword always")
		f("-a exit,exit", "Append rule - bad keyword exit,exit")
		f("-a Always,Exit -S open", "Append rule - bad keyword Always,Exit")
		f("-a possible,exit -S open", "Append rule - bad keyword possible,exit")
		f("-A always", "Add rule - bad keyword always")
		f("-d always", "Delete rule - bad keyword always")
		f("-a always,exit -a always,exit", "Multiple rule insert/delete operations are not allowed\n")
		f("-a always,exit -d always,exit", "Multiple rule insert/delete operations are not allowed")
		f("-S open", "Error - no list specified")
		f("-a always,exit foo", "parameter passed without an option given")
		f("-a always,exit -S 2 -k "+strings.Repeat("a", 257), "key option exceeds size limit")
	})
}

func TestStockErrorsOfFields(t *testing.T) {
	stockErrors(t, func(f func(line, want string)) {
		f("-a always,exit -F uid=nosuch -S open", "Unknown user: nosuch")
		f("-a always,exit -F gid=nosuch -S open", "Unknown group: nosuch")
		f("-a always,exit -F gid=-1 -S open", "Unknown group: -1")
		f("-a always,exit -F pid=-1 -S open", "-F value should be number for pid")
		f("-a always,exit -F success=yes -S open", "-F value should be number for success")
		f("-a always,exit -F a0=foo -S 2", "-F value should be number for a0")
		f("-a always,exit -F foo=1 -S open", "-F unknown field: foo")
		f("-a always,exit -F foo -S open", "-F missing operation for foo")
		f("-a always,exit -F =1 -S open", "-F missing field name before operator for ")
		f("-a always,exit -F uid= -S open", "-F missing value after operation for uid")
		f("-a always,exit -S open -F arch=b64", "arch must be before -S")
		f("-a always,exit -F arch=b65 -S open", "arch elf mapping not found")
		f("-a always,exit -F arch=1 -S open", "arch elf mapping not found")
		f("-a always,exit -F arch>b64 -S open", "arch only takes = or != operators")
		f("-a exclude,always -F msgtype=NOSUCH", "-F unknown message type - msgtype")
		f("-a exclude,always -F euid=0", "Only msgtype, *uid, *gid, pid, and subj* fields can be used with exclude filter")
		f("-a always,exit -F msgtype=CWD -S 2", "msgtype field can only be used with exclude or user filter list")
		f("-a never,filesystem -F fstype=nosuch", "file system type is unknown for field: fstype")
		f("-a always,exit -F fstype=tracefs -S 2", "fstype field is not valid for the filter")
		f("-w /etc/passwd -F arch=b64", "arch must be before -S")
		f("-a always,exit -F path=/etc/passwd -W /etc/passwd", "Rule is not empty\n")
		f("-a always,exit -F uid=0 -k x", "key option needs a watch or syscall given prior to it")
		f("-a always,exit -p wa -F path=/etc/passwd", "Permissions should be preceeded by other fields")
		f("-a always,exit -F path=/x -F perm=", "-F missing value after operation for perm")
		f("-a always,exit -F path=/x -F perm=wz", "Permission can only contain  'rwxa'")
		f("-a always,exit -F path=/x -F perm=rwxaw", "String value too long")
		f("-a always,exit -F perm!=wa -F path=/x", "perm only takes = operator")
		f("-a always,exit -F key=x", "Key field needs a watch, syscall or exe path given prior to it")
		f("-a always,exit -F exe>/bin/ls -k x", "exe only takes = or != operators")
		f("-a always,exit -F inode>5 -S open", "inode only takes = or != operators")
		f("-a always,exit -F exit=NOSUCH -S open", "-F unknown errno - exit")
		f("-a always,exit -F filetype=foo -F path=/etc", "-F unknown file type -  filetype")
		f("-a always,exit -F saddr_fam=46 -S connect", "value is too large for field: saddr_fam")
		f("-a never,task -F ppid=1", "ppid can only be used with exit filter list")
		f("-a always,user -F path=/bin/ls", "path can only be used with exit filter list")
		f("-a always,task -F sessionid=1", "sessionid must be used with exclude, user, or exit filter")
		f("-a always,exit -C gid=uid -S open", "-C incompatible comparison gid")
		f("-a always,exit -C uid=uid -S open", "-C incompatible comparison uid")
		f("-a always,exit -C foo=uid -S open", "-C unknown field: foo")
		f("-a always,exit -C uid=foo -S open", "-C unknown right hand value for comparison with: uid")
		f("-a always,exit -C uid -S open", "uid only takes = or != operators")
		f("-a always,exit -C =uid -S open", "-C missing field name before operator for ")
		f("-a always,exit -C uid= -S open", "-C missing value after operation for  uid")
		f("-a always,user -C uid=euid", "uid can only be used with exit filter list")
		f("-a always,exit -S 2"+strings.Repeat(" -F a0=1", 64), "Too many fields in rule: a0=1")
	})
}

func TestStockErrorsOfOptions(t *testing.T) {
	stockErrors(t, func(f func(line, want string)) {
		f("-w etc/passwd", "The path must start with '/'")
		f("-w /"+strings.Repeat("a", 4096), "The path passed for the watch is too big")
		f("-w /"+strings.Repeat("a", 256), "The base name of the path is too big")
		f("-w /etc/passwd -p wq", "Permission q isn't supported")
		f("-w /etc/passwd -p rwxaa", "permission rwxaa is too long")
		f("-w /etc/passwd -w /etc/group", "watch option can't be given with a syscall")
		f("-p wa -w /etc/passwd", "permission option needs a watch given prior to it")
		f("-k x -w /etc/passwd", "key option needs a watch or syscall given prior to it")
		f("-F uid=0 -a always,exit", "List must be given before field")
		f("foo", "")
		f("-- foo", "parameter passed without an option given")
		f("--foo", "Option --foo is invalid")
		f("-z", "Option -z is invalid")
		f("-a", "Option -a is invalid")
		f("-xs", "Option   is invalid")
		f("-sl", "")
		f("-e 3", "Enable must be 0, 1, or 2 was 3")
		f("-f 7", "Failure must be 0, 1, or 2 was 7")
		f("-r x", "Rate must be a numeric value was x")
		f("-r -1", "Rate must be a numeric value was -1")
		f("-b x", "Backlog must be a numeric value was x")
		f("--backlog_wait_time x", "Backlog_wait_time must be a numeric value was x")
		f("-i -s", "parameter passed without an option given")
		f("-l -k", "Only -k or -i options are allowed")
		f("-l foo", "Only -k or -i options are allowed")
		f("-l -i -k x", "Wrong number of options for list request")
		f("-s foo", "Only -i option is allowed")
		f("-s -i foo", "Too many options for status command")
		f("-D foo", "Wrong number of options for Delete all request")
		f("-D -i foo", "Only the -k option is allowed")
		f("-m hello there", "The -m option must be only the only option and takes 1 parameter")
		f("-m h\xc3\xa9", "Illegal character in audit event")
		f("-R /tmp/x", "Error - nested rule files not supported")
		f("-q /a", "Error parsing equivalent parts")
		f("-q /a,/b,/c", "Error parsing equivalent parts")
	})
}

// TestErrorsOfOurs are the words, places and mends that auditctl does not have.
func TestErrorsOfOurs(t *testing.T) {
	f := func(line, problem, near string, column int) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err == nil {
			t.Errorf("%q is no error", line)
			return
		}
		got := []any{cmd.Err.Problem, cmd.Err.Near, cmd.Err.Column()}
		if diff := cmp.Diff(got, []any{problem, near, column}); diff != "" {
			t.Errorf("%q: got -, want +\n%s", line, diff)
		}
	}
	f("-a always,exit -F arch=b64 -S opennat -k x", `unknown system call "opennat" on x86_64`, "openat", 31)
	f("-a always,exit -F arch=b64 -S open,clsoe -k x", `unknown system call "clsoe" on x86_64`, "close", 36)
	f("-a always,exit -F audi=0 -S open", `unknown field "audi"`, "auid", 19)
	f("-a always,exti -S open", `unknown list "exti"`, "exit", 11)
	f("-a alway,exit -S open", `unknown list or action "alway"`, "always", 4)
	f("-a always,entry -S open", `unknown list "entry"`, "exit", 11)
	f("-a always,exit -F exit=-EACCESS -S open", `unknown errno "-EACCESS"`, "-EACCES", 24)
	f("-a always,exclude -F msgtype=CWDD", `unknown record type "CWDD"`, "CWD", 30)
	f("-a always,exit -F success=no -S open", `success takes a number, not "no"`, "0", 27)
	f("-w /etc/passwd -p wq", `"q" is none of the permissions r, w, x and a`, "", 20)
	f("--backlog_wait_tmie 5", `unknown option "--backlog_wait_tmie"`, "--backlog_wait_time", 1)
	f("-w /etc/passwd -p wa # note", `"#" belongs to no option`, "", 22)
	f(`-w /a\ b -p q`, `"q" is none of the permissions r, w, x and a`, "", 13)
	f("-a never,io_uring -S opeant", `unknown io_uring operation "opeant"`, "openat", 22)
	f("-a always,exit -C auid!=obj_uidd -S 2", `unknown field "obj_uidd"`, "obj_uid", 25)

	cmd := parse(t, "-a always,exit -F arch=b64 -S chown32 -k x")
	if want := "chown32 exists with arch=b32 alone: take it out of this rule"; cmd.Err == nil || cmd.Err.Mend != want {
		t.Errorf("chown32 on b64: got %+v, want mend %q", cmd.Err, want)
	}
}

func TestCaret(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err == nil {
			t.Fatalf("%q is no error", line)
		}
		if got := cmd.Err.Caret(line); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", line, got, want)
		}
	}
	f("-a always,exit -S nosuch", "-a always,exit -S nosuch\n                  ^~~~~~")
	f("-a always,exit -S open,nosuch,close", "-a always,exit -S open,nosuch,close\n                       ^~~~~~")
	f("-w /é -p q", "-w /é -p q\n         ^")
	f("-w /\x1b[31m -p q", "-w /?[31m -p q\n             ^")
}

func TestOps(t *testing.T) {
	f := func(line string, want ...Op) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err != nil {
			t.Errorf("%q: %v", line, cmd.Err)
			return
		}
		for i := range cmd.Ops {
			cmd.Ops[i].Word = Word{}
		}
		if diff := cmp.Diff(cmd.Ops, want); diff != "" {
			t.Errorf("%q: got -, want +\n%s", line, diff)
		}
	}
	f("-b 8192", Op{Kind: OpBacklog, Number: 8192})
	f("-b 0x20 -f 2 -e 1 -r 10", Op{Kind: OpBacklog, Number: 32}, Op{Kind: OpFailure, Number: 2},
		Op{Kind: OpEnabled, Number: 1}, Op{Kind: OpRate, Number: 10})
	f("--backlog_wait_time=60000", Op{Kind: OpBacklogWait, Number: 60000})
	f("--backlog 5", Op{Kind: OpBacklogWait, Number: 5})
	f("--loginuid-immutable", Op{Kind: OpLoginuidFixed})
	f("--reset-lost", Op{Kind: OpResetLost})
	f("--reset_backlog_wait_time_actual", Op{Kind: OpResetBacklogWait})
	f("--signal HUP", Op{Kind: OpSignal, Text: "HUP"})
	f("-D", Op{Kind: OpDeleteAll})
	f("-D -k old", Op{Kind: OpDeleteAll, Text: "old"})
	f("-l -k old", Op{Kind: OpList, Text: "old"})
	f("-l -i", Op{Kind: OpList, Interpret: true})
	f("-s -i", Op{Kind: OpStatus, Interpret: true})
	f("-q /a,/b", Op{Kind: OpEquivalent, Text: "/a", Subtree: "/b"})
	f("-t", Op{Kind: OpTrim})
	f("-m hello", Op{Kind: OpMessage, Text: "hello"})
	f("-i", Op{Kind: OpIgnore})
	f("-c", Op{Kind: OpContinue})
	f("-b 5x", Op{Kind: OpBacklog, Number: 5, Advice: `"5x" is read as 5`})
}

func TestWatch(t *testing.T) {
	f := func(line string, field tables.Field, path string) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err != nil || !cmd.Watch {
			t.Errorf("%q: %v, watch %v", line, cmd.Err, cmd.Watch)
			return
		}
		if got := cmd.Rule.Fields[0]; got.Field != field || got.Text != path {
			t.Errorf("%q: got %v %q, want %v %q", line, got.Field, got.Text, field, path)
		}
		if !cmd.Rule.Mask.All() {
			t.Errorf("%q: not on all calls", line)
		}
	}
	f("-w /etc/passwd", tables.FieldPath, "/etc/passwd")
	f("-w /etc/ -p wa", tables.FieldDir, "/etc")
	f("-w /etc///", tables.FieldDir, "/etc")
	f("-w /", tables.FieldPath, "/")
	f(`-w /a\ b\\c`, tables.FieldPath, `/a b\c`)
	f("-W /etc", tables.FieldDir, "/etc")
}

// TestPermutation: getopt moves words that are no options behind the options.
func TestPermutation(t *testing.T) {
	f := func(line string, want Verb) {
		t.Helper()
		if cmd := parse(t, line); cmd.Err != nil || cmd.Verb != want {
			t.Errorf("%q: verb %v, %v, want %v", line, cmd.Verb, cmd.Err, want)
		}
	}
	f("-S open -a always,exit", Add)
	f("-aalways,exit -Sopen -kx", Add)
	f("-d always,exit -S open", Delete)
	f("foo -s", None) // auditctl stops at -s, before it sees that foo is left
	if cmd := parse(t, "foo -a always,exit"); cmd.Err == nil {
		t.Error("a stray word before the options is no error")
	}
}
