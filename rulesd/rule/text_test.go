package rule

import (
	"testing"

	"vigil/audit/tables"
)

// TestStockText is how auditctl 3.0.9 lists rules (seen by running it).
func TestStockText(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err != nil {
			t.Errorf("%q: %v", line, cmd.Err)
			return
		}
		style := Style{Stock: true, Machine: tables.ArchX86_64}
		if got := cmd.Rule.Text(style); got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
	f("-a always,exit -F arch=b64 -S open,openat -F auid>=1000 -F auid!=-1 -F path=/etc/shadow -F perm=wa -k one -k two",
		"-a always,exit -F arch=b64 -S open,openat -F auid>=1000 -F auid!=-1 -F path=/etc/shadow -F perm=wa -F key=one -F key=two")
	f("-w /etc/passwd", "-w /etc/passwd -p rwxa")
	f("-w /etc/ -p wa", "-w /etc -p wa")
	f("-w /etc/passwd -p r -p w", "-w /etc/passwd -p w")
	f("-w /etc/passwd -F uid=0", "-a always,exit -S all -F path=/etc/passwd -F perm=rwxa -F uid=0")
	f("-a always,exit -F path=/etc/passwd -p wa -k zz", "-w /etc/passwd -p wa -k zz")
	f("-a always,exit -F key=x -F path=/etc/passwd -F perm=wa", "-w /etc/passwd -p wa -k x")
	f("-a always,exit -F dir=/etc/ -F perm=wa -F key=x", "-w /etc/ -p wa -k x")
	f("-a always,exit -F perm=wa", " -p wa")
	f("-a always,exit -F arch=b64 -F perm=wa", "-a always,exit -F arch=b64 -S all -F perm=wa")
	f("-a always,exit -S ,", "-a always,exit")
	f("-a always,exit -S open,,close", "-a always,exit -S open,close")
	f("-a always,exit -F arch=c000003e -S open", "-a always,exit -F arch=b64 -S open")
	f("-a always,exit -F arch=i686 -S open", "-a always,exit -F arch=b32 -S open")
	f("-a always,exit -F arch=aarch64 -S openat", "-a always,exit -F arch=b64 -S openat")
	f("-a always,exit -F arch=b64 -S 2015", "-a always,exit -F arch=b64 -S 2015")
	f("-a always,exit -S 2 -F exit=-EWOULDBLOCK", "-a always,exit -S open -F exit=-EAGAIN")
	f("-a always,exit -S 2 -F exit=-4096 -F exit=ENOENT -F exit<=-1", "-a always,exit -S open -F exit=-4096 -F exit=2 -F exit<=-EPERM")
	f("-a always,exit -S 2 -F a0&0x10 -F a1&=3 -F a2=-1", "-a always,exit -S open -F a0&0x10 -F a1&=0x3 -F a2=0xFFFFFFFF")
	f("-a always,exit -S 2 -F inode=4294967295 -F devmajor=4294967295", "-a always,exit -S open -F inode=4294967295 -F devmajor=-1")
	f("-a always,exit -S 2 -F filetype=file", "-a always,exit -S open -F filetype=32768")
	f("-a always,exit -S 2 -F exe!=/bin/ls", "-a always,exit -S open -F exe=/bin/ls")
	f("-a always,exit -S 2 -C obj_gid=gid -C auid!=uid", "-a always,exit -S open -C gid=obj_gid -C uid!=auid")
	f("-a exclude,always -F msgtype=cwd -F msgtype=3000", "-a always,exclude -F msgtype=CWD -F msgtype=3000")
	f("-a never,filesystem -F fstype=0x74726163", "-a never,filesystem -F fstype=tracefs")
	f("-a never,filesystem -F fstype=0x1234", "-a never,filesystem -F fstype=4660")
	f("-a never,task -F uid=0", "-a never,task -F uid=0")
	f("-A always,exit -S open", "-a always,exit -S open")

	interpreted := parse(t, "-a always,exit -F arch=b64 -S open -F auid!=unset -F sessionid=-1 -F uid=0").Rule
	want := "-a always,exit -F arch=x86_64 -S open -F auid!=unset -F sessionid=unset -F uid=0"
	if got := interpreted.Text(Style{Stock: true, Interpret: true, Machine: tables.ArchX86_64}); got != want {
		t.Errorf("interpreted:\n got %s\nwant %s", got, want)
	}
}

// TestText is where the listing that reads back differs from auditctl's.
func TestText(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		cmd := parse(t, line)
		if cmd.Err != nil {
			t.Errorf("%q: %v", line, cmd.Err)
			return
		}
		if got := cmd.Rule.Text(Style{Machine: tables.ArchX86_64, IsDir: testEnv().IsDir}); got != want {
			t.Errorf("%q:\n got %s\nwant %s", line, got, want)
		}
	}
	f(`-w /a\ b\\c -p wa -k k\ k`, `-w /a\ b\\c -p wa -k k\ k`)
	f("-w /etc -p wa", "-w /etc -p wa")
	f("-a always,exit -F path=/etc -F perm=wa", "-a always,exit -S all -F path=/etc -F perm=wa") // -w would make it a tree
	f("-a always,exit -F dir=/etc/ -F perm=wa", "-a always,exit -S all -F dir=/etc/ -F perm=wa") // -w would cut the slash
	f("-a never,exit -F path=/x -F perm=wa", "-a never,exit -S all -F path=/x -F perm=wa")
	f("-a always,exit -F perm=wa", "-a always,exit -S all -F perm=wa")
	f("-a always,exit -F arch=aarch64 -S openat", "-a always,exit -F arch=aarch64 -S openat")
	f("-a always,exit -S 2 -F exe!=/bin/ls", "-a always,exit -S open -F exe!=/bin/ls")
	f("-a always,exit -S 2 -F filetype=file", "-a always,exit -S open -F filetype=file")
	f("-a always,exit -S 2 -F devmajor=4294967295", "-a always,exit -S open -F devmajor=4294967295")
	f("-a never,filesystem -F fstype=0x1234", "-a never,filesystem -F fstype=0x1234")
	f("-A always,exit -S open", "-A always,exit -S open")
	f("-a never,io_uring -S openat,close -F uid=0", "-a never,io_uring -S openat,close -F uid=0")
	f("-a always,exit -S ,", "-a always,exit -S ,")
	f("-a always,exit -F arch=b64 -S 2015", "-a always,exit -F arch=b64 -S 2015")
}
