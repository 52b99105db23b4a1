package syslog

import (
	"bytes"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward"
	"vigil/forward/format"
	"vigil/forward/transport"
)

// encoder writes each line of a format as a message, with its length before it and a
// space (RFC 6587, 3.4.1): the sink takes that away where it is not wanted.
type encoder struct {
	lines    format.Encoder
	modern   bool // RFC 5424, else 3164
	host     []byte
	app      string
	data     string // id of the structured data; empty: none
	max      int    // bytes of a message; 0: no bound
	cut      bool   // cut what is longer, else split it
	priority int
	levels   []level

	text   []byte // the event's lines
	head   []byte // of its messages
	body   []byte // head and text of one message
	sd     []byte
	second int64 // for which clock is written
	clock  []byte
	local  *time.Location // of RFC 3164's times
	long   uint64         // messages cut or split
}

// level is a Level at work.
type level struct {
	matcher  *filter.Matcher
	priority int
}

// newEncoder returns an encoder for messages to a.
func newEncoder(o *Options, a transport.Address, s forward.Setup) (*encoder, error) {
	e := &encoder{
		lines: s.Format, modern: o.Protocol == "rfc5424", host: appendName(nil, []byte(s.Host), 255), app: o.AppName,
		data: o.Data, max: int(o.MaxLength), cut: o.Long == "cut", local: time.Local,
		priority: o.facility().number()<<3 | o.Severity.number(),
	}
	if e.app == "" {
		e.app = map[Profile]string{"audispd": "audispd", "audisp_syslog": "audisp-syslog", "auoms": "auoms"}[o.Profile]
	}
	if e.app == "" {
		e.app = "vigil"
	}
	if e.max == 0 {
		e.max = map[string]int{"udp": 2000, "unixgram": 8 << 10}[a.Scheme]
	}
	for _, l := range o.Levels {
		program, err := compile(l.Filter)
		if err != nil {
			return nil, err
		}
		f, v := l.Facility, l.Severity
		if f == "" {
			f = o.facility()
		}
		if v == "" {
			v = o.Severity
		}
		e.levels = append(e.levels, level{program.Matcher(field.Config{}), f.number()<<3 | v.number()})
	}
	return e, nil
}

// Append is for [forward.Encoder].
func (e *encoder) Append(dst []byte, ev forward.Event) []byte {
	e.text = forward.Lines(e.text[:0], e.lines, ev)
	priority := e.priority
	for i := range e.levels {
		if e.levels[i].matcher.Match(ev.Event) {
			priority = e.levels[i].priority
			break
		}
	}
	e.begin(priority, ev)
	for i, rest := 0, e.text; len(rest) > 0; i++ {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if len(line) > 0 {
			dst = e.line(dst, line, &ev, i)
		}
	}
	return dst
}

// Shortened is for [forward.Shortener].
func (e *encoder) Shortened() uint64 { return e.long }

// begin writes what all messages of an event begin with.
func (e *encoder) begin(priority int, ev forward.Event) {
	h := append(e.head[:0], '<')
	h = strconv.AppendInt(h, int64(priority), 10)
	h = append(h, '>')
	if e.modern {
		h = append(h, "1 "...)
	}
	h = e.time(h, ev.ID)
	h = append(h, ' ')
	if len(ev.Node) > 0 {
		h = appendName(h, ev.Node, 255)
	} else {
		h = append(h, e.host...)
	}
	h = append(h, ' ')
	h = append(h, e.app...)
	if e.modern {
		h = append(h, " - "...) // no PROCID
		e.sd = e.structured(e.sd[:0], &ev)
	} else {
		h = append(h, ": "...)
	}
	e.head = h
}

// time writes when the event was: as RFC 5424, 6.2.3, wants it, in UTC, or as RFC
// 3164, 4.1.2, in the host's time.
func (e *encoder) time(dst []byte, id audit.ID) []byte {
	if e.second != id.Sec || len(e.clock) == 0 {
		e.second = id.Sec
		at := time.Unix(id.Sec, 0)
		if e.modern {
			e.clock = at.UTC().AppendFormat(e.clock[:0], "2006-01-02T15:04:05")
		} else {
			e.clock = at.In(e.local).AppendFormat(e.clock[:0], time.Stamp)
		}
	}
	dst = append(dst, e.clock...)
	if e.modern {
		m := id.Milli
		dst = append(dst, '.', '0'+byte(m/100%10), '0'+byte(m/10%10), '0'+byte(m%10), 'Z')
	}
	return dst
}

// structured writes the event's structured data (RFC 5424, 6.3).
func (e *encoder) structured(dst []byte, ev *forward.Event) []byte {
	if e.data == "" {
		return append(dst, '-')
	}
	dst = append(append(dst, '['), e.data...)
	dst = ev.UID.AppendTo(append(dst, ` uid="`...))
	dst = strconv.AppendUint(append(dst, `" serial="`...), uint64(ev.ID.Serial), 10)
	return append(dst, `"]`...)
}

