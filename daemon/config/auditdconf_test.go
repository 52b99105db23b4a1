package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/daemon/config"
)

func TestAuditdConf(t *testing.T) {
	file := write(t, "auditd.conf", `
# as distributions ship it
local_events = yes
LOG_FILE = /srv/log/audit.log
log_format = RAW
log_group = adm
flush = INCREMENTAL_ASYNC
freq = 20
max_log_file = 16
num_logs = 9
max_log_file_action = KEEP_LOGS
name_format = USER
name = web1
space_left_action = EXEC /usr/local/bin/clean
`)
	got := config.Default("/etc/audit")
	ignored, err := got.ApplyAuditdConf(file)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default("/etc/audit")
	want.Node.Name = "web1"
	want.Trail.Path = "/srv/log/audit.log"
	want.Trail.Format = config.Raw
	want.Trail.Group = "adm"
	want.Trail.MaxFile = 16 << 20
	want.Trail.Files = 9
	want.Trail.OnFull = config.Keep
	want.Trail.Flush.Records = 20
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("configuration (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(ignored, []string{"space_left_action = EXEC /usr/local/bin/clean"}); diff != "" {
		t.Errorf("ignored (-got +want):\n%s", diff)
	}
}

// A key that is absent has auditd's built-in value: it keeps everything.
func TestAuditdConfAbsentKeys(t *testing.T) {
	c := config.Default("/etc/audit")
	if _, err := c.ApplyAuditdConf(write(t, "auditd.conf", "log_format = ENRICHED\n")); err != nil {
		t.Fatal(err)
	}
	if c.Trail.MaxFile != 0 || c.Trail.OnFull != config.Ignore || c.Trail.Flush.Mode != config.FlushNone {
		t.Errorf("got %+v, want no rotation and no flush", c.Trail)
	}
}

func TestAuditdConfMissing(t *testing.T) {
	got := config.Default("/etc/audit")
	if _, err := got.ApplyAuditdConf(filepath.Join(t.TempDir(), "auditd.conf")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, config.Default("/etc/audit")); diff != "" {
		t.Errorf("a missing file changed the defaults:\n%s", diff)
	}
}

func TestAuditdConfMistakes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file := write(t, "auditd.conf", text)
		c := config.Default("/etc/audit")
		_, err := c.ApplyAuditdConf(file)
		if err == nil {
			t.Errorf("%q was taken", text)
			return
		}
		if got := strings.TrimPrefix(err.Error(), file); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
		if diff := cmp.Diff(c, config.Default("/etc/audit")); diff != "" {
			t.Errorf("%q was half applied:\n%s", text, diff)
		}
	}
	f("log_format=RAW\n", ":1: wants `key = value` with spaces around the =")
	f("\nlog_fromat = RAW\n", `:2: unknown key "log_fromat": did you mean "log_format"?`)
	f("log_format = ROW\n", `:1: unknown value "ROW": did you mean "raw"?`)
	f("num_logs = 1000\n", `:1: "1000" is not a whole number from 0 to 999`)
	f("name_format = user\n", ": name_format = user wants a `name = ...`")
	f("flush = incremental\n", `: trail.flush.records is 0: the incremental mode wants a number of records, like 50`)
	f("local_events = no\n", `:1: local_events = no asks for a daemon that reads only other hosts' records: write yes, or leave the key out`)
}

func FuzzAuditdConf(f *testing.F) {
	f.Add("log_format = RAW\nnum_logs = 5\n")
	f.Add("name_format = user\nname = x\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := config.Default("/etc/audit")
		if _, err := c.ApplyAuditdConf(write(t, "auditd.conf", text)); err != nil && cmp.Diff(c, config.Default("/etc/audit")) != "" {
			t.Errorf("an error, and half applied: %v", err)
		}
	})
}
