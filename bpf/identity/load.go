package identity

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

//go:generate go tool bpf2go -cc clang -target bpfel,bpfeb -cflags "-O2 -g -Wall -Werror" identity identity.bpf.c -- -I.

// kernelPrograms is the backend of eBPF programs.
type kernelPrograms struct {
	ring    *ring
	all     *link.Iter
	links   []link.Link
	progs   []*ebpf.Program
	maps    []*ebpf.Map
	sent    *ebpf.Map
	drops   *drops
	unmap   func() error
	bound   time.Duration
	epoll   int
	dropped uint64 // of drops, when last looked
	missed  uint64 // runs that the kernel refused because one was under way on the processor
	clean   int64  // until when it is known that nothing was dropped
	checked int64  // and left out
	partly  bool   // a scan does not see every process: this is not the initial pid namespace
}

// drops mirrors the programs' struct of that name.
type drops struct {
	dropped uint64
	cpu     [256]struct{ records, paths uint64 }
}

// loadPrograms loads and attaches the programs. Its errors are *Unavailable.
func loadPrograms(cfg Config) (*kernelPrograms, error) {
	if err := Probe(cfg.Proc); err != nil {
		return nil, err
	}
	k := &kernelPrograms{bound: cfg.DrainWait, epoll: -1, partly: !initialPIDNamespace(cfg.Proc)}
	if err := k.load(cfg); err != nil {
		_ = k.close()
		return nil, unavailable(err)
	}
	return k, nil
}

func unavailable(err error) error {
	reason := Rejected
	switch {
	case errors.Is(err, unix.EPERM):
		reason = NoCapability
	case errors.Is(err, unix.ENOSYS), errors.Is(err, ebpf.ErrNotSupported):
		reason = NoBPF
	}
	return &Unavailable{reason, err}
}

func (k *kernelPrograms) load(cfg Config) error {
	objects, err := loadObjects(cfg)
	if err != nil {
		return err
	}
	k.progs = []*ebpf.Program{objects.OnFork, objects.OnExec, objects.OnExit, objects.OnAttach, objects.OnTransfer,
		objects.OnRename, objects.OnRmdir, objects.AllTasks} // as in programNames
	k.maps = []*ebpf.Map{objects.Ring, objects.Sent, objects.Bss}
	k.sent = objects.Sent
	if k.ring, err = mapRing(objects.Ring.FD(), cfg.RingSize); err != nil {
		return err
	}
	size := (int(unsafe.Sizeof(drops{})) + os.Getpagesize() - 1) &^ (os.Getpagesize() - 1)
	memory, err := unix.Mmap(objects.Bss.FD(), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the programs' counters: %w", err)
	}
	k.drops = (*drops)(unsafe.Pointer(&memory[objects.dropsAt]))
	k.unmap = func() error { return unix.Munmap(memory) }
	if err := k.watch(objects.Ring.FD()); err != nil {
		return err
	}
	for _, prog := range k.progs[:len(k.progs)-1] {
		l, err := link.AttachTracing(link.TracingOptions{Program: prog})
		if err != nil {
			return fmt.Errorf("attach %s: %w", prog, err)
		}
		k.links = append(k.links, l)
	}
	if k.all, err = link.AttachIter(link.IterOptions{Program: objects.AllTasks}); err != nil {
		return fmt.Errorf("attach task iterator: %w", err)
	}
	return nil
}

var programNames = [...]string{"fork", "exec", "exit", "attach", "transfer", "rename", "rmdir", "all_tasks"}

type objects struct {
	identityPrograms
	Ring    *ebpf.Map `ebpf:"ring"`
	Sent    *ebpf.Map `ebpf:"sent"`
	Bss     *ebpf.Map `ebpf:".bss"`
	dropsAt uint32
}

// loadObjects loads programs and maps. Relocating against the kernel's types takes tens of megabytes for a moment; all
// of it is given back before this returns.
func loadObjects(cfg Config) (*objects, error) {
	defer debug.FreeOSMemory()
	spec, err := loadIdentity()
	if err != nil {
		return nil, fmt.Errorf("read programs: %w", err)
	}
	spec.Maps["ring"].MaxEntries = uint32(cfg.RingSize)
	set := func(name string, value any) {
		if v := spec.Variables[name]; v != nil && err == nil {
			err = v.Set(value)
		}
	}
	set("wake_at", uint64(cfg.RingSize/8))
	for name, v1 := range hierarchies(cfg.Proc) {
		set("v1_"+name, v1)
	}
	if err != nil {
		return nil, fmt.Errorf("configure programs: %w", err)
	}
	var o objects
	if err := spec.LoadAndAssign(&o, nil); err != nil {
		return nil, fmt.Errorf("load programs: %w", err)
	}
	o.dropsAt = spec.Variables["drops"].Offset
	runtime.KeepAlive(spec)
	return &o, nil
}

