package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"vigil/trail"
)

// auditdConf is where the tools that read auditd's log learn where it is.
const auditdConf = "/etc/audit/auditd.conf"

// logSettings is what auditd.conf says to the tools that read the log.
type logSettings struct {
	file    string // log_file
	timeout int64  // end_of_event_timeout in seconds; 0 if it is not set
}

// auditdLog reads auditd.conf. What is not there, or not understood, is auditd's
// default: a log is to be read even if the daemon would not start.
func auditdLog() logSettings {
	s := logSettings{file: trail.DefaultPath}
	f, err := os.Open(auditdConf)
	if err != nil {
		return s
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		word := strings.Fields(lines.Text())
		if len(word) < 3 || word[1] != "=" {
			continue
		}
		switch strings.ToLower(word[0]) {
		case "log_file":
			s.file = word[2]
		case "end_of_event_timeout":
			if n, err := strconv.ParseInt(word[2], 10, 32); err == nil && n > 0 {
				s.timeout = n
			}
		}
	}
	return s
}
