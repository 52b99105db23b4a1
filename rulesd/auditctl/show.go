package auditctl

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// list prints the rules, or those with a key.
func (c *controller) list(ctx context.Context, key string, interpret bool) error {
	rules, err := rulesd.KernelRules(ctx, c.engine)
	if err != nil {
		return c.failed(err, "Error sending rule list data request (%s)")
	}
	if len(rules) == 0 {
		c.print("No rules")
		return nil
	}
	style := rule.Style{Stock: true, Interpret: interpret, Machine: c.deps.Env.Machine}
	for i := range rules {
		if hasKey(&rules[i], key) {
			c.print("%s", rules[i].Text(style))
		}
	}
	return nil
}

// showStatus is -s.
func (c *controller) showStatus(ctx context.Context, interpret bool) error {
	status, err := c.engine.Status(ctx)
	if err != nil {
		return c.failed(err, "Error sending status request (%s)")
	}
	c.printStatus(&status, interpret)
	on, locked, err := c.engine.LoginuidImmutable(ctx)
	if err != nil {
		return nil // a kernel without features
	}
	lock := "unlocked"
	if locked {
		lock = "locked"
	}
	value := 0
	if on {
		value = 1
	}
	c.print("loginuid_immutable %d %s", value, lock)
	return nil
}

// printStatus prints the kernel's status, a line for each number.
func (c *controller) printStatus(s *rulesd.Status, interpret bool) {
	enabled, failure := fmt.Sprint(s.Enabled), fmt.Sprint(s.Failure)
	if interpret {
		enabled = nth(s.Enabled, "disable", "enabled", "enabled+immutable")
		failure = nth(s.Failure, "silent", "printk", "panic")
	}
	c.print("enabled %s", enabled)
	c.print("failure %s", failure)
	c.print("pid %d", s.PID)
	c.print("rate_limit %d", s.RateLimit)
	c.print("backlog_limit %d", s.BacklogLimit)
	c.print("lost %d", s.Lost)
	c.print("backlog %d", s.Backlog)
	c.print("backlog_wait_time %d", s.BacklogWaitTime)
	if s.BacklogWaitTimeActual != nil {
		c.print("backlog_wait_time_actual %d", *s.BacklogWaitTimeActual)
	}
}

func nth(n uint32, names ...string) string {
	if int(n) < len(names) {
		return names[n]
	}
	return "unknown"
}

// userMessage is the text of -m in the form of libaudit's user messages.
func userMessage(text, exe string) string {
	host, terminal := "?", "?"
	if term.IsTerminal(int(os.Stdin.Fd())) {
		if name, err := os.Readlink("/proc/self/fd/0"); err == nil {
			terminal = strings.TrimPrefix(name, "/dev/")
		}
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return fmt.Sprintf("text=%s exe=%q hostname=%s addr=? terminal=%s res=success", text, exe, host, terminal)
}

func (c *controller) usage() { fmt.Fprint(c.io.out, usageText) }
