package enrich

// name is a user's or group's name and how it is printed.
type name struct {
	text  string
	plain bool // needs no encoding in a log
}

// maxName is how much of a name auditd prints, in bytes.
const maxName = 63

func newName(text string) name {
	plain := true
	for i := range len(text) {
		// The kernel's rule for untrusted strings (kernel/audit.c:
		// audit_string_contains_control).
		if c := text[i]; c == '"' || c < 0x21 || c > 0x7e {
			plain = false
			break
		}
	}
	return name{text: text, plain: plain}
}

// appendQuoted appends the name as a log has it: in quotes, or in hexadecimal if
// a byte of it would not do there.
func (n name) appendQuoted(dst []byte) []byte {
	text := n.text
	if len(text) > maxName {
		text = text[:maxName]
		if !n.plain {
			n = newName(text)
		}
	}
	if !n.plain {
		return appendHex(dst, text)
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}
