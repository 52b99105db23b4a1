package normal

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"vigil/audit/tables"
)

// maker makes up events.
type maker struct{ *rand.Rand }

func (m maker) pick(of ...string) string { return of[m.IntN(len(of))] }

// event returns the lines of an event.
func (m maker) event(stamp string) []string {
	var records []string
	switch k := m.IntN(10); {
	case k < 4:
		records = []string{m.single()}
	case k < 9:
		records = m.call()
	default:
		records = m.decision()
	}
	node, enriched := "", m.IntN(3) == 0
	if m.IntN(5) == 0 {
		node = "node=host1 "
	}
	lines := make([]string, len(records))
	for i, r := range records {
		t, body, _ := strings.Cut(r, " ")
		lines[i] = fmt.Sprintf("%stype=%s msg=%s: %s", node, t, stamp, body)
		if enriched {
			lines[i] += m.enrichment(t)
		}
	}
	return lines
}

// enrichment is what a daemon adds to a record of type t: the names that the host knew, and what Vigil knows.
func (m maker) enrichment(t string) string {
	switch t {
	case "PATH":
		return "\x1dOUID=\"olga\" OGID=\"ogroup\""
	case "CWD", "PROCTITLE", "EXECVE":
		return ""
	case "SYSCALL":
		return "\x1dARCH=x86_64 SYSCALL=openat AUID=\"alice\" UID=\"carol\" GID=\"root\"" +
			m.pick("", " CONTAINER=\"0123456789ab\" EXEC_SESSION=7")
	}
	return "\x1dUID=\"carol\" AUID=\"alice\"" + m.pick("", " ID=\"dave\"")
}

// rare are further fields that records may have.
const rare = `uuid path name cwd old new old-seuser new-seuser old-role new-role kind family entries dir laddr lport cipher
	ksize mac pfs spid suid new-disk old-disk new-mem old-mem new-vcpu old-vcpu reason img-ctx model grp result success tty
	old-level level old-enforcing val old_val uri sw_type gpg_res root_dir file hash func ino inode nametype old_prom proto
	saddr tclass permissive feature old_lock new_lock lock audit_backlog_limit audit_lost seuser compat ip daddr src dst
	src_prefixlen netif default-context operation profile apparmor requested_mask denied_mask class info rule prio ver format
	kernel state major minor port gid oauid sauid obj new-net old-net net category cgroup acl maj lsm cause errno resp
	description product target default offset oldval newval virt bus banners new_gid old_gid new_group grantors argv a0 a1
	mode fver capability ppid status range direction version changes algorithm username invalid_context module error domain
	sec_alg sec_doi sec_obj feature list key unit cmd vm dev`

// single makes a record that stands alone, of any type.
func (m maker) single() string {
	all := tables.Types()
	for {
		t := all[m.IntN(len(all))]
		switch {
		case t < tables.TypeUser, t == tables.TypeSyscall, t == tables.TypeEOE, t == tables.TypeTrustedApp, // free text
			!strings.HasPrefix(string(t.AppendLog(nil)), t.String()):
			continue
		}
		return t.String() + " " + m.fields(t)
	}
}

