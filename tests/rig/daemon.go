package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options says how to start a daemon. The zero value but for Dir is a good one.
type Options struct {
	Dir    string            // the daemon's own folder, made if absent; a second start continues its trail
	Format string            // RAW or ENRICHED; RAW when empty
	Rules  []string          // lines of rules.d/test.rules; both daemons get the same file; nil: no such file
	Conf   map[string]string // keys of auditd.conf that replace or complete Conf's

	Output string                 // vigil's --output; none when empty
	Args   []string               // more arguments for vigil run
	Stdout *os.File               // where vigil's events go; nowhere when nil
	Stderr *os.File               // where the daemon's messages go; kept in memory when nil
	Wrap   []string               // a command that starts vigil, such as setpriv with its options
	Env    []string               // added to vigil's environment
	NoWait bool                   // do not wait until it is ready
	Extra  func(dir string) error // called when the folder is laid out, before the start
}

// Daemon is a running vigil or auditd.
type Daemon struct {
	Name string // "vigil" or "auditd", and its format
	Dir  string

	cmd    *exec.Cmd
	stderr lockedBuffer
	exited chan struct{}
	err    error // of Wait; read after exited is closed
}

// Conf is the auditd.conf that both daemons run with: Debian's, but for a log that does not rotate by itself and
// for space actions that never touch the machine.
func Conf(dir, format string, more map[string]string) string {
	keys := []string{"local_events", "write_logs", "log_file", "log_group", "log_format", "flush", "freq", "max_log_file",
		"num_logs", "priority_boost", "name_format", "max_log_file_action", "space_left", "space_left_action",
		"admin_space_left", "admin_space_left_action", "disk_full_action", "disk_error_action", "q_depth",
		"overflow_action", "plugin_dir", "end_of_event_timeout"}
	values := map[string]string{
		"local_events": "yes", "write_logs": "yes", "log_file": filepath.Join(dir, "log", "audit.log"), "log_group": "root",
		"log_format": format, "flush": "INCREMENTAL_ASYNC", "freq": "50", "max_log_file": "4000", "num_logs": "5",
		"priority_boost": "4", "name_format": "NONE", "max_log_file_action": "ROTATE", "space_left": "2",
		"space_left_action": "IGNORE", "admin_space_left": "1", "admin_space_left_action": "IGNORE",
		"disk_full_action": "SUSPEND", "disk_error_action": "SUSPEND", "q_depth": "2000", "overflow_action": "SYSLOG",
		"plugin_dir": filepath.Join(dir, "plugins.d"), "end_of_event_timeout": "2",
	}
	for key, value := range more {
		if _, known := values[key]; !known {
			keys = append(keys, key)
		}
		values[key] = value
	}
	var out strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&out, "%s = %s\n", key, values[key])
	}
	return out.String()
}

// layOut writes the daemon's folder: auditd.conf, rules.d, plugins.d, log, state, run.
func (o *Options) layOut() error {
	if o.Format == "" {
		o.Format = "RAW"
	}
	for _, sub := range []string{"log", "rules.d", "plugins.d", "state", "run"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, sub), 0o750); err != nil {
			return fmt.Errorf("lay out daemon folder: %w", err)
		}
	}
	err := os.WriteFile(filepath.Join(o.Dir, "auditd.conf"), []byte(Conf(o.Dir, o.Format, o.Conf)), 0o640)
	if err == nil && len(o.Rules) > 0 {
		err = os.WriteFile(filepath.Join(o.Dir, "rules.d", "test.rules"), []byte(strings.Join(o.Rules, "\n")+"\n"), 0o640)
	}
	if err == nil && o.Extra != nil {
		err = o.Extra(o.Dir)
	}
	return err
}

// StartVigil runs `vigil run` in o.Dir and returns when it has said READY=1, which is to mean: registered, rules
// loaded, trail open.
func StartVigil(ctx context.Context, tools Tools, o Options) (*Daemon, error) {
	if err := o.layOut(); err != nil {
		return nil, err
	}
	output := o.Output
	if output == "" {
		output = "none"
	}
	argv := append([]string{}, o.Wrap...)
	argv = append(argv, tools.Vigil, "run", "--output", output, "--audit-dir", o.Dir,
		"--state-dir", filepath.Join(o.Dir, "state"), "--run-dir", filepath.Join(o.Dir, "run"))
	d := newDaemon("vigil "+o.Format, o, append(argv, o.Args...))
	if o.NoWait {
		return d, d.start()
	}
	socket := filepath.Join(o.Dir, "notify")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("listen for readiness: %w", err)
	}
	defer func() { _ = notify.Close() }()
	d.cmd.Env = append(d.cmd.Env, "NOTIFY_SOCKET="+socket)
	if err := d.start(); err != nil {
		return nil, err
	}
	return d, d.await(ctx, "READY=1", func() (bool, error) {
		return ready(notify)
	})
}

