package login

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vigil/enrich/attribution"
)

const (
	maxLogins     = 4096     // files of systemd-logind's that are read
	maxLoginBytes = 64 << 10 // of one
)

// Load learns of the sessions that systemd-logind knows and no record has told of: those that were begun before anybody
// listened. root is the host's root directory. What logind writes below /run/systemd/sessions says in AUDIT= which of the
// kernel's sessions it is.
func (t *Table) Load(root string) {
	dir := filepath.Join(root, "run", "systemd", "sessions")
	names, err := readNames(dir)
	if err != nil {
		return
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(text) > maxLoginBytes {
			continue
		}
		t.load(text)
	}
}

func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(maxLogins)
}

func (t *Table) load(text []byte) {
	values := map[string]string{}
	for line := range bytes.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), "=")
		if ok && len(value) <= maxText {
			values[name] = value
		}
	}
	ses, err := strconv.ParseUint(values["AUDIT"], 10, 32)
	if err != nil || ses == noSession || t.sessions[uint32(ses)] != nil {
		return
	}
	l := &attribution.Login{User: values["USER"], TTY: values["TTY"], Addr: values["REMOTE_HOST"]}
	if service := values["SERVICE"]; service != "" {
		l.Method = method(&message{exe: []byte(service)})
	}
	if micro, err := strconv.ParseInt(values["REALTIME"], 10, 64); err == nil && micro > 0 && micro < math.MaxInt64/1000 {
		l.Time = micro / 1000
	}
	leader, err := strconv.ParseUint(values["LEADER"], 10, 31)
	if err != nil {
		leader = math.MaxUint32
	}
	t.room()
	t.stats.Begun++
	t.sessions[uint32(ses)] = &session{login: l, pid: uint32(leader), order: t.stats.Begun}
}
