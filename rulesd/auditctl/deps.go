package auditctl

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// Version is the version of auditctl whose manners these are.
const Version = "3.0.9"

// Deps are what auditctl takes from its surroundings. The zero value but for Open
// is this process's.
type Deps struct {
	// Open connects to the audit engine. It must be set.
	Open func(ctx context.Context) (rulesd.Engine, error)
	// CanControl says whether the process may change the audit engine. Default:
	// it has CAP_AUDIT_CONTROL.
	CanControl func() bool
	// Syslog takes what -R has to say before it has sent a rule. Default: it is
	// dropped.
	Syslog func(text string)
	// Kill sends a signal. Default: kill(2).
	Kill func(pid int, sig syscall.Signal) error
	// Env is what names in rules mean; PermAll is set.
	Env rule.Env
	// Exe is the program's path in messages. Default: that of this process.
	Exe string
}

func (d Deps) withDefaults() Deps {
	if d.CanControl == nil {
		d.CanControl = hasAuditControl
	}
	if d.Syslog == nil {
		d.Syslog = func(string) {}
	}
	if d.Kill == nil {
		d.Kill = syscall.Kill
	}
	if d.Exe == "" {
		d.Exe, _ = os.Executable()
	}
	d.Env.PermAll = true
	return d
}

// strerror is the C library's text of the errno in an error: Go's with a capital
// first letter. Errors without one are printed as they are.
func strerror(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	if text != "" && 'a' <= text[0] && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

// streams are where a program's words go.
type streams struct {
	out, err io.Writer
}
