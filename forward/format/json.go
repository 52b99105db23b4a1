package format

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// JSONConfig says how to write JSON. The zero value is valid.
type JSONConfig struct {
	// Host is the name in host.name of events whose records bear no node= prefix;
	// "" means that they have none.
	Host string
	// Names gives the names of users and groups where the enrichment of the
	// records does not; nil means that ids stay without.
	Names Names
}

// JSON writes an event as one JSON object in a line, in the names of the Elastic
// Common Schema. What the schema has no name for stands under vigil.audit;
// vigil.audit.records holds every field of every record, by record type, so that
// nothing is lost. Values there are strings: as the kernel printed them, but
// decoded.
//
// In a record's object:
//   - fields of msg='...', which a program has written, stand in an object "msg", so
//     that they cannot pass for the kernel's;
//   - the enrichment's fields have their upper-case names;
//   - a field that comes again is in the list "again", as name=value;
//   - words that belong to no field are in the list "words";
//   - of EXECVE, the arguments are not repeated: process.args has them.
//
// The output is valid UTF-8 and, whatever the records hold, valid JSON of one
// line; see appendString for bytes that are not UTF-8.
type JSON struct {
	cfg   JSONConfig
	host  []byte // for host.name
	uid   []byte // of the next event; empty: it has none
	facts facts

	second int64  // of the last event
	date   []byte // and its text

	args  audit.Args
	whole bool    // all arguments are there
	order []int32 // of the records
	// The objects of a record and of the msg in it.
	outer, inner scope
	avcNames     [2][]byte // that ausearch gives the words "denied" and "{ read }"

	recordsText []byte
	addrs       addrs
	// Values being decoded.
	text, acctText, nameText []byte
}

// keepText bounds the memory that an encoder keeps after an event of monstrous
// size.
const keepText = 1 << 20

// lastSecond is the last of the year 9999: one beyond is no RFC 3339, and only a
// forged log has it.
const lastSecond = 253402300799

// NewJSON returns an encoder.
func NewJSON(cfg JSONConfig) *JSON {
	seed := maphash.MakeSeed()
	return &JSON{
		cfg: cfg, host: []byte(cfg.Host),
		acctText: make([]byte, 0, 256), // a socket address has up to 128 bytes
		avcNames: [2][]byte{[]byte("seresult"), []byte("seperms")},
		outer:    scope{seen: newSeen(seed, "again", "words", "msg")},
		inner:    scope{seen: newSeen(seed, "again", "words")},
		facts:    facts{kin: new(kin)},
	}
}

// Mark is for [Marker]: the uid stands in vigil.uid.
func (j *JSON) Mark(uid []byte) { j.uid = append(j.uid[:0], uid...) }

// Append appends e as one line.
func (j *JSON) Append(dst []byte, e *audit.Event) []byte {
	j.facts.begin(e)
	records := object{append(j.recordsText[:0], '{')}
	j.records(&records)
	j.facts.finish()
	o := object{dst}
	o.open()
	o.key("@timestamp")
	j.time(&o)
	o.raw("ecs", `{"version":"8.17.0"}`)
	if len(e.Records) > 0 {
		j.event(&o)
		j.process(&o)
		j.user(&o)
		j.group(&o)
		j.file(&o)
		j.network(&o)
		j.service(&o)
		j.container(&o)
		j.orchestrator(&o)
	}
	if host := e.Node; len(host) > 0 || len(j.host) > 0 {
		if len(host) == 0 {
			host = j.host
		}
		o.key("host")
		o.open()
		o.string("name", host)
		o.close()
	}
	j.tags(&o)
	o.key("vigil")
	o.open()
	if len(j.uid) > 0 {
		o.string("uid", j.uid)
		j.uid = j.uid[:0]
	}
	o.key("audit")
	o.open()
	j.audit(&o)
	if len(e.Records) > 0 {
		o.comma()
		o.b = append(o.b, records.b[1:]...)
	}
	if j.recordsText = records.b; cap(j.recordsText) > keepText {
		j.recordsText = nil
	}
	o.close()
	j.attribution(&o)
	o.close()
	o.close()
	j.facts.e = nil // what the other views are of is the caller's again
	return append(o.b, '\n')
}

