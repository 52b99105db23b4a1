package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// userHZ is the unit of utime and stime in /proc/PID/stat: sysconf(_SC_CLK_TCK), 100 on every Linux port Go runs on.
const userHZ = 100

func lockThread() { runtime.LockOSThread() }

// CPU is the user and system time that the daemon's process has used, all threads, to 10 ms.
func (d *Daemon) CPU() (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/stat", d.PID())
	stat, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	// The command name may hold spaces: fields count from the last ')'. utime and stime are 14 and 15, proc(5).
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("read CPU time: %s has %d fields", path, len(fields))
	}
	user, err := strconv.ParseInt(string(fields[11]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	system, err := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * time.Second / userHZ, err
}

// PeakRSS is the most memory that the daemon had resident at one time, in KiB (VmHWM).
func (d *Daemon) PeakRSS() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.PID()))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, after, ok := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(after)
	if !ok || len(fields) == 0 {
		return 0, fmt.Errorf("read memory: no VmHWM for process %d", d.PID())
	}
	return strconv.Atoi(string(fields[0]))
}

// Quiet waits until the daemon has taken in all that a storm left behind: the kernel's queue is empty, and the
// daemon's CPU time and log have stood still for 300 ms.
func (d *Daemon) Quiet(ctx context.Context) error {
	var cpu time.Duration
	var size int64
	since := time.Now()
	for {
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("wait until %s is quiet: %w", d.Name, err)
		}
		select {
		case <-d.exited:
			return fmt.Errorf("wait until %s is quiet: it has ended: %v: %s", d.Name, d.err, d.Messages())
		default:
		}
		nowCPU, err := d.CPU()
		if err != nil {
			return err
		}
		info, err := os.Stat(d.Log())
		if err != nil {
			return fmt.Errorf("wait until %s is quiet: %w", d.Name, err)
		}
		// A daemon that ticks uses a little time for ever: a 10 ms tick between two looks is quiet too.
		if nowCPU-cpu > 10*time.Millisecond || info.Size() != size {
			cpu, size, since = nowCPU, info.Size(), time.Now()
			continue
		}
		if time.Since(since) < 300*time.Millisecond {
			continue
		}
		state, err := ReadState(ctx)
		if err != nil {
			return err
		}
		if state.Backlog == 0 {
			return nil
		}
	}
}
