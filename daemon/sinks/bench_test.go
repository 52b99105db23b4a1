package sinks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/daemon/config"
)

// execs is a trail of n events of six records.
func execs(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		stamp := fmt.Sprintf("audit(%d.%03d:%d)", 1700000000+i/1000, i%1000, i+1)
		fmt.Fprintf(&b, "type=SYSCALL msg=%s: arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8 a1=55d0c9 a2=55d0ca a3=8 items=2 ppid=100 pid=%d auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"ls\" exe=\"/usr/bin/ls\" subj=unconfined key=\"exec\"\x1dARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"root\" GID=\"root\"\n", stamp, 1000+i%30000)
		fmt.Fprintf(&b, "type=EXECVE msg=%s: argc=3 a0=\"ls\" a1=\"-l\" a2=\"/srv\"\n", stamp)
		fmt.Fprintf(&b, "type=CWD msg=%s: cwd=\"/root\"\n", stamp)
		for item, name := range []string{"/usr/bin/ls", "/lib64/ld-linux-x86-64.so.2"} {
			fmt.Fprintf(&b, "type=PATH msg=%s: item=%d name=\"%s\" inode=%d dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\x1dOUID=\"root\" OGID=\"root\"\n", stamp, item, name, 131072+item)
		}
		fmt.Fprintf(&b, "type=PROCTITLE msg=%s: proctitle=6C73002D6C002F737276\n", stamp)
	}
	return b.Bytes()
}

// BenchmarkBacklog drains a trail of events of six records over TCP.
func BenchmarkBacklog(b *testing.B) {
	for _, format := range []string{"raw", "ecs"} {
		b.Run(format, func(b *testing.B) {
			const n = 100_000
			dir := b.TempDir()
			path := filepath.Join(dir, "audit.log")
			if err := os.WriteFile(path, execs(n), 0o600); err != nil {
				b.Fatal(err)
			}
			server, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			defer null.Close()
			go func() {
				for {
					conn, err := server.Accept()
					if err != nil {
						return
					}
					go io.Copy(null, conn) //nolint:errcheck // until it is closed; by splice(2)
				}
			}()
			c := config.Default("/etc/audit")
			file := filepath.Join(dir, "vigil.yaml")
			text := "sinks: [{ name: siem, type: syslog, confirm: 100ms, format: " + format + ", address: 'tcp://" + server.Addr().String() + "' }]"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			if err := c.ApplyYAML(file); err != nil {
				b.Fatal(err)
			}
			var events uint64
			var cpu time.Duration
			for i := 0; b.Loop(); i++ {
				set := New(Config{
					Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return nil }},
					StateDir: filepath.Join(dir, strconv.Itoa(i)), Host: "web1", Log: slog.New(slog.DiscardHandler),
				})
				before := cpuTime()
				set.Apply(context.Background(), c.Sinks)
				for set.Status()[0].Counts.Accepted < n {
					<-time.After(time.Millisecond)
				}
				cpu += cpuTime() - before
				events += n
				set.Close(0)
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(events), "cpu-ns/event")
		})
	}
}

func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
