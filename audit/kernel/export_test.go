package kernel

// NewSocket makes a Socket of any netlink descriptor.
func NewSocket(fd int) (Socket, error) { return newSocket(fd) }
