package form

import (
	"strconv"
	"unicode/utf8"

	"vigil/audit"
)

// gelfColumns are the additional fields of a message for Graylog (GELF 1.1), without
// the underscore that they begin with. _id is not allowed.
func gelfColumns() []column {
	return []column{
		{"type", []string{"audit.type"}}, {"action", []string{"evt.type"}}, {"result", []string{"audit.result"}}, {"error", []string{"evt.res"}},
		{"serial", []string{"audit.serial"}}, {"session", []string{"audit.session"}}, {"key", []string{"audit.key"}},
		{"login_user", []string{"user.loginname", "audit.account"}}, {"login_uid", []string{"user.loginuid"}},
		{"user", []string{"user.name"}}, {"uid", []string{"user.uid"}}, {"pid", []string{"proc.pid"}}, {"ppid", []string{"proc.ppid"}},
		{"exe", []string{"proc.exepath"}}, {"cmdline", []string{"proc.cmdline"}}, {"cwd", []string{"proc.cwd"}}, {"path", []string{"fs.path.name", "PATH.name[0]"}},
		{"client_ip", []string{"fd.cip", "audit.address"}}, {"client_port", []string{"fd.cport"}}, {"server_ip", []string{"fd.sip"}}, {"server_port", []string{"fd.sport"}},
		{"container_id", []string{"container.full_id"}}, {"container_name", []string{"container.name"}}, {"container_image", []string{"container.image"}},
		{"k8s_namespace", []string{"k8s.ns.name"}}, {"k8s_pod", []string{"k8s.pod.name"}}, {"unit", []string{"vigil.unit"}},
	}
}

// gelf writes a JSON object in a line.
type gelf struct {
	*siem
	host []byte
}

func newGELF(c Config) (*gelf, error) {
	s, err := newSIEM(c, gelfColumns())
	if err != nil {
		return nil, err
	}
	host := c.Host
	if host == "" {
		host = "unknown" // the field must be there
	}
	return &gelf{s, []byte(host)}, nil
}

// Append appends one line.
func (g *gelf) Append(dst []byte, e *audit.Event) []byte {
	g.env.Load(e)
	host := e.Node
	if len(host) == 0 {
		host = g.host
	}
	dst = append(dst, `{"version":"1.1","host":`...)
	dst = appendJSONText(dst, host)
	dst = append(dst, `,"short_message":`...)
	dst = appendJSONText(dst, g.appendName(nil, e))
	dst = append(dst, `,"timestamp":`...)
	m := e.ID.Milli
	dst = strconv.AppendInt(dst, e.ID.Sec, 10)
	dst = append(dst, '.', '0'+byte(m/100%10), '0'+byte(m/10%10), '0'+byte(m%10))
	// Severities of syslog: notice, warning, err.
	level := map[int]int{3: 5, 5: 4, 6: 4, 8: 3}[g.severity(e)]
	dst = append(dst, `,"level":`...)
	dst = strconv.AppendInt(dst, int64(level), 10)
	if len(g.uid) > 0 {
		dst = append(dst, `,"_vigil_uid":`...)
		dst = appendJSONText(dst, g.uid)
		g.uid = g.uid[:0]
	}
	for i := range g.columns {
		if value, ok := g.take(&g.columns[i]); ok {
			dst = append(append(append(dst, `,"_`...), g.columns[i].key...), `":`...)
			dst = appendJSONText(dst, value)
		}
	}
	return append(dst, '}', '\n')
}

const hex = "0123456789abcdef"

// appendJSONText appends a JSON string (RFC 8259). Bytes that are not UTF-8 become
// U+FFFD.
func appendJSONText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		c := text[0]
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ', c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(text)
			dst = utf8.AppendRune(dst, r)
			text = text[n:]
			continue
		}
		text = text[1:]
	}
	return append(dst, '"')
}