// fields makes the fields of a record: those that its like have, some of them missing or in another order.
func (m maker) fields(t tables.Type) string {
	var f []string
	add := func(odds int, values ...string) {
		if m.IntN(100) < odds {
			f = append(f, m.pick(values...))
		}
	}
	add(92, "pid=1", "pid=4242")
	add(92, "uid=0", "uid=0", "uid=33", "uid=1000", "uid=65534", "uid=60000", "uid=4294967295")
	add(92, "auid=1000", "auid=0", "auid=4294967295", "auid=33")
	add(92, "ses=7", "ses=4294967295")
	add(50, "subj=unconfined", "subj=system_u:system_r:init_t:s0-s0:c0.c1023")
	body := f
	f = nil
	switch {
	case t == tables.TypeLogin:
		add(90, "old-auid=4294967295", "old-auid=0")
		add(90, "auid=0", "auid=1000")
		add(50, "old-ses=4294967295")
		add(90, "ses=3")
	case t == tables.TypeConfigChange:
		add(90, "op=add_rule", "op=remove_rule", "op=set", `op="add_rule"`)
		add(70, `key="k"`, "key=(null)", "key=6101620163")
		add(60, "list=4", "list=0")
		add(30, "audit_enabled=1")
		add(20, "audit_pid=5")
		add(20, "audit_failure=2")
	}
	add(70, "op=login", "op=PAM:session_open", "op=LOAD", "op=UNLOAD", "op=connect", "op=start")
	add(60, `acct="root"`, `acct=616263`, `acct="(unknown)"`)
	add(30, "id=0", "id=1000")
	add(25, "unit=ssh")
	add(25, `cmd="ls"`, "cmd=6C73202D6C")
	add(25, "data=6C73", "data=6C730D")
	add(15, `vm="web"`)
	add(15, "resrc=disk", "resrc=net")
	add(15, "table=filter", "table=nat:3")
	add(15, `comm="bash"`, "comm=6120620A")
	add(15, "nl-mcgrp=1")
	add(15, "prog-id=7")
	add(15, "dev=eth0")
	add(15, "prom=256", "prom=0")
	add(15, `sw="vim"`, "sw_type=rpm")
	add(15, "fp=SHA256:aa")
	add(15, "new-level=5")
	add(15, "enforcing=1", "bool=x", "unlbl_accept=1", "unlbl_accept=0", "nlbl_domain=d", "selected-context=a:b", `device="/dev/bus"`, "printer=lp")
	add(15, "scontext=a:b:c:s0")
	add(15, "seresult=denied", "tcontext=d:e:f:s0")
	add(15, "sig=11", "sig=9")
	add(90, `exe="/usr/bin/sudo"`, `exe="/usr/bin/bash"`, `exe="/usr/sbin/sshd"`, `exe="/usr/bin/python3.11"`, "exe=2F746D702F612062")
	add(80, "hostname=?", "hostname=host.example")
	add(80, "addr=?", "addr=10.1.2.3")
	add(20, "rport=22")
	add(80, "terminal=ssh", "terminal=/dev/pts/0", "terminal=?")
	if t == tables.TypeSeccomp {
		add(100, "sig=31")
		add(100, "arch=c000003e syscall=59")
		add(80, "code=0x0", "code=0x7fff0000")
	}
	for range m.IntN(4) {
		if m.IntN(4) == 0 {
			add(100, m.pick(strings.Fields(rare)...)+"="+m.pick("3", "x", `"y"`, "(null)"))
		}
	}
	add(92, "res=success", "res=failed", "res=1", "res=0", "res=yes")
	if m.IntN(4) == 0 && t != tables.TypeSeccomp {
		all := append(body, f...)
		m.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return strings.Join(all, " ")
	}
	return strings.Join(append(body, f...), " ")
}

// syscall makes a SYSCALL record.
func (m maker) syscall() string {
	arch := []tables.Arch{tables.ArchX86_64, tables.ArchX86_64, tables.ArchI386, tables.ArchAArch64}[m.IntN(4)]
	nr := m.IntN(430)
	if m.IntN(2) == 0 { // one that has a word
		all := tables.Syscalls(arch)
		for {
			s := all[m.IntN(len(all))]
			if calls[s.Name] != other || calls4[s.Name] != other {
				nr = s.Number
				break
			}
		}
	}
	var f []string
	add := func(odds int, values ...string) {
		if m.IntN(1000) < odds {
			f = append(f, m.pick(values...))
		}
	}
	f = append(f, fmt.Sprintf("arch=%x", uint32(arch)), fmt.Sprintf("syscall=%d", nr))
	add(1000, "success=yes", "success=yes", "success=no")
	add(985, "exit=0", "exit=3", "exit=-13")
	for i := range 4 {
		f = append(f, fmt.Sprintf("a%d=%x", i, m.pickNumber()))
	}
	f = append(f, "items=2", "ppid=1", "pid=4242")
	add(985, "auid=1000", "auid=0", "auid=4294967295")
	add(985, "uid=0", "uid=1000", "uid=33")
	f = append(f, "gid=0", "euid=0", "suid=0", "fsuid=0", "egid=0", "sgid=0", "fsgid=0")
	add(985, "tty=pts0", "tty=(none)")
	add(1000, "ses=7", "ses=4294967295")
	add(1000, `comm="cat"`, "comm=6120620A")
	add(1000, `exe="/usr/bin/cat"`, `exe="/usr/bin/bash"`, `exe="/usr/bin/python3.11"`, "exe=2F746D702F612062")
	add(500, "subj=unconfined")
	add(985, `key="exec"`, "key=(null)", "key=6101620163")
	return "SYSCALL " + strings.Join(f, " ")
}

func (m maker) pickNumber() uint64 {
	switch m.IntN(4) {
	case 0:
		return m.Uint64()
	case 1:
		return uint64(m.IntN(010000))
	}
	return uint64(m.IntN(8))
}

