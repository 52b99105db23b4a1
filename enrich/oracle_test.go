package enrich

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A fixed seed unless one asks for others, so that the same code has the same verdict everywhere.
var seed = flag.Uint64("seed", 1, "of the random records; 0 takes another one each time")

var update = flag.Bool("update", false, "write testdata/records.log anew from the installed auditd")

// TestOracleRecords: the installed auditd makes of records.txt what records.log
// says it does.
func TestOracleRecords(t *testing.T) {
	records, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	log := newOracle(t).enrich(t, records)
	if *update {
		if err := os.WriteFile("testdata/records.log", log, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/records.log")
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := bytes.Split(log, []byte("\n")), bytes.Split(want, []byte("\n"))
	if len(gotLines) != len(wantLines) {
		t.Fatalf("auditd wrote %d lines, want %d", len(gotLines), len(wantLines))
	}
	for i := range gotLines {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			t.Errorf("auditd wrote %q, want %q", gotLines[i], wantLines[i])
		}
	}
}

// TestOracleRandom: for records made of random pieces, auditd and AppendSuffix
// write the same.
func TestOracleRandom(t *testing.T) {
	oracle := newOracle(t)
	seed := *seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var records []byte
	for range 3000 {
		records = append(records, randomRecord(random)...)
	}
	path := filepath.Join(t.TempDir(), "random.log")
	if err := os.WriteFile(path, oracle.enrich(t, records), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := checkLog(t, path, goldenNames()); n < 1000 {
		t.Errorf("%d records were enriched", n)
	}
}

// Pieces of random records. What auditd and AppendSuffix mean to treat
// differently is not among them (see the package's documentation).
var (
	randomNames = strings.Fields(`auid uid euid suid fsuid ouid oauid old-auid iuid id inode_uid sauid obj_uid
		obj_gid gid egid sgid fsgid ogid igid inode_gid new_gid syscall arch saddr a0 a1 key res pid comm msg
		x node type (uid ((uid uidx u UID`)
	randomValues = append(strings.Fields(`0 1 9 2001 2003 2008 4294967295 -1 -2 abc 1x 0x10 99999999999999999999
		18446744073709551615 18446744073709551616 c000003e 40000003 c00000b7 80000016 102 117 59 3 450
		"x" 'x (0) 0) 0, 0: 0' 0', (none) (null) (null 020000507F0000010000000000000000
		01002F746D702F78 0A000050000000002001067C000000000000000000000001000000000 10000000D204000000000000
		01 4101 41014201 4142014300410141 4101zz zz ? a=b uid=0 'uid=0 auid=0 +5 " : , ' ) { }`), "", "\t7", "\xe9")
	randomWords = append(strings.Fields(`avc: denied { } read write for x avc granted {x }y msg=' ' msg='uid=0
		msg='x op=y tty ( = =1`), "")
	randomTypes = []int{1005, 1006, 1100, 1107, 1123, 1302, 1305, 1306, 1318, 1326, 1400, 1420, 2100}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// randomRecord returns a line of a file of records.
func randomRecord(r *rand.Rand) string {
	if r.IntN(4) == 0 {
		return "1306 saddr=" + randomAddress(r) + "\n"
	}
	var words []string
	kind := pick(r, randomTypes)
	if r.IntN(8) == 0 {
		kind = 1300
		words = append(words, fmt.Sprintf("arch=%s syscall=%d success=yes exit=0 a0=%x a1=1",
			pick(r, []string{"c000003e", "40000003"}), pick(r, []int{1, 102, 117, 59, 400, 1073741825}), r.IntN(26)))
	}
	for range 1 + r.IntN(16) {
		word := pick(r, randomWords)
		if r.IntN(5) > 0 {
			word = pick(r, randomNames) + "=" + pick(r, randomValues)
		}
		if kind == 1300 && (strings.HasPrefix(word, "arch") || strings.HasPrefix(word, "syscall")) {
			continue
		}
		words = append(words, word)
	}
	return fmt.Sprintf("%d %s\n", kind, strings.Join(words, " "))
}

// randomAddress returns the hexadecimal digits of a socket address without a
// newline or a separator.
func randomAddress(r *rand.Rand) string {
	address := []byte{byte(pick(r, []int{0, 1, 1, 2, 2, 3, 9, 10, 10, 10, 16, 17, 99})), 0}
	for range pick(r, []int{0, 2, 4, 6, 8, 12, 14, 20, 26, 28, 32, 108, 126}) {
		c := byte(r.IntN(256))
		if r.IntN(3) == 0 {
			c = 0
		}
		if c == '\n' || c == 0x1d {
			c = ' '
		}
		address = append(address, c)
	}
	return fmt.Sprintf("%X", address)
}

// oracle runs the installed auditd on records of ours.
type oracle struct {
	dir string
}

// newOracle skips the test where auditd cannot be run so: a C compiler, auditd
// and unshare are needed, and the right to unshare a mount namespace.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	unusable := func(format string, args ...any) {
		t.Helper()
		if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
			t.Fatalf(format, args...)
		}
		t.Skipf(format, args...)
	}
	if os.Geteuid() != 0 {
		unusable("auditd wants root")
	}
	for _, tool := range []string{"auditd", "cc", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			unusable("%s is missing: install auditd, gcc and util-linux to run this test", tool)
		}
	}
	o := &oracle{dir: t.TempDir()}
	shim := filepath.Join(o.dir, "shim.so")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", shim, "testdata/auditd.c").CombinedOutput(); err != nil {
		unusable("build testdata/auditd.c: %v\n%s", err, out)
	}
	conf := fmt.Sprintf(`log_format = ENRICHED
log_file = %[1]s/audit.log
flush = NONE
plugin_dir = %[1]s/plugins.d
name_format = NONE
space_left = 2
admin_space_left = 1
space_left_action = IGNORE
admin_space_left_action = IGNORE
`, o.dir)
	if err := os.WriteFile(filepath.Join(o.dir, "auditd.conf"), []byte(conf), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(o.dir, "plugins.d"), 0o750); err != nil {
		t.Fatal(err)
	}
	return o
}

// enrich returns the lines that auditd writes for a file of records, with the
// users and groups of testdata/etc. It runs in a mount namespace of its own.
func (o *oracle) enrich(t *testing.T, records []byte) []byte {
	t.Helper()
	path := filepath.Join(o.dir, "records.txt")
	if err := os.WriteFile(path, records, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c",
		`mount --bind testdata/etc/passwd /etc/passwd && mount --bind testdata/etc/group /etc/group &&
		mount -t tmpfs none /run && LD_PRELOAD="$0/shim.so" exec auditd -f -s nochange -c "$0"`, o.dir)
	cmd.Env = append(os.Environ(), "RECORDS="+path)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("run auditd: %v\n%s", err, stderr.Bytes())
	}
	// The first line is auditd's own DAEMON_START.
	_, log, ok := bytes.Cut(stdout.Bytes(), []byte("\n"))
	if !ok {
		t.Fatalf("auditd wrote %q", stdout.Bytes())
	}
	return log
}
