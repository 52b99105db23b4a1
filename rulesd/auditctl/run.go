package auditctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"vigil/audit/tables"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// Exit statuses of auditctl.
const (
	exitDone   = 0
	exitFailed = 1
	exitRoot   = 4   // not enough privilege
	exitError  = 255 // most errors: -1 to its main
)

// Run is auditctl with the arguments after its name. It returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer, deps Deps) int {
	deps = deps.withDefaults()
	c := &controller{deps: deps, io: streams{stdout, stderr}}
	defer c.close()
	if len(args) == 0 {
		c.usage()
		return exitFailed
	}
	if !helpOnly(args) && !deps.CanControl() {
		c.complain("You must be root to run this program.")
		return exitRoot
	}
	if len(args) == 2 && args[0] == "-R" {
		return c.runFile(ctx, args[1])
	}
	_, words := rule.Join(args)
	return c.runLine(ctx, words)
}

// helpOnly reports whether the arguments are those that everybody may use.
func helpOnly(args []string) bool {
	return len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "-l" && os.Geteuid() == 0)
}

// controller carries commands out.
type controller struct {
	deps   Deps
	io     streams
	engine rulesd.Engine // nil before it is needed

	toSyslog bool           // -R, before its first rule
	status   *rulesd.Status // to be printed in the end: as it was after the first setting
}

func (c *controller) close() {
	if c.engine != nil {
		_ = c.engine.Close()
	}
}

// complain says something about the command.
func (c *controller) complain(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.toSyslog {
		c.deps.Syslog(text)
		return
	}
	fmt.Fprintln(c.io.err, text)
}

func (c *controller) print(format string, args ...any) {
	fmt.Fprintf(c.io.out, format+"\n", args...)
}

// errReported is an error that has been complained about.
var errReported = errors.New("reported")

// connect opens the engine.
func (c *controller) connect(ctx context.Context) error {
	if c.engine != nil {
		return nil
	}
	engine, err := c.deps.Open(ctx)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		c.complain("Cannot open netlink audit socket")
		return errReported
	}
	c.engine = engine
	return nil
}

// runLine carries one command line out.
func (c *controller) runLine(ctx context.Context, words []rule.Word) int {
	if err := c.connect(ctx); err != nil {
		return c.exit(err)
	}
	cmd := rule.Parse(words, c.deps.Env)
	err := c.ops(ctx, cmd.Ops)
	if err == nil && cmd.Err != nil {
		c.complainOf(cmd.Err)
		err = errReported
	}
	if cmd.Deprecated {
		return exitDone
	}
	if cmd.Verb != rule.None && err == nil {
		if status, err := c.engine.Status(ctx); err == nil && status.Enabled == rulesd.EnabledLocked {
			c.complain("The audit system is in immutable mode, no rule changes allowed")
			return exitFailed
		}
	}
	if err == nil {
		err = c.finish(ctx, &cmd)
	}
	return c.exit(err)
}

// exit turns a command's error into an exit status.
func (c *controller) exit(err error) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, syscall.ECONNREFUSED):
		// What a kernel without audit, or a user namespace, answers.
		c.complain("The audit system is disabled")
		return exitDone
	}
	return exitError
}

// complainOf prints what is wrong with a line.
func (c *controller) complainOf(e *rule.Error) {
	if e.Stock != "" {
		c.complain("%s", e.Stock)
	}
}

// finish does what a command asks for after its settings: its rule, or the
// status.
func (c *controller) finish(ctx context.Context, cmd *rule.Command) error {
	switch {
	case cmd.Verb == rule.Add:
		return c.send(ctx, &cmd.Rule, "add", c.engine.AddRule)
	case cmd.Verb == rule.Delete:
		return c.send(ctx, &cmd.Rule, "delete", c.engine.DeleteRule)
	case cmd.Status && c.status != nil:
		c.printStatus(c.status, false)
	}
	return nil
}

// send adds or deletes a rule.
func (c *controller) send(ctx context.Context, r *rule.Rule, verb string, request func(context.Context, []byte) error) error {
	c.toSyslog = false // from the first rule on -R complains on stderr
	err := request(ctx, r.AppendBinary(nil))
	if errors.Is(err, syscall.EINVAL) && len(r.Fields) > 0 && r.Fields[0].Field == tables.FieldDir {
		// A kernel that knows no trees.
		old := r.Clone()
		old.Fields[0].Field = tables.FieldPath
		err = request(ctx, old.AppendBinary(nil))
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return err
	case errors.Is(err, syscall.EEXIST):
		c.complain("Error sending %s rule data request (Rule exists)", verb)
	default:
		c.complain("Error sending %s rule data request (%s)", verb, strerror(err))
	}
	return errReported
}