// line appends the messages of a line, the n-th of the event.
func (e *encoder) line(dst, line []byte, ev *forward.Event, n int) []byte {
	e.body = append(e.body[:0], e.head...)
	if e.modern {
		e.body = e.appendKind(e.body, ev, n)
		e.body = append(append(e.body, ' '), e.sd...)
		e.body = append(e.body, ' ')
	}
	head := len(e.body)
	if e.max == 0 || head+len(line) <= e.max {
		e.body = append(e.body, line...)
		return frame(dst, e.body)
	}
	e.long++
	room := max(e.max-head, 64)
	if e.cut {
		return e.shorten(dst, line, head, room)
	}
	return e.split(dst, line, head, room)
}

// appendKind writes the MSGID: the type of the record where a line is a record.
func (e *encoder) appendKind(dst []byte, ev *forward.Event, n int) []byte {
	kind := 0
	if n < len(ev.Records) {
		kind = n
	}
	if len(ev.Records) == 0 {
		return append(dst, '-')
	}
	start := len(dst)
	dst = ev.Records[kind].Type.AppendTo(dst)
	return dst[:min(len(dst), start+32)]
}

// marks are what is said in messages of which a part is missing or elsewhere.
const (
	cutMark  = " vigil_cut="
	partMark = " vigil_part="
)

// shorten appends the beginning of a line, and how many bytes are missing.
func (e *encoder) shorten(dst, line []byte, head, room int) []byte {
	keep := wordEnd(line, room-len(cutMark)-10)
	e.body = append(e.body[:head], line[:keep]...)
	e.body = append(e.body, cutMark...)
	e.body = strconv.AppendInt(e.body, int64(len(line)-keep), 10)
	return frame(dst, e.body)
}

// split appends a line as several messages, each of which begins with the record's
// type and stamp and says which part it is.
func (e *encoder) split(dst, line []byte, head, room int) []byte {
	prefix := line[:stampEnd(line)]
	if len(prefix) > room/2 {
		prefix = nil
	}
	room -= len(partMark) + 11
	first := wordEnd(line, room)
	width := max(room-len(prefix), 16)
	ends := []int{first}
	for at := first; at < len(line); {
		at += wordEnd(line[at:], width)
		ends = append(ends, at)
	}
	from := 0
	for i, end := range ends {
		e.body = e.body[:head]
		if i > 0 {
			e.body = append(e.body, prefix...)
		}
		e.body = append(e.body, bytes.TrimPrefix(line[from:end], []byte{' '})...)
		e.body = append(e.body, partMark...)
		e.body = strconv.AppendInt(e.body, int64(i+1), 10)
		e.body = append(e.body, '/')
		e.body = strconv.AppendInt(e.body, int64(len(ends)), 10)
		dst = frame(dst, e.body)
		from = end
	}
	return dst
}

// stampEnd returns where the text of a record begins, behind "audit(...): "; 0 if
// the line is none.
func stampEnd(line []byte) int {
	at := bytes.Index(line, []byte("audit("))
	if at < 1 || line[at-1] != '=' && line[at-1] != ' ' { // auoms writes no msg=
		return 0
	}
	end := bytes.Index(line[at:], []byte("): "))
	if end < 0 || end > 64 {
		return 0
	}
	return at + end + len("): ")
}

// wordEnd returns how many of the first n bytes of text to take so that no word is
// cut; n if there is no blank in them, less what would cut a character.
func wordEnd(text []byte, n int) int {
	if n >= len(text) {
		return len(text)
	}
	if at := bytes.LastIndexByte(text[:n+1], ' '); at > n/2 {
		return at
	}
	for n > 1 && text[n]&0xc0 == 0x80 {
		n--
	}
	return n
}

// frame appends a message with its length.
func frame(dst, message []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(message)), 10)
	dst = append(dst, ' ')
	return append(dst, message...)
}

// unframe takes the first message off a frame sequence that frame has made.
func unframe(b []byte) (message, rest []byte) {
	n := 0
	for i, c := range b {
		if c == ' ' {
			return b[i+1 : i+1+n], b[i+1+n:]
		}
		n = n*10 + int(c-'0')
	}
	return nil, nil
}

// appendName appends a name of printable ASCII without blanks (RFC 5424, 6.2.4).
func appendName(dst, name []byte, limit int) []byte {
	start := len(dst)
	for _, c := range name[:min(len(name), limit)] {
		if c <= ' ' || c > '~' {
			c = '_'
		}
		dst = append(dst, c)
	}
	if len(dst) == start {
		dst = append(dst, '-')
	}
	return dst
}
