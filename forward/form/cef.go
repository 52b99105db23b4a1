package form

import (
	"strconv"

	"vigil/audit"
)

// cefColumns are the keys of ArcSight's Common Event Format that have a meaning here
// (Implementing ArcSight CEF, version 25), and custom ones with their labels.
func cefColumns() []column {
	columns := []column{
		{"externalId", []string{"audit.serial"}},
		{"dvchost", []string{"evt.hostname"}},
		{"act", []string{"evt.type"}},
		{"outcome", []string{"audit.result"}},
		{"suser", []string{"user.loginname", "audit.account"}},
		{"suid", []string{"user.loginuid"}},
		{"duser", []string{"user.name", "audit.account"}},
		{"duid", []string{"user.uid"}},
		{"sproc", []string{"proc.pname"}},
		{"spid", []string{"proc.ppid"}},
		{"dproc", []string{"proc.exepath", "proc.name"}},
		{"dpid", []string{"proc.pid"}},
		{"filePath", []string{"fs.path.name", "PATH.name[0]"}},
		{"src", []string{"fd.cip", "audit.address"}},
		{"spt", []string{"fd.cport"}},
		{"dst", []string{"fd.sip"}},
		{"dpt", []string{"fd.sport"}},
		{"reason", []string{"evt.res"}},
	}
	for i, c := range []struct{ label, name string }{
		{"key", "audit.key"}, {"cmdline", "proc.cmdline"}, {"container", "container.full_id"},
		{"image", "container.image"}, {"namespace", "k8s.ns.name"}, {"pod", "k8s.pod.name"},
	} {
		columns = append(columns, column{"cs" + strconv.Itoa(i+1), []string{c.name}})
	}
	return append(columns, column{"cn1", []string{"audit.session"}})
}

// cefLabels stand in each line, whether the custom key is there or not: parsers are
// written for lines that all look alike.
const cefLabels = "cs1Label=key cs2Label=cmdline cs3Label=container cs4Label=image cs5Label=namespace cs6Label=pod cn1Label=session "

// newCEF returns an encoder of CEF.
func newCEF(c Config) (*siem, error) {
	s, err := newSIEM(c, cefColumns())
	if err != nil {
		return nil, err
	}
	s.between, s.escape = ' ', appendCEFValue
	s.head = func(dst []byte, e *audit.Event, s *siem) []byte {
		dst = append(dst, "CEF:0|Vigil|Vigil|"...)
		dst = appendCEFHeader(dst, []byte(s.version))
		dst = append(dst, '|')
		dst = appendCEFHeader(dst, s.appendID(nil, e))
		dst = append(dst, '|')
		dst = appendCEFHeader(dst, s.appendName(nil, e))
		dst = append(dst, '|')
		dst = strconv.AppendInt(dst, int64(s.severity(e)), 10)
		dst = append(dst, '|')
		dst = append(dst, "rt="...)
		dst = appendMillis(dst, e.ID)
		return append(append(dst, ' '), cefLabels...)
	}
	return s, nil
}

// appendCEFHeader escapes what would end a field of the header.
func appendCEFHeader(dst, value []byte) []byte {
	for _, c := range value {
		switch {
		case c == '|', c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ', c == 0x7f:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendCEFValue escapes what would begin another key.
func appendCEFValue(dst, value []byte) []byte {
	for _, c := range value {
		switch {
		case c == '=', c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < ' ', c == 0x7f:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
