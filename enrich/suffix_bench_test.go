package enrich

import (
	"testing"

	"vigil/audit"
	"vigil/audit/tables"
)

func BenchmarkAppendSuffix(b *testing.B) {
	const id = "audit(1626611363.720:348501): "
	records := []struct {
		name string
		t    tables.Type
		text string
	}{
		{"SYSCALL", tables.TypeSyscall, "arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd4b6f a2=80000 a3=0 items=1 ppid=1200 pid=1234 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"cat\" exe=\"/usr/bin/cat\" subj=unconfined key=\"open\""},
		{"PATH", tables.TypePath, "item=0 name=\"/etc/passwd\" inode=1234 dev=fc:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"},
		{"SOCKADDR", tables.TypeSockaddr, "saddr=020000357F0000350000000000000000"},
		{"CWD", tables.TypeCWD, "cwd=\"/root\""},
		{"unknown", tables.TypeSyscall, "arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd4b6f a2=80000 a3=0 items=1 ppid=1200 pid=1234 auid=4294967295 uid=1000650000 gid=1000650000 euid=1000650000 suid=1000650000 fsuid=1000650000 egid=1000650000 sgid=1000650000 fsgid=1000650000 tty=(none) ses=4294967295 comm=\"cat\" exe=\"/usr/bin/cat\" subj=unconfined key=\"open\""},
	}
	names := NewNames(Config{})
	for _, c := range records {
		r, err := audit.ParseMessage(c.t, []byte(id+c.text))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			dst := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendSuffix(dst[:0], r, names)
			}
		})
	}
}
