package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// invocations are command lines of auditctl, run one after the other: what each leaves in the kernel is there for the
// next. RULES stands for a rule file of the test's.
var invocations = [][]string{
	{"-l"},
	{"-s"},
	{"-s", "-i"},
	{"-v"},
	{"-h"},
	{},
	{"--help"},
	{"-a", "always,exit", "-F", "arch=b64", "-S", "openat", "-F", "uid=12345", "-k", "one"},
	{"-a", "always,exit", "-F", "arch=b64", "-S", "openat", "-F", "uid=12345", "-k", "one"},
	{"-a", "exit,always", "-F", "arch=b32", "-S", "open,close", "-F", "uid=12345", "-k", "two", "-k", "three"},
	{"-A", "never,exit", "-F", "arch=b64", "-S", "all", "-F", "pid=1"},
	{"-a", "always,exit", "-S", "open", "-F", "uid=54321"},
	{"-w", "/etc/passwd", "-p", "wa", "-k", "watch"},
	{"-w", "/etc/", "-p", "wa", "-k", "tree"},
	{"-w", "/etc/nosuch/deep", "-p", "wa"},
	{"-w", "etc/passwd"},
	{"-w", "/etc/../etc/group", "-p", "r"},
	{"-w", "/etc/*.conf", "-p", "r"},
	{"-a", "never,exclude", "-F", "msgtype=CWD"},
	{"-a", "never,user", "-F", "uid=54321"},
	{"-a", "never,task", "-F", "uid=54321"},
	{"-a", "never,filesystem", "-F", "fstype=tracefs"},
	{"-a", "always,exit", "-F", "arch=b64", "-S", "execve", "-C", "auid!=obj_uid", "-F", "exit=-EACCES", "-F", "a1&=0x41"},
	{"-l"},
	{"-l", "-i"},
	{"-l", "-k", "one"},
	{"-l", "-k", "re"},
	{"-l", "-k", "nosuch"},
	{"-l", "-k"},
	{"-d", "always,exit", "-F", "arch=b64", "-S", "openat", "-F", "uid=12345", "-k", "one"},
	{"-d", "always,exit", "-F", "arch=b64", "-S", "openat", "-F", "uid=12345", "-k", "one"},
	{"-W", "/etc/passwd", "-p", "wa", "-k", "watch"},
	{"-W", "/etc/passwd", "-p", "wa", "-k", "watch"},
	{"-D", "-k", "two"},
	{"-l"},
	{"-D", "-i", "two"},
	{"-D"},
	{"-a", "always,exit", "-S", "nosuch"},
	{"-a", "always,exit", "-S", "open,nosuch"},
	{"-a", "always,exit", "-F", "nosuch=1"},
	{"-a", "always,exit", "-F", "uid=nosuch"},
	{"-a", "always,nosuch"},
	{"-a", "always,exit", "-S", "open", "-F", "arch=b64"},
	{"-a", "always,exit", "-F", "path=/etc/passwd", "-F", "path=/etc/group"},
	{"-a", "always,exit", "-k", "early", "-S", "open"},
	{"-a", "always,exit", "stray"},
	{"-F", "uid=0", "-a", "always,exit"},
	{"-a", "exit,possible", "-S", "open"},
	{"-z"},
	{"--nosuch"},
	{"-b", "100"},
	{"-b", "many"},
	{"-f", "1"},
	{"-f", "3"},
	{"-e", "0"},
	{"-e", "1", "-r", "0"},
	{"-e", "7"},
	{"-r", "5000"},
	{"--backlog_wait_time", "10000"},
	{"--backlog_wait", "15000"},
	{"--reset-lost"},
	{"--reset_backlog_wait_time_actual"},
	{"-m", "a message"},
	{"-m", "two", "words"},
	{"-t"},
	{"-q", "/tmp,/var"},
	{"-q", "/tmp,/nosuch"},
	{"-q", "/tmp"},
	{"--signal", "HUP"},
	{"--signal", "nosuch"},
	{"-i"},
	{"-c"},
	{"-R", "/nosuch/file"},
	{"-R", "RULES"},
	{"-R", "RULES", "-i"},
	{"-l"},
	{"-sl"},
	{"-laalways,exit"},
	{"-D"},
}

const invocationRules = `# a comment
-D
-b 200
-f 1
-w /etc/passwd -p wa -k one

-a always,exit -S open -F uid=54321
-w /tmp/with\ blank -p r
-a always,exit -F arch=b64 -S nosuch
-w /etc/group -p wa -k never-loaded
`

// differences are what auditctl prints and ours does not: the section of docs/auditctl-differences.md says why.
var differences = []struct{ section, stock, ours string }{
	{"Names of system calls after a b32 rule", "-S fork -F uid=54321", "-S open -F uid=54321"},
}

// onPurpose makes of what stock auditctl prints what ours is to print.
func onPurpose(text string) string {
	for _, d := range differences {
		text = strings.ReplaceAll(text, d.stock, d.ours)
	}
	return text
}

// TestInvocations runs the same command lines with stock auditctl and ours and compares output, exit status and what
// the kernel has after each.
func TestInvocations(t *testing.T) {
	b := newBed(t)
	file := b.file("test.rules", invocationRules)
	type step struct {
		Args   []string
		Result result
		Rules  []string
	}
	play := func(program func(...string) result) []step {
		b.reset()
		var steps []step
		for _, args := range invocations {
			given := append([]string{}, args...)
			for i := range given {
				if given[i] == "RULES" {
					given[i] = file
				}
			}
			steps = append(steps, step{args, program(given...), b.rules()})
		}
		return steps
	}
	stock, ours := play(b.stock), play(b.ours)
	for i := range stock {
		stock[i].Result.Out = onPurpose(stock[i].Result.Out)
		if diff := cmp.Diff(ours[i], stock[i], cmp.Transformer("counts", withoutCounts)); diff != "" {
			t.Errorf("auditctl %q: got -, stock +\n%s", stock[i].Args, diff)
		}
	}
	t.Logf("%d invocations", len(stock))
}
