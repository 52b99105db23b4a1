package login

import (
	"bytes"
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

// Load learns from systemd-logind what no record has told of sessions: of those that were begun before anybody listened.
// root is the host's root directory. What logind writes below /run/systemd/sessions says in AUDIT= which of the
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
	if err != nil || ses == noSession {
		return
	}
	old := t.sessions[uint32(ses)]
	if old == nil {
		t.room()
		t.stats.Begun++
		old = &session{login: &attribution.Login{}, pid: noSession, order: t.stats.Begun}
		if leader, err := strconv.ParseUint(values["LEADER"], 10, 31); err == nil {
			old.pid = uint32(leader)
		}
		t.sessions[uint32(ses)] = old
	}
	l := *old.login
	fill(&l.User, values["USER"])
	fill(&l.TTY, values["TTY"])
	fill(&l.Addr, values["REMOTE_HOST"])
	if service := values["SERVICE"]; service != "" {
		fill(&l.Method, method(&message{exe: []byte(service)}))
	}
	if micro, err := strconv.ParseInt(values["REALTIME"], 10, 64); err == nil && micro > 0 && l.Time == 0 {
		l.Time = micro / 1000
	}
	old.login = &l
}