// time writes the time of the stamp as RFC 3339 with milliseconds, in UTC.
func (j *JSON) time(o *object) {
	id := j.facts.e.ID
	if id.Sec > lastSecond {
		id = audit.ID{Sec: lastSecond, Milli: 999}
	}
	if id.Sec != j.second || len(j.date) == 0 {
		j.second = id.Sec
		j.date = id.Time().AppendFormat(j.date[:0], `"2006-01-02T15:04:05.`)
	}
	o.b = append(o.b, j.date...)
	m := id.Milli
	o.b = append(o.b, '0'+byte(m/100%10), '0'+byte(m/10%10), '0'+byte(m%10), 'Z', '"')
}

func (j *JSON) event(o *object) {
	f := &j.facts
	o.key("event")
	o.open()
	if f.actionType == tables.TypeRespAlert {
		o.raw("kind", `"alert"`)
	} else {
		o.raw("kind", `"event"`)
	}
	o.raw("category", f.action.category)
	o.raw("type", f.action.types)
	j.text = f.appendAction(j.text[:0])
	o.string("action", j.text)
	switch f.result {
	case audit.ResultSuccess:
		o.raw("outcome", `"success"`)
	case audit.ResultFailure:
		o.raw("outcome", `"failure"`)
	default:
		o.raw("outcome", `"unknown"`)
	}
	o.key("id")
	o.b = append(o.b, '"')
	o.b = f.e.ID.AppendTo(o.b)
	o.b = append(o.b, '"')
	o.key("sequence")
	o.b = strconv.AppendUint(o.b, uint64(f.e.ID.Serial), 10)
	o.b = append(o.b, `,"module":"vigil","dataset":"vigil.audit"`...)
	o.close()
	if name, ok := tables.ErrnoName(f.errno); ok && f.errno != 0 {
		o.key("error")
		o.open()
		o.key("code")
		o.b = append(o.b, '"')
		o.b = append(o.b, name...)
		o.b = append(o.b, '"')
		o.close()
	}
}

func (j *JSON) process(o *object) {
	f := &j.facts
	o.key("process")
	start := o.open()
	o.number("pid", f.pid)
	j.born(o)
	j.parent(o)
	j.entry(o)
	j.field(o, "name", f.comm)
	j.field(o, "executable", f.exe)
	if f.hasExecve {
		j.whole = f.e.Args(&j.args)
		o.key("args")
		o.list()
		for i := range j.args.Len() {
			o.item(j.args.At(i))
		}
		o.closeList()
		o.key("args_count")
		o.b = strconv.AppendInt(o.b, int64(j.args.Len()), 10)
		j.joined(o, "command_line")
	} else if f.cmd.Name != nil {
		j.field(o, "command_line", f.cmd)
	}
	j.field(o, "working_directory", f.cwd)
	if f.hasProctitle && f.e.Proctitle(&j.args) && j.args.Len() > 0 {
		j.joined(o, "title")
	}
	j.terminal(o)
	o.closeUnlessEmpty(start)
}

// joined writes j.args with spaces between.
func (j *JSON) joined(o *object, key string) {
	j.text = j.text[:0]
	for i := range j.args.Len() {
		if i > 0 {
			j.text = append(j.text, ' ')
		}
		j.text = append(j.text, j.args.At(i)...)
	}
	o.string(key, j.text)
}

