package tree

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"vigil/enrich/attribution"
)

// answer is what Run has found.
type answer struct {
	key     key
	exec    uint32
	program *program // nil: the process is gone, or another one has its pid
}

// want asks Run for what p runs, unless too many are waiting.
func (t *Table) want(p *attribution.Process) {
	k := key{p.PID, p.Start}
	if t.asked[k] {
		return
	}
	if len(t.asked) < cap(t.wanted) {
		select {
		case t.wanted <- *p:
			t.asked[k] = true
			return
		default:
		}
	}
	t.refused++ // nobody will answer: it is to be asked again
}

// receive takes over what Run has found.
func (t *Table) receive() {
	if len(t.asked) == 0 {
		return
	}
	for {
		select {
		case a := <-t.read:
			delete(t.asked, a.key)
			if a.program == nil {
				t.stats.Gone++
				t.learn(a.key, &program{exec: a.exec, gone: true})
				continue
			}
			t.stats.Read++
			t.learn(a.key, a.program)
		default:
			return
		}
	}
}

// Run reads from /proc what was asked for, until ctx ends.
func (t *Table) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case p := <-t.wanted:
			a := answer{key: key{p.PID, p.Start}, exec: p.ExecID, program: readProgram(t.cfg.Proc, &p)}
			select {
			case t.read <- a:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// Load reads what a process runs, if that is not known, and waits for it: for all processes at the start, before Run.
func (t *Table) Load(p *attribution.Process) {
	if t.of(p) != nil {
		return
	}
	if c := readProgram(t.cfg.Proc, p); c != nil {
		t.stats.Read++
		t.learn(key{p.PID, p.Start}, c)
	}
}

const maxProc = 4096 // bytes of a file in /proc/PID that are read

// readProgram reads what p runs, nil if that cannot be told any more.
func readProgram(proc string, p *attribution.Process) *program {
	dir := filepath.Join(proc, strconv.FormatUint(uint64(p.PID), 10))
	stat, err := readSome(filepath.Join(dir, "stat"))
	if err != nil || !startsAt(stat, p.Start) {
		return nil
	}
	comm, err := readSome(filepath.Join(dir, "comm"))
	if err != nil {
		return nil
	}
	c := &program{exec: p.ExecID}
	c.Comm = string(bytes.TrimSuffix(comm, []byte("\n")))
	if !(&program{Command: Command{Comm: c.Comm}}).runs(&attribution.Process{Comm: p.Comm}) {
		return nil // it has executed another program since it was asked for
	}
	line, err := readSome(filepath.Join(dir, "cmdline"))
	if err != nil {
		return nil
	}
	line = bytes.TrimRight(line, "\x00")
	c.Args = clip(string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))), maxArgs)
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		c.Exe = clip(exe, maxPath)
	}
	// Between these reads the pid can have gone to another process.
	if again, err := readSome(filepath.Join(dir, "stat")); err != nil || !startsAt(again, p.Start) {
		return nil
	}
	return c
}

func readSome(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buf := make([]byte, maxProc)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return buf[:n], nil
}

// startsAt reports whether the process of a /proc/PID/stat was made start nanoseconds after the boot. Field 22, the 20th
// behind the name in parentheses, is that in hundredths of a second (USER_HZ), cut.
func startsAt(stat []byte, start uint64) bool {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 20 {
		return false
	}
	ticks, err := strconv.ParseUint(string(fields[19]), 10, 64)
	return err == nil && ticks == start/1e7
}
