package identity

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// procfs is the backend that has nothing but /proc. It reads a process when asked about it: too late for most short
// ones. What it finds is Late: the process is certain, since it began before the event and has its pid still, but its
// cgroup is the one it is in now.
type procfs struct {
	root string
	seed maphash.Seed
	buf  []byte
}

func newProcfs(cfg Config) *procfs {
	return &procfs{root: cfg.Proc, seed: maphash.MakeSeed(), buf: make([]byte, 16<<10)}
}

const (
	clockTicks = 100              // USER_HZ, as /proc/PID/stat's starttime counts on every architecture that Go runs on
	startGrain = 1e9 / clockTicks // ns that starttime may be too small
)

func (p *procfs) drain(*table) bool    { return true }
func (p *procfs) close() error         { return nil }
func (p *procfs) wait(d time.Duration) { time.Sleep(d) }

// ask brings what is known of pid up to date. It reports whether the process runs.
func (p *procfs) ask(t *table, pid uint32) bool {
	i := t.byPID.get(pid)
	r, paths, err := p.read(pid)
	if err != nil {
		if i != 0 && t.lives.at(i).hi == 0 {
			l := t.lives.at(i)
			t.end(i, l, l.confirmed) // what came after is not known
		}
		return false
	}
	r.kind, r.clock = kindSeen, t.clock.now()
	p.tell(t, &r, paths)
	return true
}

// tell lets the table follow r, a process as it is now, with its cgroups' paths.
func (p *procfs) tell(t *table, r *record, paths [2]string) {
	r.cgroup, r.cgroup1 = p.key(t, 0, paths[0]), p.key(t, 1, paths[1])
	t.follow(r)
	if i := t.byPID.get(r.pid); i != 0 {
		if l := t.lives.at(i); l.start == r.start && l.confirmed == r.clock {
			if l.at == r.clock && l.older == 0 {
				l.state.lo, l.since = l.born, l.born
			}
			l.late = true
		}
	}
	for _, key := range []uint64{r.cgroup, r.cgroup1} {
		t.cgroups.remove(key) // nobody will say when it goes: remember it only as long as it is referred to
	}
}

// key is what stands for a cgroup's path, of which nothing but the name is known. The seed keeps others from
// choosing names with equal keys.
func (p *procfs) key(t *table, hierarchy uint64, name string) uint64 {
	if name == "" {
		return 0
	}
	key := maphash.String(p.seed, name)&^1 | hierarchy
	t.cgroups.tell(path{key, name})
	return key
}

func (p *procfs) scan(t *table, lock sync.Locker) (bool, error) {
	entries, err := os.ReadDir(p.root)
	if err != nil {
		return false, fmt.Errorf("list processes: %w", err)
	}
	for _, e := range entries {
		pid, err := strconv.ParseUint(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		lock.Lock()
		p.ask(t, uint32(pid))
		lock.Unlock()
	}
	return false, nil
}

// read reads a process. paths are its cgroups in version 2's and in a version 1 hierarchy.
func (p *procfs) read(pid uint32) (r record, paths [2]string, err error) {
	dir := p.root + "/" + strconv.FormatUint(uint64(pid), 10)
	before, err := p.file(dir + "/stat")
	if err != nil {
		return r, paths, err
	}
	if err := r.parseStat(before); err != nil {
		return r, paths, err
	}
	start := r.start
	cgroup, err := p.file(dir + "/cgroup")
	if err != nil {
		return r, paths, err
	}
	paths = parseCgroup(string(cgroup))
	r.auid = p.number(dir + "/loginuid")
	r.session = p.number(dir + "/sessionid")
	r.pidns = p.namespace(dir + "/ns/pid")
	r.mntns = p.namespace(dir + "/ns/mnt")
	r.netns = p.namespace(dir + "/ns/net")
	after, err := p.file(dir + "/stat") // still the process that it was at first?
	if err != nil {
		return r, paths, err
	}
	var again record
	if err := again.parseStat(after); err != nil || again.start != start {
		return r, paths, errors.Join(errRecord, err)
	}
	return r, paths, nil
}

// file returns the beginning of a file, valid until the next call.
func (p *procfs) file(name string) ([]byte, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	n := 0
	for n < len(p.buf) {
		m, err := unix.Read(fd, p.buf[n:])
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: name, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return p.buf[:n], nil
}

func (p *procfs) number(name string) uint32 {
	text, err := p.file(name)
	if err != nil {
		return Unset
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return Unset
	}
	return uint32(n)
}

// namespace reads "mnt:[4026531841]".
func (p *procfs) namespace(name string) uint32 {
	link, err := os.Readlink(name)
	if err != nil {
		return 0
	}
	_, number, _ := strings.Cut(strings.TrimSuffix(link, "]"), "[")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// parseStat reads /proc/PID/stat: "1 (name) S ppid ... starttime ...", proc(5). The name may hold any byte.
func (r *record) parseStat(text []byte) error {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return fmt.Errorf("%w: stat %.40q", errRecord, text)
	}
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 20 {
		return fmt.Errorf("%w: stat of %d fields", errRecord, len(fields))
	}
	pid, err1 := strconv.ParseUint(string(bytes.TrimSpace(text[:open])), 10, 32)
	ppid, err2 := strconv.ParseUint(fields[1], 10, 32)
	start, err3 := strconv.ParseUint(fields[19], 10, 63)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	*r = record{pid: uint32(pid), ppid: uint32(ppid), start: start * startGrain, auid: Unset, session: Unset}
	r.stamp = int64(r.start) - bootAhead()
	copy(r.comm[:len(r.comm)-1], text[open+1:end])
	return nil
}

// bootAhead is by how much CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC, ns: the time that the machine slept.
func bootAhead() int64 {
	var boot, mono unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono)
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot)
	if d := boot.Nano() - mono.Nano(); d > milli {
		return d
	}
	return 0 // no more than what passed between the two calls
}

// parseCgroup reads /proc/PID/cgroup, cgroups(7): the path in version 2's hierarchy, and in the first version 1 hierarchy
// of a controller in which it is not the root, by the programs' order.
func parseCgroup(text string) (paths [2]string) {
	best := 5
	for line := range strings.Lines(text) {
		id, rest, ok1 := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		controllers, name, ok2 := strings.Cut(rest, ":")
		switch {
		case !ok1 || !ok2:
		case id == "0" && controllers == "":
			paths[0] = name
		case name != "/":
			for c := range strings.SplitSeq(controllers, ",") {
				for rank, known := range []string{"memory", "pids", "cpu", "devices", "freezer"} {
					if c == known && rank < best {
						best, paths[1] = rank, name
					}
				}
			}
		}
	}
	return paths
}