func (m maker) path(i int) string {
	name := m.pick(fmt.Sprintf(`"/d/f%d"`, i), fmt.Sprintf(`"f%d"`, i), "2F746D702F612062", "(null)", `"/a,b"`, `"../x"`, `"./a/../b"`, `"/a/../b"`)
	nametype := m.pick("NORMAL", "PARENT", "CREATE", "DELETE", "UNKNOWN")
	if m.IntN(10) == 0 { // it was not there
		return fmt.Sprintf("PATH item=%d name=%s nametype=%s", i, name, nametype)
	}
	mode := m.pick("0100644", "040755", "020666", "060660", "0120777")
	label := m.pick("", fmt.Sprintf(" obj=o%d", i))
	return fmt.Sprintf("PATH item=%d name=%s inode=%d dev=fe:00 mode=%s ouid=0 ogid=0 rdev=00:00%s nametype=%s", i, name, 100+i, mode, label, nametype)
}

// around makes the records that stand beside a SYSCALL.
func (m maker) around() []string {
	var r []string
	add := func(odds int, values ...string) {
		if m.IntN(100) < odds {
			r = append(r, m.pick(values...))
		}
	}
	add(20, `EXECVE argc=2 a0="ls" a1="-l"`)
	add(15, "SOCKADDR saddr=02000050010203040000000000000000", "SOCKADDR saddr=01002F72756E2F7800",
		"SOCKADDR saddr=0A0000500000000000000000000000000000000000000001000000000000",
		"SOCKADDR saddr=100000000000000000000000")
	add(10, "BPRM_FCAPS fver=0 fp=0 fi=0 fe=0", "MMAP fd=3 flags=0x2", "FD_PAIR fd0=3 fd1=4")
	for m.IntN(8) == 0 {
		add(100, `OBJ_PID opid=77 oauid=1000 ouid=0 oses=1 obj=unconfined_u ocomm="sleep"`, `OBJ_PID opid=1 oauid=-1 ouid=0 oses=-1 ocomm="init"`)
	}
	add(70, `CWD cwd="/root"`)
	for i := range m.IntN(6) {
		r = append(r, m.path(i))
	}
	add(90, "PROCTITLE proctitle=6C73002D6C")
	return r
}

func (m maker) call() []string { return append([]string{m.syscall()}, m.around()...) }

// decision makes an event with a record that says more than its system call.
func (m maker) decision() []string {
	r := m.pick(
		`AVC avc:  denied  { read } for  pid=1 comm="c" name="n" dev="d" ino=1 scontext=a:b:c:s0 tcontext=d:e:f:s0 tclass=file permissive=0`,
		"FANOTIFY resp=1",
		"SELINUX_ERR op=security_compute_av reason=bounds scontext=a tcontext=b tclass=process perms=x",
		"MAC_POLICY_LOAD auid=0 ses=1 lsm=selinux res=1",
		"MAC_STATUS enforcing=1 old_enforcing=0 auid=0 ses=1 enabled=1 old-enabled=1 lsm=selinux res=1",
		"MAC_CONFIG_CHANGE bool=b val=1 old_val=0 auid=0 ses=1",
		`NETFILTER_CFG table=filter:3 family=2 entries=4 op=nft_register_rule pid=1 subj=lab comm="nft"`,
		"KERN_MODULE name=\"mod\"",
		"TIME_ADJNTPVAL op=offset old=1 new=2",
		"TIME_INJOFFSET sec=-3 nsec=5",
		"ANOM_PROMISCUOUS dev=eth0 prom=256 old_prom=0 auid=0 uid=0 gid=0 ses=1",
		"BPF prog-id=5 op=LOAD",
		`EVENT_LISTENER pid=1 uid=0 auid=0 tty=(none) ses=1 subj=s comm="c" exe="/x" nl-mcgrp=1 op=connect res=1`,
		`CONFIG_CHANGE auid=0 ses=1 op=add_rule key="kk" list=4 res=1`,
		`CONFIG_CHANGE auid=0 ses=1 op=remove_rule key=(null) list=4 res=1`,
		"CONFIG_CHANGE op=set audit_enabled=1 old=1 auid=0 ses=1 res=1",
		"ANOM_LINK op=linkat ppid=1 pid=2 auid=0 uid=0 res=0",
		"SECCOMP auid=0 uid=0 gid=0 ses=1 pid=5 comm=\"c\" exe=\"/x\" sig=31 arch=c000003e syscall=2 compat=0 ip=0x1 code=0x0",
		"INTEGRITY_DATA pid=1 uid=0 auid=0 ses=1 op=appraise_data cause=missing-hash comm=\"x\" name=\"/n\" res=0",
	)
	if t, _, _ := strings.Cut(r, " "); t == "KERN_MODULE" || strings.HasPrefix(t, "TIME_") { // the kernel writes them last
		return append(append([]string{m.syscall()}, r), m.around()...)
	}
	return append([]string{r}, m.call()...)
}