// terminal writes process.tty, which the schema has as the numbers of a device
// (Documentation/admin-guide/devices.txt), with the name beside them.
func (j *JSON) terminal(o *object) {
	name := j.facts.tty.Value
	if len(name) == 0 || string(name) == "(none)" || string(name) == "?" {
		return
	}
	o.key("tty")
	o.open()
	for _, t := range [...]struct {
		prefix       string
		major, minor uint64
	}{{"pts", 136, 0}, {"ttyS", 4, 64}, {"tty", 4, 0}} {
		digits := name[min(len(t.prefix), len(name)):]
		n, err := strconv.ParseUint(string(digits), 10, 16)
		if string(name[:len(name)-len(digits)]) != t.prefix || err != nil {
			continue
		}
		if t.prefix == "pts" { // UNIX98_PTY_SLAVE_MAJOR: 256 a major
			t.major += n >> 8
			n &= 0xff
		}
		o.key("char_device")
		o.open()
		o.key("major")
		o.b = strconv.AppendUint(o.b, t.major, 10)
		o.key("minor")
		o.b = strconv.AppendUint(o.b, t.minor+n, 10)
		o.close()
		break
	}
	o.string("name", name)
	o.close()
}

// field writes a decoded value if there is one.
func (j *JSON) field(o *object, key string, fd audit.Field) {
	if fd.Name == nil || fd.IsNull() || string(fd.Value) == "?" {
		return
	}
	if v, ok := fd.View(); ok {
		o.string(key, v)
		return
	}
	j.text = fd.Text(j.text[:0])
	o.string(key, j.text)
}

// service writes the unit that a message of systemd is about, without its suffix as
// that has it, else the service that the process belongs to.
func (j *JSON) service(o *object) {
	unit := j.facts.attr[attrUnit]
	o.key("service")
	start := o.open()
	if j.facts.unit.Name != nil {
		j.field(o, "name", j.facts.unit)
	} else if unit != nil {
		unit, j.text = attrText(unit, j.text)
		if name, ok := bytes.CutSuffix(unit, []byte(".service")); ok && len(name) > 0 {
			o.string("name", name)
		}
	}
	o.closeUnlessEmpty(start)
}

// tags writes the keys of the rule.
func (j *JSON) tags(o *object) {
	j.facts.keys(&j.args)
	if j.args.Len() == 0 {
		return
	}
	o.key("tags")
	o.list()
	for i := range j.args.Len() {
		o.item(j.args.At(i))
	}
	o.closeList()
}

// appendAddr appends an IP address, which text may hold; false if it does not.
func (j *JSON) appendAddr(o *object, key string, text []byte) bool {
	if isIPv4(text) {
		o.string(key, text)
		return true
	}
	addr := j.addrs.parse(text)
	if !addr.IsValid() {
		return false
	}
	j.ip(o, key, addr)
	return true
}

// addrs keeps what the last texts with a colon are as IPv6 addresses, since parsing
// one allocates.
type addrs struct {
	kept [8]struct {
		text []byte
		addr netip.Addr // not valid if it is none
	}
	next int
}

// maxAddr is more than an IPv6 address with a zone has.
const maxAddr = 64

func (a *addrs) parse(text []byte) netip.Addr {
	if len(text) > maxAddr || bytes.IndexByte(text, ':') < 0 {
		return netip.Addr{}
	}
	for i := range a.kept {
		if bytes.Equal(a.kept[i].text, text) {
			return a.kept[i].addr
		}
	}
	k := &a.kept[a.next%len(a.kept)]
	a.next++
	if k.addr, _ = netip.ParseAddr(string(text)); !k.addr.Is6() {
		k.addr = netip.Addr{}
	}
	k.text = append(k.text[:0], text...)
	return k.addr
}

// isIPv4 reports whether text is four numbers up to 255 with dots between.
func isIPv4(text []byte) bool {
	n, digits, dots := 0, 0, 0
	for _, c := range text {
		switch {
		case c == '.' && digits > 0:
			n, digits, dots = 0, 0, dots+1
		case c-'0' <= 9 && digits < 3 && (n > 0 || digits == 0):
			n, digits = 10*n+int(c-'0'), digits+1
		default:
			return false
		}
		if n > 255 {
			return false
		}
	}
	return dots == 3 && digits > 0
}

func (j *JSON) ip(o *object, key string, addr netip.Addr) {
	o.key(key)
	o.b = append(o.b, '"')
	o.b = addr.WithZone("").AppendTo(o.b)
	o.b = append(o.b, '"')
}
