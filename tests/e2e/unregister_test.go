//go:build amd64

package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unregister makes process pid give up its place as the kernel's audit daemon without its knowing: with ptrace(2), one of
// its threads sends AUDIT_SET pid=0 on one of its audit sockets. The kernel takes that from the registered process
// alone (kernel/audit.c, audit_receive_msg), and a killed daemon could not notice.
func unregister(pid int) (err error) {
	fd, err := auditSocket(pid)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// All threads are halted, so that what lies on the stack meanwhile is seen by none.
	threads, err := halt(pid)
	defer func() {
		for _, thread := range threads {
			err = errors.Join(err, unix.PtraceDetach(thread))
		}
	}()
	if err != nil {
		return err
	}
	for _, thread := range threads {
		done, err := inject(thread, fd)
		if done || err != nil {
			return err
		}
	}
	return errors.New("unregister: no thread waits in a system call")
}

// halt attaches to all threads of the process and waits until each stands still.
func halt(pid int) ([]int, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	var threads []int
	for _, task := range tasks {
		thread, err := strconv.Atoi(task.Name())
		if err != nil {
			return threads, err
		}
		if err := unix.PtraceAttach(thread); errors.Is(err, unix.ESRCH) {
			continue // it ended meanwhile
		} else if err != nil {
			return threads, fmt.Errorf("attach to thread %d: %w", thread, err)
		}
		threads = append(threads, thread)
		if _, err := unix.Wait4(thread, nil, unix.WALL, nil); err != nil {
			return threads, fmt.Errorf("wait for thread %d: %w", thread, err)
		}
	}
	return threads, nil
}

// inject executes sendto(fd, AUDIT_SET pid=0) in the thread, if it stands behind a syscall instruction.
func inject(thread, fd int) (done bool, err error) {
	var saved unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &saved); err != nil {
		return false, fmt.Errorf("read registers: %w", err)
	}
	code := make([]byte, 2)
	if _, err := unix.PtracePeekText(thread, uintptr(saved.Rip-2), code); err != nil || !bytes.Equal(code, []byte{0x0f, 0x05}) {
		return false, nil
	}
	// nlmsghdr, then struct audit_status up to backlog_wait_time: mask AUDIT_STATUS_PID (4), all else 0.
	message := make([]byte, 56)
	binary.LittleEndian.PutUint32(message, uint32(len(message)))
	binary.LittleEndian.PutUint16(message[4:], 1001) // AUDIT_SET
	binary.LittleEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	binary.LittleEndian.PutUint32(message[16:], 4)
	stack := make([]byte, len(message))
	if _, err := unix.PtracePeekData(thread, uintptr(saved.Rsp), stack); err != nil {
		return false, fmt.Errorf("read stack: %w", err)
	}
	if _, err := unix.PtracePokeData(thread, uintptr(saved.Rsp), message); err != nil {
		return false, fmt.Errorf("write stack: %w", err)
	}
	regs := saved
	regs.Rip -= 2
	regs.Orig_rax = ^uint64(0) // no system call to start over
	regs.Rax, regs.Rdi, regs.Rsi, regs.Rdx = unix.SYS_SENDTO, uint64(fd), saved.Rsp, uint64(len(message))
	regs.R10, regs.R8, regs.R9 = 0, 0, 0
	var after unix.PtraceRegs
	err = unix.PtraceSetRegs(thread, &regs)
	// The first step may end where it began, at the signal that halted the process.
	for after = regs; err == nil && after.Rip == regs.Rip; {
		if err = unix.PtraceSingleStep(thread); err == nil {
			_, err = unix.Wait4(thread, nil, unix.WALL, nil)
		}
		if err == nil {
			err = unix.PtraceGetRegs(thread, &after)
		}
	}
	_, poked := unix.PtracePokeData(thread, uintptr(saved.Rsp), stack)
	if err = errors.Join(err, poked, unix.PtraceSetRegs(thread, &saved)); err == nil && int64(after.Rax) != int64(len(message)) {
		err = fmt.Errorf("unregister: sendto in the daemon returned %d", int64(after.Rax))
	}
	return true, err
}

// auditSocket finds a descriptor of an audit socket of the process.
func auditSocket(pid int) (int, error) {
	table, err := os.ReadFile("/proc/net/netlink")
	if err != nil {
		return 0, err
	}
	sockets := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		// sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode; Eth is the protocol
		if fields := strings.Fields(line); len(fields) == 10 && fields[1] == strconv.Itoa(unix.NETLINK_AUDIT) {
			sockets["socket:["+fields[9]+"]"] = true
		}
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return 0, err
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && sockets[target] {
			return strconv.Atoi(filepath.Base(fd))
		}
	}
	return 0, fmt.Errorf("process %d has no audit socket among %d descriptors", pid, len(fds))
}
