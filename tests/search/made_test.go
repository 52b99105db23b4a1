package search

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// logMaker writes made-up logs: events of every kind that the kernel, auditd and the programs of a distribution write,
// with values from small pools so that reports have something to add up.
type logMaker struct {
	rng      *rand.Rand
	enriched bool
	nodes    []string
	sec      int64
	milli    int
	serial   uint32
}

// task is the fields that the kernel prints of who does something.
func (m *logMaker) task() string {
	return fmt.Sprintf("ppid=%d pid=%d auid=%s uid=%d gid=0 euid=%d suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=%s ses=%s comm=%s exe=\"%s\" subj=unconfined key=%s",
		m.rng.IntN(9)+1, m.rng.IntN(40)+100, m.auid(), m.rng.IntN(3), m.rng.IntN(3), m.pick("pts0", "pts1", "(none)", "tty1"),
		m.pick("1", "2", "4294967295"), m.pick(`"bash"`, `"sh"`, "612062", `"kworker/0:1"`, `"nft"`),
		m.pick("/usr/bin/bash", "/usr/sbin/nft", "/usr/bin/cp", "/opt/x y/z"), m.pick(`"exec"`, `"files"`, "(null)", "66696C6573016F70656E"))
}

func (m *logMaker) pick(from ...string) string { return from[m.rng.IntN(len(from))] }
func (m *logMaker) auid() string               { return m.pick("1000", "0", "4294967295", "33") }

func (m *logMaker) syscall(arch string, nr int) string {
	outcome := "success=yes exit=0"
	if m.rng.IntN(3) == 0 {
		outcome = "success=no exit=-13"
	}
	return fmt.Sprintf("SYSCALL arch=%s syscall=%d %s a0=ffffff9c a1=7f2d0e0850b1 a2=80000 a3=0 items=1 %s", arch, nr, outcome, m.task())
}

func (m *logMaker) path(item int) string {
	return fmt.Sprintf("PATH item=%d name=%s inode=611 dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=%s cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0",
		item, m.pick(`"/etc/shadow"`, `"/usr/bin/true"`, "6E65772066696C65", "(null)", `"dir"`, "1B5B324A"), m.pick("NORMAL", "CREATE", "PARENT"))
}

const proctitle = "PROCTITLE proctitle=2F7573722F62696E2F7472756500002F6574632F686F73746E616D65"

// user is a message of a program. words is what it says in front of the fields that all have.
func (m *logMaker) user(kind, words string) string {
	host, addr := "?", "?"
	switch m.rng.IntN(3) {
	case 0:
		host, addr = "h1.example", "192.0.2.1"
	case 1:
		addr = "192.0.2.66"
	}
	return fmt.Sprintf("%s pid=%d uid=0 auid=%s ses=3 subj=unconfined msg='op=%s exe=\"%s\" hostname=%s addr=%s terminal=%s res=%s'",
		kind, m.rng.IntN(40)+100, m.auid(), words, m.pick("/usr/sbin/sshd", "/usr/bin/su", "/usr/bin/sudo"), host, addr,
		m.pick("ssh", "/dev/pts/0", "?"), m.pick("success", "success", "failed"))
}

