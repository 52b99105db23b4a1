package search

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bodies are what records of a type say, with every field that one of criteria asks for.
func bodies() map[string][]string {
	const (
		task = `arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=111 pid=222 auid=1001 uid=1002 gid=1003 euid=1004 suid=0` +
			` fsuid=0 egid=1005 sgid=0 fsgid=0 tty=pts7 ses=77 comm="ccc" exe="/bin/xxx" subj=u:r:subj:s0 key="kkk"`
		user = `pid=222 uid=1002 auid=1001 ses=77 subj=u:r:subj:s0 msg='op=login acct="aaa" exe="/bin/xxx" hostname=hhh addr=10.1.2.3 terminal=pts7` +
			` vm="vvv" uuid=uuu vm-ctx=u:r:subj:s0 res=success'`
		avc = `avc:  denied  { read } for  pid=222 comm="ccc" path="/file/fff" name="fff" dev="sda1" ino=1 scontext=u:r:subj:s0 tcontext=u:r:obj:s0` +
			` tclass=file permissive=0`
		anomaly = `auid=1001 uid=1002 gid=1003 ses=77 subj=u:r:subj:s0 pid=222 comm="ccc" exe="/bin/xxx" sig=31 arch=c000003e syscall=59 compat=0 res=1`
		change  = `op=set audit_enabled=1 old=1 auid=1001 ses=77 subj=u:r:subj:s0 path="/file/fff" key="kkk" list=4 res=1`
		daemon  = `op=start ver=3.0.9 format=enriched auid=1001 pid=222 uid=1002 ses=77 subj=u:r:subj:s0 res=success`
	)
	return map[string][]string{
		"SYSCALL": {task}, "FEATURE_CHANGE": {task + " res=1"}, "ANOM_LINK": {task}, "LOGIN": {`pid=222 uid=1002 subj=u:r:subj:s0 old-auid=4294967295` +
			` auid=1001 tty=pts7 old-ses=4294967295 ses=77 res=1`}, "USER_LOGIN": {user}, "USER_CMD": {user}, "CRED_ACQ": {user}, "RESP_ALERT": {user},
		"ANOM_LOGIN_FAILURES": {user}, "USER_AVC": {avc, user}, "AVC": {avc}, "SECCOMP": {anomaly}, "ANOM_ABEND": {anomaly}, "ANOM_PROMISCUOUS": {anomaly},
		"CONFIG_CHANGE": {change}, "MAC_STATUS": {change}, "MAC_IPSEC_EVENT": {change}, "DAEMON_START": {daemon}, "DAEMON_CONFIG": {daemon},
		"DAEMON_ACCEPT": {`addr=10.1.2.3 port=60 res=success`}, "NETFILTER_CFG": {`table=filter family=2 op=register pid=222 subj=u:r:subj:s0 comm="ccc"`},
		"EVENT_LISTENER": {`pid=222 uid=1002 auid=1001 tty=pts7 ses=77 subj=u:r:subj:s0 comm="ccc" exe="/bin/xxx" nl-mcgrp=1 op=connect res=1`},
		"PATH":           {`item=0 name="/file/fff" inode=1 obj=u:r:obj:s0 nametype=NORMAL`}, "CWD": {`cwd="/file/fff"`}, "OBJ_PID": {`opid=1 obj=u:r:obj:s0 ocomm="x"`},
		"SOCKADDR":        {`saddr=020000350A0102030000000000000000`, `saddr=01002F66696C652F66666600`},
		"VIRT_MACHINE_ID": {strings.Replace(user, "res=", "img-ctx=u:r:obj:s0 res=", 1)}, "VIRT_RESOURCE": {strings.Replace(user, "acct=", `new-disk="/file/fff" acct=`, 1)},
	}
}

// testAusearchCriteria compares what is found among records whose fields are dropped, doubled, moved and cut off.
func testAusearchCriteria(t *testing.T, p pair) {
	t.Parallel()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(17, 7))
	all := bodies()
	var log bytes.Buffer
	for i := range 1500 {
		kind := sortedKeys(all)[rng.IntN(len(all))]
		words := strings.Split(all[kind][rng.IntN(len(all[kind]))], " ")
		for range rng.IntN(3) {
			at := rng.IntN(len(words))
			switch rng.IntN(4) {
			case 0:
				words = append(words[:at:at], words[at+1:]...)
			case 1:
				words = append(words[:at+1:at+1], words[at:]...)
			case 2:
				next := min(at+1, len(words)-1)
				words[at], words[next] = words[next], words[at]
			default:
				words = words[:at+1]
			}
			if len(words) == 0 {
				words = []string{"x"}
			}
		}
		fmt.Fprintf(&log, "type=%s msg=audit(%d.000:%d): %s\n", kind, 1700000000+10*i, i, strings.Join(words, " "))
	}
	put(t, filepath.Join(dir, "some.log"), log.Bytes())
	for _, line := range []string{
		"", "-p 222", "-pp 111", "-ua 1002", "-ua 1001", "-ui 1002", "-ue 1004", "-ul 1001", "-gi 1003", "-ge 1005", "-ga 1005", "-c ccc", "-x /bin/xxx",
		"-f fff", "-f /file", "-hn hhh", "-hn 10.1.2.3", "-tm pts7", "-tm none", "-k kkk", "--session 77", "-e 0", "-sv yes", "-sv no", "-sc 59", "-sc execve",
		"--arch x86_64", "-su subj", "-o obj", "-se subj", "-vm vvv", "-uu uuu", "-w -k kkk", "-w -x /bin/xxx", "-su subj -o obj", "-p 222 -c ccc -x /bin/xxx",
		"-ui 1002 -sv yes", "-k kkk -su subj", "-tm pts7 -hn hhh", "-ul 1001 --session 77", "-ua 1002 -ga 1005 -p 222",
	} {
		args := append([]string{"-if", "some.log", "-r"}, strings.Fields(line)...)
		want, got := found(runIn(t, dir, nil, p.stock, args...)), found(runIn(t, dir, nil, p.ours, args...))
		for l := range want {
			if !got[l] {
				t.Errorf("%s: stock alone finds %s", line, l)
			}
		}
		for l := range got {
			if !want[l] {
				t.Errorf("%s: ours alone finds %s", line, l)
			}
		}
	}
}

func found(r result) map[string]bool {
	lines := map[string]bool{}
	for l := range strings.Lines(r.Out) {
		lines[l] = true
	}
	return lines
}

func sortedKeys(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
