package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/format"
	"vigil/internal/setting"
)

// Options are the settings of a program sink.
type Options struct {
	Command []string         `yaml:"command" help:"The program, with its full path, and its arguments. No shell reads them."`
	Confirm setting.Duration `yaml:"confirm" help:"How long the program must go on after a batch for it to count as taken. When it ends before, the batch is written again to the next one."`
	Grace   setting.Duration `yaml:"grace" help:"How long the program has to end after its input is closed, before it is killed."`
}

// Kind returns the kind of sink.
func Kind() forward.Kind {
	k := forward.Settings(Options{
		Command: []string{}, Confirm: setting.Duration(time.Second), Grace: setting.Duration(5 * time.Second),
	}, check, open)
	k.Name = "program"
	k.Summary = "the standard input of a program that is kept running"
	k.Formats = form.From(form.Enriched)
	return k
}

func check(o *Options) error {
	switch {
	case len(o.Command) == 0:
		return errors.New("command is missing: write it like [/usr/local/bin/collect, --flag]")
	case !filepath.IsAbs(o.Command[0]):
		return fmt.Errorf("command: %q is not a full path", o.Command[0])
	}
	return nil
}

func open(_ context.Context, o *Options, s forward.Setup) (forward.Sink, forward.Encoder, error) {
	return &program{o: *o, name: s.Name, log: s.Log}, lines{s.Format}, nil
}

// lines encodes events as their format does.
type lines struct{ format format.Encoder }

// Append is for [forward.Encoder].
func (l lines) Append(dst []byte, e forward.Event) []byte { return forward.Lines(dst, l.format, e) }

// program is one that runs, if it does.
type program struct {
	o     Options
	name  string
	log   *slog.Logger
	stdin *os.File
	cmd   *exec.Cmd
	ended chan struct{} // closed when the program has
	how   error
}

// Limits is for [forward.Sink].
func (p *program) Limits() forward.Limits {
	return forward.Limits{MaxBytes: 256 << 10, Linger: 50 * time.Millisecond, Hold: time.Duration(p.o.Confirm)}
}

// Send is for [forward.Sink].
func (p *program) Send(ctx context.Context, b *forward.Batch) error {
	if err := p.Standing(); err != nil {
		return err
	}
	if p.cmd == nil {
		if err := p.start(); err != nil {
			return err
		}
	}
	// A program that does not read keeps nothing waiting but this.
	stop := context.AfterFunc(ctx, func() { _ = p.stdin.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	for i := range b.Items {
		if _, err := p.stdin.Write(b.Items[i].Data); err != nil {
			return p.gone(fmt.Errorf("write to %s: %w", p.o.Command[0], err))
		}
	}
	return nil
}

// Standing is for [forward.Standing].
func (p *program) Standing() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.ended:
		return p.gone(fmt.Errorf("%s has ended: %w", p.o.Command[0], p.how))
	default:
		return nil
	}
}

// gone lets go of a program: what it was written last may be lost with it.
func (p *program) gone(err error) error {
	return &forward.Broken{Err: errors.Join(err, p.Close())}
}

var errEnded = errors.New("exit status 0")

func (p *program) start() error {
	in, stdin, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.o.Command[0], err)
	}
	said := &teller{log: p.log, sink: p.name}
	cmd := exec.Command(p.o.Command[0], p.o.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, said, said
	// In a group of its own, so that a Ctrl-C is for us: the program ends when its
	// input does.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", p.o.Command[0], err), in.Close(), stdin.Close())
	}
	in.Close() //nolint:errcheck // the program has it
	ended := make(chan struct{})
	p.cmd, p.stdin, p.ended = cmd, stdin, ended
	go func() {
		if p.how = cmd.Wait(); p.how == nil {
			p.how = errEnded
		}
		close(ended)
	}()
	return nil
}

// Close is for [forward.Sink]. It closes the program's input and waits for it to end.
func (p *program) Close() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	err := p.stdin.Close()
	grace := time.NewTimer(time.Duration(p.o.Grace))
	defer grace.Stop()
	select {
	case <-p.ended:
	case <-grace.C:
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
	return err
}

// teller puts what a program says into our log, line by line, and no more of it than
// somebody reads.
type teller struct {
	log  *slog.Logger
	sink string

	mu    sync.Mutex
	line  []byte
	lines int
}

// Bounds of what is passed on.
const (
	maxSaid     = 1000 // bytes of a line
	maxSayings  = 100  // lines of one run
	enoughLines = "the program says more, which is not passed on"
)

var _ io.Writer = (*teller)(nil)

// Write takes a part of what the program says.
func (t *teller) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rest := b; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		t.line = append(t.line, line[:min(len(line), maxSaid-len(t.line))]...)
		if rest = after; ended {
			t.say()
		}
	}
	return len(b), nil
}

func (t *teller) say() {
	switch t.lines++; {
	case len(t.line) == 0:
	case t.lines <= maxSayings:
		t.log.Info("the program of a sink says", "sink", t.sink, "line", string(t.line))
	case t.lines == maxSayings+1:
		t.log.Info(enoughLines, "sink", t.sink)
	}
	t.line = t.line[:0]
}
