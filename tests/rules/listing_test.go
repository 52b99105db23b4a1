package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/internal/need"
)

// shippedDir holds the rule files of Debian's auditd package.
const shippedDir = "/usr/share/doc/auditd/examples/rules"

// compareLoads loads a file by stock auditctl -R, by ours and by vigil rules apply, in turn, and compares the kernel's
// lists as stock auditctl lists them. It returns how many rules there were.
//
// The file gets a first line -i, which makes auditctl go on after a rule for a user or a directory that this host does
// not have; vigil leaves such rules out by itself. What cannot be taken back before the next boot is not loaded.
func (b *bed) compareLoads(name, text string) int {
	b.t.Helper()
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-e") && !strings.HasPrefix(line, "--loginuid-immutable") {
			kept = append(kept, line)
		}
	}
	file := b.file("test.rules", "-i\n"+strings.Join(kept, ""))
	b.reset()
	stock := b.stock("-R", file)
	want := b.rules()
	b.reset()
	ours := b.ours("-R", file)
	if diff := cmp.Diff(b.rules(), want); diff != "" {
		b.t.Errorf("%s: auditctl -R: got -, stock +\n%s", name, diff)
	}
	if diff := cmp.Diff(ours, stock, cmp.Transformer("counts", withoutCounts)); diff != "" {
		b.t.Errorf("%s: auditctl -R prints: got -, stock +\n%s", name, diff)
	}
	b.reset()
	applied := b.vigil("rules", "apply", "--perm-all", file)
	if applied.Status != 0 {
		b.t.Errorf("%s: vigil rules apply: %+v", name, applied)
	}
	if diff := cmp.Diff(b.rules(), want); diff != "" {
		b.t.Errorf("%s: vigil rules apply: got -, stock +\n%s", name, diff)
	}
	// What is listed can be loaded again, and then there is nothing to do.
	listed := b.file("listed.rules", b.vigil("rules", "list").Out)
	if again := b.vigil("rules", "diff", listed); again.Status != 0 {
		b.t.Errorf("%s: the listing is another set: %+v", name, again)
	}
	b.reset()
	return len(want)
}

// withoutCounts takes the numbers out of a status that move by themselves.
func withoutCounts(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		for _, name := range []string{"lost", "backlog", "backlog_wait_time_actual"} {
			if strings.HasPrefix(line, name+" ") || strings.HasPrefix(line, name+": ") {
				line = name + "\n"
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

// TestShippedFiles: every rule file of the auditd package parses, and is loaded as stock auditctl loads it.
func TestShippedFiles(t *testing.T) {
	b := newBed(t)
	files, err := filepath.Glob(filepath.Join(shippedDir, "*.rules"))
	if err != nil || len(files) == 0 {
		need.Missing(t, "rule files in %s (Debian package auditd)", shippedDir)
	}
	total := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if checked := b.vigil("rules", "check", file); checked.Status != 0 {
			t.Errorf("%s has errors:\n%s", file, checked.Out)
		}
		total += b.compareLoads(filepath.Base(file), string(text))
	}
	t.Logf("%d files, %d rules", len(files), total)
}

// TestOwnSets: a benchmark's set and 400 lines in the style of published ones.
func TestOwnSets(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"cis.rules", "community.rules"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		// Room for the watches below /srv/data, which this host need not have.
		rules := strings.ReplaceAll(string(text), "/srv/data/", t.TempDir()+"/")
		n := b.compareLoads(name, rules)
		t.Logf("%s: %d lines, %d rules loaded", name, strings.Count(rules, "\n"), n)
	}
}

// TestEveryFieldOperatorListAsStock writes every field with every operator and some values in every list as a line, and
// lets both load the lines that each takes for right.
func TestEveryFieldOperatorListAsStock(t *testing.T) {
	b := newBed(t)
	var text strings.Builder
	count := 0
	for _, list := range []string{"exit", "user", "task", "exclude"} {
		for field, values := range fieldValues {
			for _, op := range []string{"=", "!=", "<", "<=", ">", ">=", "&", "&="} {
				for _, value := range strings.Fields(values) {
					// A condition of its own keeps the line apart from all others with the same value.
					count++
					end := ""
					if list == "exit" {
						end = " -k k"
					}
					fmt.Fprintf(&text, "-a always,%s -F pid=%d -F %s%s%s%s\n", list, count, field, op, value, strings.Replace(end, " -k k", "", 1))
				}
			}
		}
	}
	for _, op := range []string{"=", "!="} {
		for left := range fieldValues {
			for right := range fieldValues {
				if strings.HasSuffix(left, "id") && strings.HasSuffix(right, "id") {
					count++
					fmt.Fprintf(&text, "-a always,exit -F pid=%d -C %s%s%s\n", count, left, op, right)
				}
			}
		}
	}
	for _, value := range strings.Fields("tracefs debugfs 0x1234 nosuch") {
		for _, op := range []string{"=", "!=", "<", "&"} {
			fmt.Fprintf(&text, "-a never,filesystem -F fstype%s%s\n", op, value)
		}
	}
	file := b.file("matrix.rules", "-i\n"+text.String())
	b.stock("-R", file)
	want := b.rules()
	b.reset()
	b.ours("-R", file)
	if diff := cmp.Diff(b.rules(), want); diff != "" {
		t.Errorf("of %d lines: got -, stock +\n%s", count, diff)
	}
	t.Logf("%d lines, %d taken by both", count, len(want))
}

// fieldValues are values of every field that a rule can name. Left out are those in which ours differs on purpose: see
// docs/auditctl-differences.md.
var fieldValues = map[string]string{
	"pid": "7 -7 x", "ppid": "7 x", "pers": "8", "arch": "b64 b32 x86_64 i686 aarch64 0xc000003e c000003e b65 nosuch",
	"uid": "0 root -2 nosuch 4294967294 0x10 010 10x", "euid": "0", "suid": "root", "fsuid": "1000", "auid": "1000 unset -1 4294967295",
	"loginuid": "unset", "obj_uid": "0 root", "gid": "0 root -1 nosuch", "egid": "0", "sgid": "7", "fsgid": "010", "obj_gid": "daemon",
	"msgtype": "CWD cwd 1307 2999 nosuch", "subj_user": "u", "subj_role": "r", "subj_type": "t", "subj_sen": "s0", "subj_clr": "s1",
	"obj_user": "u", "obj_role": "r", "obj_type": "t", "obj_lev_low": "l", "obj_lev_high": "h",
	"sessionid": "3 unset -1", "devmajor": "8 x", "devminor": "1", "inode": "5 4294967295", "exit": "0 -1 -EACCES ENOENT 13 nosuch -4095",
	"success": "0 1 2 yes", "path": "/etc/passwd /etc /etc/ etc /nosuch/x", "dir": "/etc /etc/ etc /nosuch", "perm": "r wa rwxa XA q rwxar",
	"filetype": "file dir socket link character block fifo nosuch", "exe": "/bin/su su /nosuch/su", "saddr_fam": "2 45 46",
	"a0": "0 -1 0x7fffffff 4294967296 x", "a1": "5", "a2": "010", "a3": "-0x10", "field_compare": "1 25",
	"key": "k", "nosuch": "1",
}