// messages is the types of user messages, each with what the program that sends it says.
func messages() [][2]string {
	return [][2]string{
		{"USER_AUTH", `PAM:authentication grantors=pam_unix acct="alice"`}, {"USER_ACCT", `PAM:accounting grantors=pam_unix acct="alice"`},
		{"USER_START", `PAM:session_open grantors=pam_unix acct="bob"`}, {"USER_END", `PAM:session_close acct="bob"`},
		{"CRED_ACQ", `PAM:setcred acct="root"`}, {"CRED_DISP", `PAM:setcred acct="root"`}, {"CRED_REFR", `PAM:setcred acct="root"`},
		{"USER_LOGIN", `login acct="carol"`}, {"USER_LOGIN", "login id=1000"}, {"USER_LOGOUT", "login id=1000"},
		{"USER_CHAUTHTOK", `change-age id=1000`}, {"ADD_USER", `add-user acct="dave"`}, {"DEL_USER", `delete-user acct="dave"`},
		{"ADD_GROUP", `add-group acct="staff"`}, {"DEL_GROUP", `delete-group acct="staff"`}, {"USER_MGMT", `add-user-to-group acct="dave"`},
		{"GRP_MGMT", `change-gid gid=5 acct="staff"`}, {"ROLE_ASSIGN", `login-sename acct="dave"`}, {"ROLE_REMOVE", `login acct="dave"`},
		{"SERVICE_START", `x unit=cron comm="systemd"`}, {"SERVICE_STOP", `x unit=cron comm="systemd"`},
		{"SYSTEM_BOOT", `x comm="systemd-update-utmp"`}, {"SYSTEM_SHUTDOWN", `x comm="systemd-update-utmp"`},
		{"SYSTEM_RUNLEVEL", `x old-level=N new-level=5`}, {"SOFTWARE_UPDATE", `install sw="x-1" sw_type=deb`},
		{"CRYPTO_KEY_USER", `destroy kind=server fp=SHA256:aa`}, {"CRYPTO_SESSION", `start direction=from-server cipher=aes`},
		{"VIRT_CONTROL", `start reason=booted vm="one" uuid=2b53`}, {"VIRT_RESOURCE", `start vm="one" uuid=2b53`},
		{"VIRT_MACHINE_ID", `start vm="one" uuid=2b53`}, {"ANOM_LOGIN_FAILURES", `pam_faillock acct="eve"`},
		{"ANOM_MOD_ACCT", `acct="eve"`}, {"RESP_ACCT_LOCK", `pam_faillock acct="eve"`}, {"RESP_ORIGIN_BLOCK", `block`},
		{"USER_ERR", `PAM:bad_ident acct="?"`}, {"USER_DEVICE", `add device="usb"`}, {"USER_MAC_POLICY_LOAD", `load_policy`},
		{"USER_ROLE_CHANGE", `newrole acct="dave"`}, {"GRP_AUTH", `grp acct="staff"`}, {"TRUSTED_APP", `x`}, {"USYS_CONFIG", `change`},
		{"ACCT_LOCK", `locked-password acct="dave"`}, {"USER_CMD", `cwd="/root" cmd=6C73202D6C`}, {"FS_RELABEL", `x`}, {"CHGRP_ID", `x`},
	}
}

