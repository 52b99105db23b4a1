package form

import (
	"strconv"

	"vigil/audit"
)

// leefColumns are attributes of QRadar's Log Event Extended Format 2.0 that have a
// meaning there, and ours.
func leefColumns() []column {
	return []column{
		{"usrName", []string{"user.loginname", "audit.account", "user.name"}},
		{"src", []string{"fd.cip", "audit.address"}},
		{"srcPort", []string{"fd.cport"}},
		{"dst", []string{"fd.sip"}},
		{"dstPort", []string{"fd.sport"}},
		{"proto", []string{"fd.l4proto"}},
		{"identHostName", []string{"evt.hostname"}},
		{"action", []string{"evt.type"}},
		{"result", []string{"audit.result"}},
		{"reason", []string{"evt.res"}},
		{"serial", []string{"audit.serial"}},
		{"session", []string{"audit.session"}},
		{"auid", []string{"user.loginuid"}},
		{"user", []string{"user.name"}},
		{"uid", []string{"user.uid"}},
		{"pid", []string{"proc.pid"}},
		{"ppid", []string{"proc.ppid"}},
		{"exe", []string{"proc.exepath"}},
		{"cmdline", []string{"proc.cmdline"}},
		{"resource", []string{"fs.path.name", "PATH.name[0]"}},
		{"key", []string{"audit.key"}},
		{"container", []string{"container.full_id"}},
		{"image", []string{"container.image"}},
		{"namespace", []string{"k8s.ns.name"}},
		{"pod", []string{"k8s.pod.name"}},
	}
}

// newLEEF returns an encoder of LEEF 2.0.
func newLEEF(c Config) (*siem, error) {
	s, err := newSIEM(c, leefColumns())
	if err != nil {
		return nil, err
	}
	s.between, s.escape = '\t', appendLEEFValue
	s.head = func(dst []byte, e *audit.Event, s *siem) []byte {
		dst = append(dst, "LEEF:2.0|Vigil|Vigil|"...)
		dst = appendLEEFHeader(dst, []byte(s.version))
		dst = append(dst, '|')
		dst = appendLEEFHeader(dst, s.appendID(nil, e))
		dst = append(dst, "|x09|devTime="...)
		dst = appendMillis(dst, e.ID)
		dst = append(dst, "\tsev="...)
		dst = strconv.AppendInt(dst, int64(s.severity(e)), 10)
		return append(dst, '\t')
	}
	return s, nil
}

// appendLEEFHeader has a blank where a field of the header would end: the format knows
// no escapes.
func appendLEEFHeader(dst, value []byte) []byte {
	for _, c := range value {
		if c == '|' || c < ' ' || c == 0x7f {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

// appendLEEFValue has a blank where an attribute would end.
func appendLEEFValue(dst, value []byte) []byte {
	for _, c := range value {
		if c < ' ' || c == 0x7f {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
