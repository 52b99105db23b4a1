package trail_test

import (
	"os"
	"syscall"
)

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o600) }

func gid(info os.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Gid) }