// ops carries settings and requests out, one after the other.
func (c *controller) ops(ctx context.Context, ops []rule.Op) error {
	for _, op := range ops {
		if err := c.op(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

func (c *controller) op(ctx context.Context, op rule.Op) error {
	switch op.Kind {
	case rule.OpNote:
		if op.Text != "" {
			c.complain("%s", op.Text)
		}
	case rule.OpHelp:
		c.usage()
	case rule.OpVersion:
		c.print("auditctl version %s", Version)
	case rule.OpStatus:
		return c.showStatus(ctx, op.Interpret)
	case rule.OpList:
		return c.list(ctx, op.Text, op.Interpret)
	case rule.OpDeleteAll:
		return c.deleteAll(ctx, op.Text)
	case rule.OpSignal:
		return c.signal(ctx, op.Text)
	case rule.OpEnabled, rule.OpFailure, rule.OpRate, rule.OpBacklog, rule.OpBacklogWait:
		return c.set(ctx, op)
	case rule.OpIgnore, rule.OpContinue, rule.OpNested:
	default:
		return c.do(ctx, op)
	}
	return nil
}

// set changes a setting, and keeps the status after the first one for the end.
func (c *controller) set(ctx context.Context, op rule.Op) error {
	name := map[rule.OpKind]string{
		rule.OpEnabled: "enable", rule.OpFailure: "failure mode", rule.OpRate: "rate limit",
		rule.OpBacklog: "backlog limit", rule.OpBacklogWait: "backlog limit",
	}[op.Kind]
	if err := c.engine.Set(ctx, op.Kind, op.Number); err != nil {
		return c.failed(err, "Error sending "+name+" request (%s)")
	}
	if c.status == nil {
		if status, err := c.engine.Status(ctx); err == nil {
			c.status = &status
		}
	}
	return nil
}

// failed complains of a request that the kernel refused.
func (c *controller) failed(err error, format string) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	c.complain(format, strerror(err))
	return errReported
}

// do carries a request out.
func (c *controller) do(ctx context.Context, op rule.Op) error {
	if op.Kind == rule.OpMessage {
		op.Text = userMessage(op.Text, c.deps.Exe)
	}
	value, err := c.engine.Do(ctx, op)
	switch {
	case err != nil:
		return c.failed(err, map[rule.OpKind]string{
			rule.OpTrim: "Error sending trim subtrees command (%s)", rule.OpEquivalent: "Error sending make_equivalent command (%s)",
			rule.OpMessage: "Error sending user message request (%s)", rule.OpLoginuidFixed: "Error setting feature (%s)",
			rule.OpResetLost: "Error sending lost reset request (%s)", rule.OpResetBacklogWait: "Error sending backlog wait time actual reset request (%s)",
		}[op.Kind])
	case op.Kind == rule.OpResetLost:
		c.complain("lost: %d", value)
	case op.Kind == rule.OpResetBacklogWait:
		c.complain("backlog_wait_time_actual: %d", value)
	}
	return nil
}

// deleteAll is -D.
func (c *controller) deleteAll(ctx context.Context, key string) error {
	rules, err := rulesd.KernelRules(ctx, c.engine)
	if err != nil {
		return c.failed(err, "Error receiving rules list (%s)")
	}
	for i := range rules {
		if !hasKey(&rules[i], key) {
			continue
		}
		if err := c.engine.DeleteRule(ctx, rules[i].AppendBinary(nil)); err != nil && !errors.Is(err, syscall.ENOENT) {
			return c.failed(err, "Error deleting rule (%s)")
		}
	}
	return c.list(ctx, key, false)
}

// hasKey reports whether one of a rule's keys contains the text. The keys count as
// the kernel has them: in one string.
func hasKey(r *rule.Rule, key string) bool {
	f := r.Find(tables.FieldKey)
	return key == "" || f != nil && strings.Contains(f.Text, key)
}

// signal is --signal: one of the signals that the audit daemon knows.
func (c *controller) signal(ctx context.Context, name string) error {
	var sig syscall.Signal
	switch strings.ToLower(name) {
	case "term", "stop":
		sig = syscall.SIGTERM
	case "hup", "reload":
		sig = syscall.SIGHUP
	case "usr1", "rotate":
		sig = syscall.SIGUSR1
	case "usr2", "resume":
		sig = syscall.SIGUSR2
	case "cont", "state":
		sig = syscall.SIGCONT
	default:
		c.complain("%s is an unsupported signal", name)
		return errReported
	}
	status, err := c.engine.Status(ctx)
	if err != nil {
		return c.failed(err, "Error sending status request (%s)")
	}
	if status.PID == 0 {
		c.complain("Auditd is not running")
		return nil
	}
	if err := c.deps.Kill(int(status.PID), sig); err != nil {
		return c.failed(err, "Failed sending signal to auditd (%s)")
	}
	return nil
}
