package auoms

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"vigil/audit"
)

// output writes records, as lines or as JSON.
type output struct {
	dst     []byte
	json    bool
	started bool // a record has been written
	escaped []byte
}

func appendSeconds(dst []byte, id audit.ID) []byte {
	dst = strconv.AppendInt(dst, id.Sec, 10)
	m := id.Milli
	return append(dst, '.', '0'+byte(m/100%10), '0'+byte(m/10%10), '0'+byte(m%10))
}

func (o *output) beginEvent(id audit.ID) {
	o.started = false
	if !o.json {
		return
	}
	o.dst = appendSeconds(append(o.dst, '['), id)
	o.dst = appendSeconds(append(o.dst, `,{"Timestamp":"`...), id)
	o.dst = strconv.AppendUint(append(o.dst, `","SerialNumber":`...), uint64(id.Serial), 10)
	o.dst = append(o.dst, `,"records":[`...)
}

func (o *output) endEvent() {
	if o.json {
		o.dst = append(o.dst, "]}]\n"...)
	}
}

func (o *output) beginRecord(id audit.ID, code int, name []byte) {
	if o.json {
		if o.started {
			o.dst = append(o.dst, ',')
		}
		o.dst = strconv.AppendInt(append(o.dst, `{"RecordTypeCode":`...), int64(code), 10)
		o.dst = appendJSON(append(o.dst, `,"RecordType":`...), name, false)
	} else {
		o.dst = append(append(o.dst, "type="...), name...)
		o.dst = id.AppendTo(append(o.dst, " audit("...))
		o.dst = append(o.dst, "):"...)
	}
	o.started = true
}

func (o *output) endRecord() {
	if o.json {
		o.dst = append(o.dst, '}')
	} else {
		o.dst = append(o.dst, '\n')
	}
}

// name begins a field. Types and names have no characters that JSON would escape, but
// for those that a program has made up.
func (o *output) name(prefix string, name []byte) {
	if o.json {
		o.dst = append(o.dst, ',')
		o.escaped = append(append(o.escaped[:0], prefix...), name...)
		o.dst = append(appendJSON(o.dst, o.escaped, false), ':')
		return
	}
	o.dst = append(append(o.dst, ' '), prefix...)
	o.dst = append(appendTTY(o.dst, name, false), '=')
}

// raw writes a value as it is, but for what is not printable.
func (o *output) raw(prefix string, name, value []byte) {
	o.name(prefix, name)
	if !o.json {
		o.dst = appendTTY(o.dst, value, false)
		return
	}
	o.escaped = appendTTY(o.escaped[:0], value, false)
	o.dst = appendJSON(o.dst, o.escaped, false)
}

// text writes a value in quotes.
func (o *output) text(prefix string, name, value []byte) {
	o.name(prefix, name)
	if o.json {
		o.escaped = appendTTY(o.escaped[:0], value, false)
		o.dst = appendJSON(o.dst, o.escaped, false)
		return
	}
	o.dst = append(o.dst, '"')
	o.dst = append(appendTTY(o.dst, value, true), '"')
}

// cmdline writes what AppendWord has made.
func (o *output) cmdline(name, value []byte) {
	o.name("", name)
	if o.json {
		o.dst = appendJSON(o.dst, value, false)
		return
	}
	o.dst = append(append(append(o.dst, '"'), value...), '"')
}

// list writes an array that appendListed has made: as text in JSON, too.
func (o *output) list(name, value []byte) {
	o.name("", name)
	if o.json {
		o.dst = appendJSON(o.dst, value, false)
		return
	}
	o.dst = append(o.dst, value...)
}

const digits = "0123456789ABCDEF"

// appendTTY appends text with \xNN for what is not printable ASCII, and for quotes if
// it stands in some.
func appendTTY(dst, text []byte, quoted bool) []byte {
	for _, b := range text {
		if b < ' ' || b > '~' || quoted && b == '"' {
			dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
			continue
		}
		dst = append(dst, b)
	}
	return dst
}

// appendListed appends an element of a list: JSON without =, which would pass for the
// beginning of another field.
func appendListed(dst, text []byte) []byte { return appendJSON(dst, text, true) }

const small = "0123456789abcdef"

// appendJSON appends a string of JSON (RFC 8259) in ASCII. Bytes that are not UTF-8
// become U+FFFD.
func appendJSON(dst, text []byte, listed bool) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		c := text[0]
		switch {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ', c == 0x7f, listed && c == '=':
			dst = append(dst, '\\', 'u', '0', '0', small[c>>4], small[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRune(text)
			dst = appendUnits(dst, r)
			text = text[n:]
			continue
		}
		text = text[1:]
	}
	return append(dst, '"')
}

// appendUnits appends a character as the \uXXXX of its UTF-16.
func appendUnits(dst []byte, r rune) []byte {
	unit := func(u rune) {
		dst = append(dst, '\\', 'u', small[u>>12&15], small[u>>8&15], small[u>>4&15], small[u&15])
	}
	if r > 0xffff {
		r -= 0x10000
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
		return dst
	}
	unit(r)
	return dst
}

// What characters of a word ask for so that bash takes it as it is.
const (
	needsEscape = 1 << iota
	needsQuotes
	needsSingle // quotes of which history expansion keeps away
	needsANSI   // $'...'
	hasSingle
)

func needs(b byte) int {
	switch {
	case b < ' ' || b > '~':
		return needsANSI
	case b == ' ', b == '&', b == '(', b == ')', b == ';', b == '<', b == '>', b == '|':
		return needsQuotes
	case b == '"', b == '$', b == '\\', b == '`':
		return needsEscape
	case b == '!':
		return needsSingle
	case b == '\'':
		return hasSingle
	}
	return 0
}

// AppendWord appends a word so that bash, given it, would pass the same argument: as it
// is, in '...', in "..." or bare with backslashes, or in $'...'. So auoms writes command
// lines, and its rules for redaction are written for them.
func AppendWord(dst, word []byte) []byte {
	flags := 0
	for _, b := range word {
		flags |= needs(b)
	}
	// What looks like the fields behind the command line must not.
	posing := bytes.Contains(word, []byte("redactors=")) || bytes.Contains(word, []byte("containerid="))
	switch {
	case posing, flags&needsANSI != 0, flags&needsSingle != 0 && flags&hasSingle != 0:
		return appendANSI(dst, word, posing)
	case flags == 0:
		return append(dst, word...)
	case flags&needsSingle != 0:
		return append(append(append(dst, '\''), word...), '\'')
	}
	quotes := flags&needsQuotes != 0
	if quotes {
		dst = append(dst, '"')
	}
	for _, b := range word {
		if needs(b) == needsEscape || b == '\'' && !quotes {
			dst = append(dst, '\\')
		}
		dst = append(dst, b)
	}
	if quotes {
		dst = append(dst, '"')
	}
	return dst
}

// appendANSI appends a word in bash's $'...'.
func appendANSI(dst, word []byte, posing bool) []byte {
	dst = append(dst, '$', '\'')
	for _, b := range word {
		if at := bytes.IndexByte([]byte("\a\b\t\n\v\f\r\x1b"), b); at >= 0 {
			dst = append(dst, '\\', "abtnvfre"[at])
			continue
		}
		switch {
		case b < ' ' || b > '~' || posing && b == '=':
			dst = append(dst, '\\', 'x', digits[b>>4], digits[b&15])
		case b == '\'', b == '\\':
			dst = append(dst, '\\', b)
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '\'')
}