// ready reads one message of the service manager's protocol, if there is one.
func ready(notify *net.UnixConn) (bool, error) {
	buf := make([]byte, 4096)
	if err := notify.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		return false, err
	}
	n, err := notify.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, nil
	}
	return err == nil && bytes.Contains(buf[:n], []byte("READY=1")), err
}

// StartAuditd runs stock auditd in o.Dir, not forking (-n; with -f it would print records instead of logging them), and
// loads the rules with stock auditctl. Its messages go to the syslog.
func StartAuditd(ctx context.Context, o Options) (*Daemon, error) {
	if err := o.layOut(); err != nil {
		return nil, err
	}
	d := newDaemon("auditd "+o.Format, o, []string{"auditd", "-n", "-c", o.Dir})
	if err := d.start(); err != nil {
		return nil, err
	}
	err := d.await(ctx, "registration", func() (bool, error) {
		s, err := ReadState(ctx)
		return err == nil && s.PID == d.PID() && s.Enabled == 1, err
	})
	if err == nil && len(o.Rules) > 0 {
		if err = LoadRules(ctx, filepath.Join(o.Dir, "rules.d", "test.rules")); err != nil {
			err = errors.Join(err, d.Stop())
		}
	}
	return d, err
}

func newDaemon(name string, o Options, argv []string) *Daemon {
	d := &Daemon{Name: name, Dir: o.Dir, cmd: exec.Command(argv[0], argv[1:]...), exited: make(chan struct{})}
	d.cmd.Env = append(os.Environ(), o.Env...)
	d.cmd.Dir = "/"
	if o.Stdout != nil {
		d.cmd.Stdout = o.Stdout
	}
	d.cmd.Stderr = &d.stderr
	if o.Stderr != nil {
		d.cmd.Stderr = o.Stderr
	}
	// A daemon must not outlive a test that is killed: the audit engine is the whole machine's.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return d
}

func (d *Daemon) start() error {
	started := make(chan error)
	go func() {
		// Pdeathsig follows the thread that forked, so that thread waits too.
		lockThread()
		err := d.cmd.Start()
		started <- err
		if err == nil {
			d.err = d.cmd.Wait()
			close(d.exited)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", d.Name, err)
	}
	return nil
}

// await polls until is says yes. If it never does, the daemon is stopped and the error says what it printed.
func (d *Daemon) await(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		select {
		case <-d.exited:
			return fmt.Errorf("start %s: ended before %s: %v: %s", d.Name, what, d.err, d.Messages())
		default:
		}
		yes, err := is()
		if yes && err == nil {
			return nil
		}
		if err == nil {
			err = Pause(ctx, 10*time.Millisecond)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("start %s: wait for %s: %w: %s", d.Name, what, err, d.Messages()), d.Stop())
		}
	}
}

// PID is the daemon's process id (the wrapper's, when there is one that does not exec).
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Log is the path of the daemon's live log.
func (d *Daemon) Log() string { return filepath.Join(d.Dir, "log", "audit.log") }

// Messages is what the daemon has printed to stderr so far.
func (d *Daemon) Messages() string { return d.stderr.String() }

// Signal sends a signal to the daemon's process.
func (d *Daemon) Signal(sig syscall.Signal) error { return d.cmd.Process.Signal(sig) }

// Exited is closed when the daemon is gone.
func (d *Daemon) Exited() <-chan struct{} { return d.exited }

// Stop asks the daemon to end, waits until it has, and returns an error if it took over 30 s or failed.
func (d *Daemon) Stop() error { return d.End(syscall.SIGTERM) }

// End sends sig and waits for the end. A daemon that was killed, or that is gone already, is no error.
func (d *Daemon) End(sig syscall.Signal) error {
	if err := d.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", d.Name, err)
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-d.exited:
		if d.err != nil && sig != syscall.SIGKILL {
			return fmt.Errorf("end %s: %w: %s", d.Name, d.err, d.Messages())
		}
		return nil
	case <-timer.C:
		_ = d.Signal(syscall.SIGKILL)
		<-d.exited
		return fmt.Errorf("end %s: still there 30 s after %v: %s", d.Name, sig, d.Messages())
	}
}

// lockedBuffer is a bytes.Buffer for one writer and other readers.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write appends p.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
