package explain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

func parse(t *testing.T, line string) rule.Rule {
	t.Helper()
	cmd, ok := rule.ParseLine(line, rule.Env{
		Machine: tables.ArchX86_64,
		User:    func(name string) (uint32, bool) { return 0, name == "root" },
		IsDir:   func(path string) bool { return strings.HasSuffix(path, "/dir") },
	})
	if !ok || cmd.Err != nil {
		t.Fatalf("%q: %v", line, cmd.Err)
	}
	return cmd.Rule
}

var names = Names{
	Machine: tables.ArchX86_64,
	User: func(id uint32) (string, bool) {
		if id == 0 {
			return "root", true
		}
		return "", false
	},
}

func TestWords(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		r := parse(t, line)
		if got := Words(&r, names); got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
	f("-a always,exit -F arch=b64 -S execve,execveat -F key=exec", "Records execve and execveat of 64-bit programs. Key: exec.")
	f("-a always,exit -F arch=b32 -S open -F exit=-EACCES -F auid>=1000 -F auid!=unset -k a -k b",
		"Records open of 32-bit programs if it fails with EACCES, the login user is at least 1000 and the login user is set. Keys: a, b.")
	f("-w /etc/passwd -p wa", "Records calls on files if it concerns the file /etc/passwd and it writes or changes attributes.")
	f("-a always,exit -F arch=b64 -F dir=/a/dir -F perm=r -F uid!=root",
		"Records open, readlink, quotactl, getxattr, lgetxattr, fgetxattr and 10 other system calls of 64-bit programs if it concerns a file in or below /a/dir, it reads and the user is not root (0).")
	f("-a never,exit -S all -F exe=/usr/bin/x", "Does not record every system call if the program is /usr/bin/x.")
	f("-a never,task", "Leaves new processes, all their lives, without auditing of system calls.")
	f("-a never,exclude -F msgtype=CWD", "Leaves out records if their type is CWD.")
	f("-a never,user -F auid=unset", "Does not record messages of programs if the login user is not set.")
	f("-a never,filesystem -F fstype=tracefs", "Does not record the files (PATH records) of a file system if the file system is tracefs.")
	f("-a always,io_uring -S openat -F success=0", "Records openat if it fails.")
	f("-a always,exit -F arch=b64 -S kill -F a1=9 -C uid!=obj_uid -F pid>100",
		"Records kill of 64-bit programs if argument 1 (counted from 0) is 0x9, the user is not the file's owner and the process is above 100.")
	f("-a always,exit -F arch=b64 -S connect -F saddr_fam=inet -F success=1", "Records connect of 64-bit programs if the address family is inet and it succeeds.")
	f("-a always,exit -S , -F filetype=socket", "Records no system call at all if the file's type is socket.")
	f("-a always,exit -F arch=aarch64 -S 2000", "Records number 2000 of aarch64 programs.")
}

func TestCostAndTwin(t *testing.T) {
	b64, b32 := len(tables.Syscalls(tables.ArchX86_64)), len(tables.Syscalls(tables.ArchI386))
	totals := strings.NewReplacer("ALL", fmt.Sprint(b64+b32), "B64", fmt.Sprint(b64))
	f := func(line, evaluated string, twin ...string) {
		t.Helper()
		got := Rules([]rule.Rule{parse(t, line)}, Options{Names: names})[0]
		if want := totals.Replace(evaluated); got.Evaluated != want {
			t.Errorf("%q: evaluated %s, want %s", line, got.Evaluated, want)
		}
		if diff := cmp.Diff(got.Twin, twin); diff != "" {
			t.Errorf("%q: twin: got -, want +\n%s", line, diff)
		}
		for _, line := range twin {
			parse(t, line)
		}
	}
	f("-a always,exit -F arch=b64 -S execve,execveat", "on 2 of ALL system calls")
	f("-a always,exit -F arch=b64 -S all -F uid=0", "on B64 of ALL system calls")
	f("-a always,exit -S all -F uid=0", "on every system call (ALL)")
	f("-w /etc/passwd -p wa -k x", "only when the file, or one in the same place of a hash, is touched: on every system call (ALL)",
		"-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=wa -F key=x", "-a always,exit -F arch=b32 -F path=/etc/passwd -F perm=wa -F key=x")
	f("-w /a/dir -p x", "on every system call (ALL)",
		"-a always,exit -F arch=b64 -F dir=/a/dir -F perm=x", "-a always,exit -F arch=b32 -F dir=/a/dir -F perm=x")
	f("-a never,task", "on every new process")
	f("-a never,user", "on every message of a program")
	f("-a never,exclude -F msgtype=CWD", "on every record")
	f("-a never,filesystem -F fstype=tracefs", "on every file that a recorded call touches")
	f("-a never,io_uring -S openat,close", "on 2 io_uring operations")
}

const trail = `node=a type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes key="exec"` + "\x1d" + `ARCH=x86_64
type=PATH msg=audit(1700000000.000:1): item=0 name="key=\"exec\""
no record at all
type=CONFIG_CHANGE msg=audit(1700000001.000:2): op=add_rule key="exec" list=4 res=1
type=SYSCALL msg=audit(1700000004.500:3): arch=c000003e syscall=2 success=yes key=6578656301706C61696E
type=URINGOP msg=audit(1700000005.000:4): uring_op=openat success=yes key="ring"
type=SYSCALL msg=audit(1700000010.000:5): arch=c000003e syscall=2 success=yes key=(null)
`

func TestCount(t *testing.T) {
	c, err := Count(strings.NewReader(trail + strings.Repeat("x", 200_000) + "\n" + trail))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint64{"exec": 4, "plain": 2, "ring": 2}
	if diff := cmp.Diff(c.Events, want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
	if rate, ok := c.PerSecond("exec"); !ok || rate != 0.4 {
		t.Errorf("PerSecond: %v, %v, want 0.4", rate, ok)
	}
	rules := Rules([]rule.Rule{parse(t, "-w /a -k exec"), parse(t, "-w /b -k exec"), parse(t, "-w /c")}, Options{Names: names, Counts: &c})
	if r := rules[1]; r.PerSecond == nil || *r.PerSecond != 0.4 || r.SharedBy != 2 {
		t.Errorf("rate of a shared key: %+v", r)
	}
	if rules[2].PerSecond != nil {
		t.Error("a rule without a key has a rate")
	}
}

func TestCountErrors(t *testing.T) {
	c, err := Count(strings.NewReader(""))
	if _, ok := c.PerSecond("x"); err != nil || ok {
		t.Errorf("an empty trail: %v, %v", err, ok)
	}
	broken := errors.New("broken")
	if _, err := Count(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

func FuzzCount(f *testing.F) {
	f.Add([]byte(trail))
	f.Add([]byte("type=SYSCALL msg=audit(1.000:1): key="))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Count(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		for key := range c.Events {
			c.PerSecond(key)
		}
	})
}
