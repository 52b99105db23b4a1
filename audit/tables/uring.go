package tables

// uringOps are the operations of io_uring by number: enum io_uring_op of
// <linux/io_uring.h>, Linux 6.19, in the audit tools' spelling (lower case,
// without IORING_OP_). The kernel audits some of them only
// (io_uring/opdef.c: audit_skip).
var uringOps = [...]string{
	"nop", "readv", "writev", "fsync", "read_fixed", "write_fixed", "poll_add", "poll_remove",
	"sync_file_range", "sendmsg", "recvmsg", "timeout", "timeout_remove", "accept",
	"async_cancel", "link_timeout", "connect", "fallocate", "openat", "close", "files_update",
	"statx", "read", "write", "fadvise", "madvise", "send", "recv", "openat2", "epoll_ctl",
	"splice", "provide_buffers", "remove_buffers", "tee", "shutdown", "renameat", "unlinkat",
	"mkdirat", "symlinkat", "linkat", "msg_ring", "fsetxattr", "setxattr", "fgetxattr",
	"getxattr", "socket", "uring_cmd", "send_zc", "sendmsg_zc", "read_multishot", "waitid",
	"futex_wait", "futex_wake", "futex_waitv", "fixed_fd_install", "ftruncate", "bind",
	"listen", "recv_zc", "epoll_wait", "readv_fixed", "writev_fixed", "pipe",
	"nop128", "uring_cmd128",
}

// UringOpName returns the name of an io_uring operation, as in the uring_op
// field of URINGOP records: "openat" for 18.
func UringOpName(op int) (string, bool) {
	if op < 0 || op >= len(uringOps) {
		return "", false
	}
	return uringOps[op], true
}

// UringOpNumber returns the number of an io_uring operation.
func UringOpNumber(name string) (int, bool) {
	for op, have := range uringOps {
		if have == name {
			return op, true
		}
	}
	return 0, false
}
