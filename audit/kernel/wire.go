package kernel

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"vigil/audit/tables"
)

// The netlink header: length, type, flags, sequence, port; all in the byte
// order of the host (<linux/netlink.h>).
const (
	headerSize = 16

	flagRequest = 0x1
	flagAck     = 0x4

	typeError tables.Type = 2
	typeDone  tables.Type = 3
)

// The mask bits of struct audit_status (<linux/audit.h>).
const (
	statusEnabled         = 0x1
	statusFailure         = 0x2
	statusPID             = 0x4
	statusRateLimit       = 0x8
	statusBacklogLimit    = 0x10
	statusBacklogWaitTime = 0x20
	statusLost            = 0x40
	statusWaitTimeActual  = 0x80
)

// statusWords is the number of 32-bit words in struct audit_status. AUDIT_SET
// with backlog_wait_time wants the whole of it (audit.c: "sizeof(s) >
// nlh->nlmsg_len").
const statusWords = 11

var order = binary.NativeEndian

// appendMessage appends one netlink request.
func appendMessage(dst []byte, t tables.Type, flags uint16, seq uint32, payload []byte) []byte {
	n := len(dst)
	dst = order.AppendUint32(dst, uint32(headerSize+len(payload)))
	dst = order.AppendUint16(dst, uint16(t))
	dst = order.AppendUint16(dst, flags)
	dst = order.AppendUint32(dst, seq)
	dst = order.AppendUint32(dst, 0)
	dst = append(dst, payload...)
	for (len(dst)-n)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}

// header reads a message's type and sequence.
func header(p []byte) (t tables.Type, seq uint32, ok bool) {
	if len(p) < headerSize {
		return 0, 0, false
	}
	return tables.Type(order.Uint16(p[4:])), order.Uint32(p[8:]), true
}

// ackCode reads the code of an NLMSG_ERROR: 0, a negative errno, or the
// positive answer of a reset.
func ackCode(payload []byte) (int32, error) {
	if len(payload) < 4 {
		return 0, fmt.Errorf("read acknowledgement: %d bytes: too short", len(payload))
	}
	return int32(order.Uint32(payload)), nil
}

// codeError turns a negative acknowledgement code into its errno.
func codeError(code int32) error {
	if code >= 0 {
		return nil
	}
	return syscall.Errno(-code)
}

// Status is what the engine says of itself, struct audit_status.
type Status struct {
	Enabled         uint32 // 0 off, 1 on, 2 on and locked until reboot
	Failure         uint32 // what the kernel does when it cannot log: 0 nothing, 1 printk, 2 panic
	PID             uint32 // the registered daemon, 0 if there is none; of a dead one until the next record
	RateLimit       uint32 // records a second, 0 for no limit
	BacklogLimit    uint32 // records that may wait for kauditd, 0 for no limit
	Lost            uint32 // records the kernel gave up since boot or the last reset
	Backlog         uint32 // records waiting for kauditd; its retry and hold queues are not in it
	Features        uint32 // AUDIT_FEATURE_BITMAP_*
	BacklogWaitTime uint32 // jiffies that a process waits for room in the backlog
	// BacklogWaitTimeActual is the sum of jiffies that processes have waited;
	// nil before Linux 5.9, which does not say.
	BacklogWaitTimeActual *uint32
}

// parseStatus reads struct audit_status; kernels before 3.14 and 5.9 send less
// of it.
func parseStatus(p []byte) (Status, error) {
	if len(p) < 32 {
		return Status{}, fmt.Errorf("read status: %d bytes: too short", len(p))
	}
	word := func(i int) uint32 {
		if len(p) < (i+1)*4 {
			return 0
		}
		return order.Uint32(p[i*4:])
	}
	s := Status{
		Enabled: word(1), Failure: word(2), PID: word(3), RateLimit: word(4), BacklogLimit: word(5),
		Lost: word(6), Backlog: word(7), Features: word(8), BacklogWaitTime: word(9),
	}
	if len(p) >= statusWords*4 {
		actual := word(10)
		s.BacklogWaitTimeActual = &actual
	}
	return s, nil
}

// Settings is what Control.Set changes; nil fields stay as they are.
type Settings struct {
	Enabled         *uint32
	Failure         *uint32
	RateLimit       *uint32
	BacklogLimit    *uint32
	BacklogWaitTime *uint32 // jiffies
}

// payload lays the settings out as struct audit_status.
func (s Settings) payload() []byte {
	var words [statusWords]uint32
	set := func(v *uint32, bit uint32, word int) {
		if v != nil {
			words[0] |= bit
			words[word] = *v
		}
	}
	set(s.Enabled, statusEnabled, 1)
	set(s.Failure, statusFailure, 2)
	set(s.RateLimit, statusRateLimit, 4)
	set(s.BacklogLimit, statusBacklogLimit, 5)
	set(s.BacklogWaitTime, statusBacklogWaitTime, 9)
	return statusPayload(words)
}

// pidPayload asks for the registration of pid, 0 to give it up.
func pidPayload(pid uint32) []byte {
	return statusPayload([statusWords]uint32{0: statusPID, 3: pid})
}

func statusPayload(words [statusWords]uint32) []byte {
	p := make([]byte, 0, statusWords*4)
	for _, w := range words {
		p = order.AppendUint32(p, w)
	}
	return p
}
