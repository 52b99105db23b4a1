package auditctl

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// maxLine bounds a line of a rule file.
const maxLine = 64 << 10

// runFile is -R: each line is carried out as it comes, up to the first error, as
// auditctl does it. `vigil rules apply` loads a set whole or not at all.
func (c *controller) runFile(ctx context.Context, path string) int {
	c.toSyslog = true
	if err := c.connect(ctx); err != nil {
		return exitFailed
	}
	status, err := c.engine.Status(ctx)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		c.complain("The audit system is disabled")
		return exitFailed
	case err == nil && status.Enabled == rulesd.EnabledLocked:
		c.complain("The audit system is in immutable mode, no rule changes allowed")
		return exitFailed
	}
	f := c.open(path)
	if f == nil {
		return exitFailed
	}
	defer f.Close()
	return c.lines(ctx, path, f)
}

// open opens a rule file if nobody but root can have written it.
func (c *controller) open(path string) *os.File {
	const worldWrite = 0o002
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			c.complain("audit rules file %s doesn't exist", path)
		} else {
			c.complain("Error opening %s (%s)", path, strerror(err))
		}
		return nil
	}
	info, err := f.Stat()
	bad := ""
	if err == nil {
		owner, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok || owner.Uid != 0:
			bad = "isn't owned by root"
		case info.Mode().Perm()&worldWrite != 0:
			bad = "is world writable"
		case !info.Mode().IsRegular():
			bad = "is not a regular file"
		}
	}
	if err == nil && bad == "" {
		return f
	}
	if bad != "" {
		c.complain("Error - %s %s", path, bad)
	} else {
		c.complain("Error fstat'ing %s (%s)", path, strerror(err))
	}
	_ = f.Close()
	return nil
}

// lines carries a file's lines out.
func (c *controller) lines(ctx context.Context, path string, r io.Reader) int {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 8<<10), maxLine)
	ignore, failing := false, false
	failed := exitDone
	for number := 1; in.Scan(); number++ {
		words := rule.Split(strings.TrimRight(in.Text(), "\r"))
		if len(words) == 0 {
			continue
		}
		cmd := rule.Parse(words, c.deps.Env)
		for _, op := range cmd.Ops {
			ignore = ignore || op.Kind == rule.OpIgnore || op.Kind == rule.OpContinue
			failing = failing || op.Kind == rule.OpContinue
		}
		err := c.fileLine(ctx, &cmd, number)
		switch {
		case err == nil:
			continue
		case errors.Is(err, syscall.ECONNREFUSED):
			c.complain("The audit system is disabled")
			return exitDone
		}
		c.complain("There was an error in line %d of %s", number, path)
		if !ignore {
			return exitFailed
		}
		if failing {
			failed = exitFailed
		}
	}
	if err := in.Err(); err != nil {
		c.complain("Error opening %s (%s)", path, strerror(err))
		return exitFailed
	}
	return failed
}

// fileLine carries one line out.
func (c *controller) fileLine(ctx context.Context, cmd *rule.Command, number int) error {
	c.status = nil
	for i, op := range cmd.Ops {
		if op.Kind == rule.OpNote {
			cmd.Ops[i].Text = strings.Replace(op.Text, "syscall mismatch,", "syscall mismatch in line "+strconv.Itoa(number)+",", 1)
		}
	}
	if err := c.ops(ctx, cmd.Ops); err != nil {
		return err
	}
	if cmd.Err != nil {
		c.complainOf(cmd.Err)
		return errReported
	}
	return c.finish(ctx, cmd)
}
