package rig

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// SendUser sends one message of a user type (1100..1199, 2100..2999) to the kernel as trusted programs do, with any
// bytes, and waits for the kernel's acknowledgement. The kernel takes the text up to its first NUL.
func SendUser(kind uint16, text []byte) (err error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return fmt.Errorf("open audit socket: %w", err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	size := unix.NLMSG_HDRLEN + len(text) + 1
	message := make([]byte, (size+3)&^3)
	binary.NativeEndian.PutUint32(message, uint32(size))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	binary.NativeEndian.PutUint32(message[8:], 1)
	copy(message[unix.NLMSG_HDRLEN:], text)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send user message: %w", err)
	}
	answer := make([]byte, 1<<14)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return fmt.Errorf("send user message: wait for the acknowledgement: %w", err)
	}
	if n < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return errors.New("send user message: the answer is no acknowledgement")
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.NLMSG_HDRLEN:])); code != 0 {
		return fmt.Errorf("send user message: %w", unix.Errno(-code))
	}
	return nil
}