// event is the records of one event, each "TYPE body".
func (m *logMaker) event() []string {
	if m.rng.IntN(2) == 0 {
		all := messages()
		one := all[m.rng.IntN(len(all))]
		return []string{m.user(one[0], one[1])}
	}
	call := func(nr int) string { return m.syscall(m.pick("c000003e", "40000003"), nr) }
	cwd := `CWD cwd="/home/alice"`
	switch m.rng.IntN(26) {
	case 0:
		return []string{call(59), "BPRM_FCAPS fver=0 fp=0 fi=0 fe=0 old_pp=0 old_pi=0 old_pe=0 old_pa=0 pp=0 pi=0 pe=0 pa=0 frootid=0",
			`EXECVE argc=2 a0="/usr/bin/true" a1="x"`, cwd, m.path(0), m.path(1), proctitle}
	case 1, 2, 3:
		return []string{call(257), cwd, m.path(0), proctitle}
	case 4:
		return []string{call(42), "SOCKADDR saddr=" + m.pick("020000097F0000010000000000000000",
			"0A00000900000000000000000000000000000000000000010000000000", "01002F72756E2F782E736F636B00", "0100006162"), proctitle}
	case 5:
		return []string{call(62), `OBJ_PID opid=4 oauid=0 ouid=0 oses=2 obj=unconfined ocomm="sleep"`, proctitle}
	case 6:
		return []string{"AVC avc:  denied  { " + m.pick("read", "read write", "open") + ` } for  pid=7 comm="httpd" name="shadow" dev="dm-0" ino=5 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:shadow_t:s0 tclass=file permissive=0`,
			call(257), cwd, m.path(0), proctitle}
	case 7:
		return []string{"LOGIN pid=12 uid=0 old-auid=4294967295 auid=" + m.auid() + " tty=(none) old-ses=4294967295 ses=4 res=1"}
	case 8:
		return []string{`CONFIG_CHANGE auid=1000 ses=1 op=add_rule key="exec" list=4 res=1`, call(44), proctitle}
	case 9:
		return []string{"CONFIG_CHANGE op=set audit_enabled=1 old=1 auid=" + m.auid() + " ses=1 res=1"}
	case 10:
		return []string{`NETFILTER_CFG table=filter:5 family=2 entries=4 op=nft_register_rule pid=9 subj=unconfined comm="nft"`, call(46), proctitle}
	case 11:
		return []string{"NETFILTER_PKT mark=0x0 saddr=192.0.2.9 daddr=198.51.100.7 proto=6"}
	case 12:
		return []string{`SECCOMP auid=1000 uid=0 gid=0 ses=4 pid=9 comm="gen" exe="/usr/bin/gen" sig=31 arch=c000003e syscall=110 compat=0 ip=0x7f code=0x80000000`}
	case 13:
		return []string{`ANOM_ABEND auid=1000 uid=0 gid=0 ses=4 pid=9 comm="gen" exe="/usr/bin/gen" sig=11 res=1`}
	case 14:
		return []string{"ANOM_PROMISCUOUS dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=1", call(16), proctitle}
	case 15:
		return []string{call(313), `KERN_MODULE name="dummy"`, proctitle}
	case 16:
		return []string{"MAC_STATUS enforcing=0 old_enforcing=1 auid=1000 ses=3 enabled=1 old-enabled=1 lsm=selinux res=1", call(1), proctitle}
	case 17:
		return []string{`INTEGRITY_RULE file="/usr/bin/x" hash="sha256:aa" ppid=1 pid=2 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=3 comm="x" exe="/usr/bin/x"`}
	case 18:
		return []string{`TTY tty pid=4 uid=0 auid=1000 ses=3 major=136 minor=0 comm="bash" data=6C73202D6C0D`}
	case 19:
		return []string{m.pick("DAEMON_START op=start ver=3.0.9 format=raw kernel=6.1.0 auid=4294967295 pid=10 uid=0 ses=4294967295 res=success",
			"DAEMON_END op=terminate auid=0 uid=0 ses=4294967295 pid=1 res=success",
			"DAEMON_ROTATE op=rotate-logs auid=0 uid=0 ses=4294967295 pid=1 res=success",
			"DAEMON_ACCEPT op=connect addr=192.0.2.7 port=60 res=success")}
	case 20:
		return []string{call(321), "BPF prog-id=5 op=LOAD"}
	case 21:
		return []string{call(29), "IPC ouid=0 ogid=0 mode=0600", proctitle}
	case 22:
		return []string{call(293), "FD_PAIR fd0=3 fd1=4", proctitle}
	case 23:
		return []string{call(126), "CAPSET pid=5 cap_pi=0 cap_pp=0 cap_pe=0 cap_pa=0", proctitle}
	case 24:
		return []string{call(9), "MMAP fd=3 flags=0x2", proctitle}
	}
	return []string{`USER_AVC pid=700 uid=81 auid=4294967295 ses=4294967295 subj=system_u:system_r:system_dbusd_t:s0 msg='avc:  denied  { send_msg } for  scontext=staff_u:staff_r:staff_t:s0 tcontext=system_u:system_r:init_t:s0 tclass=dbus permissive=0 exe="/usr/bin/dbus-daemon" sauid=81 hostname=? addr=? terminal=?'`}
}

// write appends n events. Some have the same time, and the records of neighbours are mixed.
func (m *logMaker) write(dst *bytes.Buffer, n int) {
	var held []string
	for range n {
		if m.rng.IntN(3) > 0 {
			m.milli += m.rng.IntN(400)
		}
		m.sec, m.milli = m.sec+int64(m.milli/1000), m.milli%1000
		m.serial++
		node := ""
		if len(m.nodes) > 0 {
			node = "node=" + m.nodes[m.rng.IntN(len(m.nodes))] + " "
		}
		var lines []string
		for _, r := range m.event() {
			kind, body, _ := strings.Cut(r, " ")
			lines = append(lines, fmt.Sprintf("%stype=%s msg=audit(%d.%03d:%d): %s%s\n", node, kind, m.sec, m.milli, m.serial, body, m.suffix(body)))
		}
		if len(lines) > 1 && len(held) == 0 && m.rng.IntN(4) == 0 {
			dst.WriteString(lines[0])
			held = lines[1:]
			continue
		}
		for _, l := range lines {
			dst.WriteString(l)
		}
		for _, l := range held {
			dst.WriteString(l)
		}
		held = nil
	}
	dst.WriteString(strings.Join(held, ""))
}

// suffix is what auditd would add to a record.
func (m *logMaker) suffix(body string) string {
	if !m.enriched {
		return ""
	}
	s := ""
	for _, id := range []string{"auid", "uid"} {
		if i := strings.Index(" "+body, " "+id+"="); i >= 0 {
			s += ` ` + strings.ToUpper(id) + `="` + m.pick("alice", "root") + `"`
		}
	}
	return "\x1d" + strings.TrimPrefix(s, " ")
}
