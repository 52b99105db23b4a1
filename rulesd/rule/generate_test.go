package rule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"vigil/audit/tables"
)

// generator writes rule lines that auditctl would take.
type generator struct{ *rand.Rand }

func (g generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// line writes one line.
func (g generator) line() string {
	if g.IntN(6) == 0 {
		return g.watch()
	}
	list := g.pick("exit", "exit", "exit", "user", "task", "exclude", "filesystem", "io_uring")
	words := []string{g.pick("-a", "-A") + " " + g.pick("always,"+list, list+",never")}
	keyed := false
	switch list {
	case "exit":
		if g.IntN(3) > 0 {
			words = append(words, "-F arch="+g.pick("b64", "b32", "x86_64", "i386", "aarch64", "s390x"))
		}
		keyed = g.IntN(4) > 0
		if keyed {
			words = append(words, "-S "+g.calls(words))
		}
	case "io_uring":
		keyed = true
		words = append(words, "-S "+g.pick("openat", "openat,close", "all", "3,5", "uring_cmd"))
	}
	for range g.IntN(5) {
		field, key := g.field(list)
		words = append(words, field)
		keyed = keyed || key
	}
	if keyed && list != "exclude" {
		for range g.IntN(3) {
			words = append(words, g.pick("-k ", "-F key=")+g.name())
		}
	}
	return strings.Join(words, " ")
}

func (g generator) watch() string {
	line := "-w " + g.path()
	if g.IntN(4) > 0 {
		line += " -p " + g.perms()
	}
	for range g.IntN(3) {
		line += " -k " + g.name()
	}
	return line
}

func (g generator) calls(words []string) string {
	arch := tables.ArchX86_64
	for _, w := range words {
		switch {
		case strings.HasSuffix(w, "=b32") || strings.HasSuffix(w, "=i386"):
			arch = tables.ArchI386
		case strings.HasSuffix(w, "=aarch64"):
			arch = tables.ArchAArch64
		case strings.HasSuffix(w, "=s390x"):
			arch = tables.ArchS390X
		}
	}
	all := tables.Syscalls(arch)
	var list []string
	for range 1 + g.IntN(6) {
		switch g.IntN(12) {
		case 0:
			list = append(list, fmt.Sprint(g.IntN(2032)))
		default:
			list = append(list, all[g.IntN(len(all))].Name)
		}
	}
	if g.IntN(20) == 0 {
		return "all"
	}
	return strings.Join(list, ",")
}

func (g generator) name() string {
	return g.pick("key", "a-b_c", "x", `with\ blank`, `back\\slash`, "k=v", "long"+strings.Repeat("g", g.IntN(60)))
}

func (g generator) path() string {
	return g.pick("/etc/passwd", "/etc", "/a/dir", `/with\ blank/x`, `/back\\slash`, "/x!=y", "/a>=b", "/dir/dir/dir", "/é/ü")
}

func (g generator) perms() string { return g.pick("r", "w", "x", "a", "wa", "rwxa", "xr", "AW") }

func (g generator) ops() string { return g.pick("=", "!=", "<", ">", "<=", ">=", "&", "&=") }

func (g generator) equal() string { return g.pick("=", "!=") }

func (g generator) number() string {
	return g.pick("0", "1", "1000", "0x10", "017", "4294967295", fmt.Sprint(g.Uint32()), fmt.Sprint(g.IntN(100)))
}

// field writes one condition that the list may have; key says whether a key may
// follow.
func (g generator) field(list string) (text string, key bool) {
	id := func() string { return g.pick("root", "0", "1000", "nobody", "-2", g.number()) }
	switch list {
	case "filesystem":
		return "-F fstype" + g.equal() + g.pick("tracefs", "debugfs", "cgroup", "cgroup2", "0x1234", g.number()), true
	case "exclude":
		return "-F " + g.pick("msgtype"+g.ops()+g.pick("CWD", "1300", "syscall", "2999"), "pid"+g.ops()+g.number(),
			"uid"+g.ops()+id(), "auid"+g.ops()+"unset", "subj_type"+g.equal()+"t", "exe=/bin/ls"), false
	case "task":
		return "-F " + g.pick("uid", "auid", "euid", "pid", "pers") + g.ops() + g.number(), false
	case "user":
		if g.IntN(3) == 0 {
			return "-F exe" + g.equal() + "/bin/su", true
		}
		return "-F " + g.pick("msgtype"+g.ops()+"USER_LOGIN", "uid"+g.ops()+id(), "sessionid"+g.ops()+"unset", "a0"+g.ops()+"-5"), false
	}
	return g.exitField(id)
}

func (g generator) exitField(id func() string) (text string, key bool) {
	switch g.IntN(14) {
	case 0:
		return "-F " + g.pick("auid", "uid", "euid", "suid", "fsuid", "obj_uid", "loginuid") + g.ops() + id(), false
	case 1:
		return "-F " + g.pick("gid", "egid", "sgid", "fsgid", "obj_gid") + g.ops() + g.pick("daemon", g.number()), false
	case 2:
		return "-F a" + fmt.Sprint(g.IntN(4)) + g.ops() + g.pick("-1", "-0x7f", g.number()), false
	case 3:
		return "-F exit" + g.ops() + g.pick("-EACCES", "ENOENT", "-13", "5", "-4096", "-epipe"), false
	case 4:
		return "-F success" + g.ops() + g.pick("0", "1", "2"), false
	case 5:
		return "-F path=" + g.path(), true
	case 6:
		return "-F dir=" + g.path() + g.pick("", "/"), true
	case 7:
		return "-F perm=" + g.perms(), true
	case 8:
		return "-F filetype" + g.ops() + g.pick("file", "dir", "socket", "link", "character", "block", "fifo"), false
	case 9:
		return "-F exe" + g.equal() + g.path(), true
	case 10:
		return "-C " + g.pick("auid!=obj_uid", "uid=euid", "egid!=fsgid", "obj_gid=sgid", "suid!=fsuid"), false
	case 11:
		return "-F " + g.pick("inode", "inode!", "devmajor", "devminor", "ppid", "pid", "pers") + "=" + g.number(), false
	case 12:
		return "-F " + g.pick("subj_user", "subj_role", "obj_type", "obj_lev_low", "subj_clr") + g.ops() + g.pick("x", `s0\ t`, "system_u"), false
	default:
		return "-F " + g.pick("sessionid"+g.ops()+"-1", "saddr_fam"+g.ops()+g.pick("2", "inet6", "45")), false
	}
}

// TestRoundTrip: line -> bytes -> list -> line -> bytes, for 100,000 rules.
func TestRoundTrip(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	env := testEnv()
	style := Style{Machine: env.Machine, IsDir: env.IsDir}
	lists := map[tables.List]int{}
	for i := range n {
		g := generator{rand.New(rand.NewPCG(uint64(i), 1))}
		line := g.line()
		cmd, ok := ParseLine(line, env)
		if !ok || cmd.Err != nil {
			t.Fatalf("rule %d: %q: %v", i, line, cmd.Err)
		}
		lists[cmd.Rule.List]++
		bytes := cmd.Rule.AppendBinary(nil)
		var listed Rule
		if err := listed.UnmarshalBinary(bytes); err != nil {
			t.Fatalf("rule %d: %q: %v", i, line, err)
		}
		text := listed.Text(style)
		again, ok := ParseLine(text, env)
		if !ok || again.Err != nil {
			t.Fatalf("rule %d: %q was listed as %q: %v", i, line, text, again.Err)
		}
		if got := again.Rule.AppendBinary(nil); string(got) != string(bytes) {
			t.Fatalf("rule %d: %q was listed as %q, which is another rule: %q", i, line, text, again.Rule.Text(style))
		}
	}
	if len(lists) != 6 {
		t.Errorf("rules of %d lists, want all six: %v", len(lists), lists)
	}
}