// hierarchies says which controllers have a version 1 hierarchy.
func hierarchies(proc string) map[string]bool {
	v1 := map[string]bool{}
	text, err := os.ReadFile(proc + "/cgroups")
	if err != nil {
		return v1
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "memory", "pids", "cpu", "devices", "freezer":
			v1[fields[0]] = fields[1] != "0"
		}
	}
	return v1
}

// initialPIDNamespace reports whether this process sees all of the machine's processes.
func initialPIDNamespace(proc string) bool {
	const procPIDInit = "pid:[4026531836]" // PROC_PID_INIT_INO, include/linux/proc_ns.h
	name, err := os.Readlink(proc + "/self/ns/pid")
	return err == nil && name == procPIDInit
}

// watch makes the descriptor that wait waits on. Edge-triggered: data below the ring's threshold wakes nobody.
func (k *kernelPrograms) watch(ring int) error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make epoll: %w", err)
	}
	k.epoll = fd
	const edge = unix.EPOLLET & 0xffffffff
	event := unix.EpollEvent{Events: unix.EPOLLIN | edge, Fd: int32(ring)}
	if err := unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, ring, &event); err != nil {
		return fmt.Errorf("watch ring: %w", err)
	}
	return nil
}

func (k *kernelPrograms) wait(d time.Duration) {
	var events [1]unix.EpollEvent
	_, _ = unix.EpollWait(k.epoll, events[:], int(d.Milliseconds())) // EINTR is as good as anything that wakes
}

func (k *kernelPrograms) drain(t *table) bool {
	// Most look-ups find nothing new, and are done with three loads: the ring first, so that whatever was dropped before
	// it was seen to be empty is counted by then. k.clean stays where it is; Run moves it on.
	if k.ring.empty() && atomic.LoadUint64(&k.drops.dropped) == k.dropped {
		return true
	}
	before := t.clock.now()
	ok, err := k.ring.drain(k.bound, t.apply)
	if err != nil {
		t.counts.Malformed++
		return false
	}
	if dropped := atomic.LoadUint64(&k.drops.dropped); dropped != k.dropped {
		k.dropped = dropped
		t.lost(k.clean, t.clock.now())
		return ok
	}
	k.clean = before
	return ok
}

// check looks whether the kernel has left out runs of a program: those count as lost records. It costs system calls.
func (k *kernelPrograms) check(t *table) {
	var missed uint64
	for _, p := range k.progs {
		if stats, err := p.Stats(); err == nil {
			missed += stats.RecursionMisses
		}
	}
	now := t.clock.now()
	if missed != k.missed {
		k.missed = missed
		t.lost(k.checked, now)
	}
	k.checked = now
}

// cost is what the programs have cost since they were loaded.
func (k *kernelPrograms) cost() []Program {
	var list []Program
	for i, name := range programNames {
		if stats, err := k.progs[i].Stats(); err == nil {
			list = append(list, Program{name, stats.RunCount, stats.Runtime})
		}
	}
	return list
}

// scan makes every process that runs report itself.
func (k *kernelPrograms) scan(t *table, lock sync.Locker) (bool, error) {
	dropped := atomic.LoadUint64(&k.drops.dropped)
	reader, err := k.all.Open()
	if err != nil {
		return false, fmt.Errorf("open task iterator: %w", err)
	}
	defer reader.Close()
	// As many processes as this has bytes are reported by one read: they must fit into the ring, with their paths.
	marks := make([]byte, max(1, min(128, k.ring.size/16384)))
	for {
		_, err := reader.Read(marks)
		for done := false; !done; {
			lock.Lock()
			done = k.drain(t)
			lock.Unlock()
		}
		if err == io.EOF {
			return !k.partly && dropped == atomic.LoadUint64(&k.drops.dropped), nil
		}
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			return false, fmt.Errorf("read task iterator: %w", err)
		}
	}
}

// forgetPaths makes the programs send the path of each cgroup again when next needed.
func (k *kernelPrograms) forgetPaths() {
	var key uint64
	for {
		if err := k.sent.NextKey(nil, &key); err != nil {
			return
		}
		if err := k.sent.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return
		}
	}
}

func (k *kernelPrograms) lost() (records, paths uint64) {
	for i := range k.drops.cpu {
		records += atomic.LoadUint64(&k.drops.cpu[i].records)
		paths += atomic.LoadUint64(&k.drops.cpu[i].paths)
	}
	return records + k.missed, paths
}

func (k *kernelPrograms) close() error {
	var errs []error
	for _, l := range k.links {
		errs = append(errs, l.Close())
	}
	if k.all != nil {
		errs = append(errs, k.all.Close())
	}
	if k.unmap != nil {
		errs = append(errs, k.unmap())
	}
	if k.ring != nil {
		errs = append(errs, k.ring.close())
	}
	if k.epoll >= 0 {
		errs = append(errs, unix.Close(k.epoll))
	}
	for _, p := range k.progs {
		errs = append(errs, p.Close())
	}
	for _, m := range k.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
