package attribution

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"vigil/audit"
)

// The keys. Their values are quoted, or upper-case hexadecimal if a byte of them cannot stand in quotes, but for
// PROC_START and VPID, which are numbers.
const (
	KeyContainerID      = "CONTAINER_ID"
	KeyContainerName    = "CONTAINER_NAME"
	KeyContainerImage   = "CONTAINER_IMAGE"
	KeyContainerDigest  = "CONTAINER_DIGEST"
	KeyContainerRuntime = "CONTAINER_RUNTIME"
	KeyContainerPriv    = "CONTAINER_PRIVILEGED" // yes or no
	KeyContainerLabels  = "CONTAINER_LABELS"     // a=b,c=d
	KeyPodName          = "POD_NAME"
	KeyPodNamespace     = "POD_NS"
	KeyPodUID           = "POD_ID"
	KeyPodAccount       = "POD_ACCOUNT"
	KeyPodSandbox       = "POD_SANDBOX"
	KeyPodNode          = "POD_NODE"
	KeyPodLabels        = "POD_LABELS"
	KeyCgroup           = "CGROUP"
	KeyUnit             = "UNIT"
	KeySlice            = "SLICE"
	KeyStart            = "PROC_START" // nanoseconds since the epoch
	KeyVPID             = "VPID"
	KeyScript           = "SCRIPT"
	KeyLoginUser        = "LOGIN_USER"
	KeyLoginTTY         = "LOGIN_TTY"
	KeyLoginAddr        = "LOGIN_ADDR"
	KeyLoginMethod      = "LOGIN_METHOD"
	KeyLoginTime        = "LOGIN_TIME" // seconds since the epoch with three decimals
	KeyEntryID          = "EXEC_SESSION"
	KeyEntryVia         = "EXEC_VIA"
	KeyEntryContainer   = "EXEC_CONTAINER"

	// Of an ancestor, behind P1 for the parent, P2 for its parent and on.
	suffixPID  = "_PID" // in quotes too: bare digits would pass for hexadecimal
	suffixComm = "_COMM"
	suffixExe  = "_EXE"
	suffixArgs = "_ARGS"
)

// Bounds of the text. What does not fit is left out key by key, the ones written last first; a value that is too long by
// itself is cut.
const (
	// MaxLine is the length of the longest line that auditd writes and ausearch reads whole, without the newline
	// (MAX_AUDIT_MESSAGE_LENGTH of libaudit.h).
	MaxLine = 8969
	// DefaultSize is a Format's Size if that is 0.
	DefaultSize = 2048
	// MaxAncestors is how many ancestors are written at most.
	MaxAncestors = 16

	maxValue = 512 // bytes of one value before it is encoded
	maxArgs  = 256 // bytes of an ancestor's command line
)

// Format says what of an attribution is written. Its zero value writes DefaultFields in at most DefaultSize bytes.
type Format struct {
	Fields    Fields // 0 is DefaultFields
	Size      int    // bytes that are added to a line at most, 0 is DefaultSize
	Ancestors int    // 0 is 5
}

// Append appends a's keys to dst, in which a record's line, without its newline, begins at start. The line ends with the
// kernel's text or with auditd's enrichment. It does not allocate if dst has room, and appends nothing if nothing is known.
//
// An SADDR= in the enrichment is cut off: it quotes a path as it is, so that whoever may send audit messages could have
// keys of ours written there. The kernel's own socket addresses are in records that bear no pid.
func (f Format) Append(dst []byte, start int, a *Attribution) []byte {
	w := writer{dst: dst, limit: min(len(dst)+f.size(), start+MaxLine), fields: f.fields()}
	if i := bytes.IndexByte(dst[start:], audit.Separator); i >= 0 {
		w.begun = true
		if j := bytes.Index(dst[start+i:], []byte(address)); j >= 0 {
			w.begun = j > 1
			w.dst = bytes.TrimRight(dst[:start+i+j], " \x1d")
		}
	}
	w.attribution(a, f.Ancestors)
	return w.dst
}

// address begins a socket address in auditd's enrichment.
const address = "SADDR="

// Render appends a's keys for no particular line, to be put behind many with AppendRendered.
func (f Format) Render(dst []byte, a *Attribution) []byte {
	// One byte less: what stands between a line and its first key counts too.
	w := writer{dst: dst, limit: len(dst) + f.size() - 1, fields: f.fields(), bare: true}
	w.attribution(a, f.Ancestors)
	return w.dst
}

// RenderAncestors appends list's keys, to be an Attribution's AncestorText; false if they are more than may be written.
func (f Format) RenderAncestors(dst []byte, list []Ancestor) ([]byte, bool) {
	w := writer{dst: dst, limit: len(dst) + f.size(), fields: f.fields(), bare: true}
	w.ancestors(list, f.Ancestors)
	return w.dst, !w.cut
}

// AppendRendered does with text, which Render has made of an attribution, what Append does with that attribution. It
// returns false, and dst as it was, if some of the text would have to be left out: then Append is to be called.
func (f Format) AppendRendered(dst []byte, start int, text []byte) ([]byte, bool) {
	between := byte(audit.Separator)
	if i := bytes.IndexByte(dst[start:], audit.Separator); i >= 0 {
		between = ' '
		if bytes.Contains(dst[start+i:], []byte(address)) {
			return dst, false
		}
	}
	if len(text) == 0 {
		return dst, true
	}
	if len(dst)+1+len(text) > start+MaxLine {
		return dst, false
	}
	return append(append(dst, between), text...), true
}

func (f Format) fields() Fields {
	if f.Fields == 0 {
		return DefaultFields
	}
	return f.Fields
}

func (f Format) size() int {
	if f.Size <= 0 {
		return DefaultSize
	}
	return f.Size
}

type writer struct {
	dst    []byte
	limit  int // length that dst must not pass
	begun  bool
	bare   bool // not behind a separator: the text of a record, or none yet
	cut    bool // something was left out
	fields Fields
}

func (w *writer) has(f Fields) bool { return w.fields&f != 0 }

// attribution writes every key of a that is chosen, and as many ancestors as are wanted.
func (w *writer) attribution(a *Attribution, ancestors int) {
	w.container(a)
	if a.Entry != nil && w.has(Entries) {
		w.text(KeyEntryID, a.Entry.ID)
		w.text(KeyEntryVia, a.Entry.Via)
		if a.Entry.Container != a.ContainerID {
			w.text(KeyEntryContainer, a.Entry.Container)
		}
	}
	w.login(a.Login)
	if w.has(Units) {
		w.text(KeyUnit, a.Unit)
		w.text(KeySlice, a.Slice)
	}
	if w.has(Processes) {
		w.number(KeyStart, a.Start)
		w.number(KeyVPID, uint64(a.VPID))
	}
	if w.has(Scripts) {
		w.text(KeyScript, a.Script)
	}
	if w.has(Cgroups) {
		w.text(KeyCgroup, a.Cgroup)
	}
	if text := a.AncestorText; len(text) == 0 || len(w.dst)+1+len(text) > w.limit {
		w.ancestors(a.Ancestors, ancestors)
	} else if w.has(Ancestors) {
		w.separate()
		w.dst = append(w.dst, text...)
		w.begun = true
	}
}

func (w *writer) container(a *Attribution) {
	c := a.Container
	if c == nil {
		if w.has(ContainerIDs) {
			w.text(KeyContainerID, a.ContainerID)
			w.text(KeyContainerRuntime, a.Runtime)
			w.text(KeyPodUID, a.PodUID)
		}
		return
	}
	if w.has(ContainerIDs) {
		w.text(KeyContainerID, c.ID)
		w.text(KeyContainerRuntime, c.Runtime)
	}
	if w.has(ContainerNames) {
		w.text(KeyContainerName, c.Name)
		w.text(KeyContainerImage, c.Image)
	}
	if w.has(ContainerDetail) {
		w.text(KeyContainerDigest, c.Digest)
		switch c.Privileged {
		case Yes:
			w.text(KeyContainerPriv, "yes")
		case No:
			w.text(KeyContainerPriv, "no")
		}
	}
	if p := c.Pod; p != nil {
		w.pod(p)
	} else if w.has(ContainerIDs) {
		w.text(KeyPodUID, a.PodUID)
	}
	if w.has(Labels) {
		w.labels(KeyContainerLabels, c.Labels)
	}
}

func (w *writer) pod(p *Pod) {
	if w.has(ContainerNames) {
		w.text(KeyPodNamespace, p.Namespace)
		w.text(KeyPodName, p.Name)
	}
	if w.has(ContainerIDs) {
		w.text(KeyPodUID, p.UID)
	}
	if w.has(ContainerDetail) {
		w.text(KeyPodAccount, p.Account)
		w.text(KeyPodSandbox, p.Sandbox)
		w.text(KeyPodNode, p.Node)
	}
	if w.has(Labels) {
		w.labels(KeyPodLabels, p.Labels)
	}
}

func (w *writer) login(l *Login) {
	if l == nil || !w.has(Logins) {
		return
	}
	w.text(KeyLoginUser, l.User)
	w.text(KeyLoginTTY, l.TTY)
	w.text(KeyLoginAddr, l.Addr)
	w.text(KeyLoginMethod, l.Method)
	if l.Time > 0 {
		var b [24]byte
		w.value(KeyLoginTime, audit.ID{Sec: l.Time / 1000, Milli: uint16(l.Time % 1000)}.AppendTo(b[:0]), 2)
	}
}

// ancestors writes the first most of a list, 5 if that is 0.
func (w *writer) ancestors(list []Ancestor, most int) {
	if !w.has(Ancestors) {
		return
	}
	if most <= 0 {
		most = 5
	}
	list = list[:min(len(list), most, MaxAncestors)]
	var key [8]byte
	for i := range list {
		p := &list[i]
		k := append(key[:0], 'P')
		k = strconv.AppendUint(k, uint64(i+1), 10)
		if p.PID == 0 {
			return // what comes after would be somebody else's
		}
		var digits [10]byte
		w.quoted(k, suffixPID, strconv.AppendUint(digits[:0], uint64(p.PID), 10))
		w.string(k, suffixComm, p.Comm, maxValue)
		w.string(k, suffixExe, p.Exe, maxValue)
		if w.has(AncestorArgs) {
			w.string(k, suffixArgs, p.Args, maxArgs)
		}
	}
}

// key begins a key and returns where the text began before it.
func (w *writer) key(prefix []byte, name string) int {
	before := len(w.dst)
	w.separate()
	w.dst = append(w.dst, prefix...)
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, '=')
	return before
}

// separate writes what stands before a key.
func (w *writer) separate() {
	switch {
	case w.begun:
		w.dst = append(w.dst, ' ')
	case !w.bare:
		w.dst = append(w.dst, audit.Separator)
	}
}

// done keeps what was written since before if there is room.
func (w *writer) done(before int) {
	if len(w.dst) > w.limit {
		w.dst, w.cut = w.dst[:before], true
		return
	}
	w.begun = true
}

func (w *writer) number(name string, n uint64) {
	if n == 0 {
		return
	}
	before := w.key(nil, name)
	w.dst = strconv.AppendUint(w.dst, n, 10)
	w.done(before)
}

// value writes text that needs no encoding, without the last cut bytes.
func (w *writer) value(name string, text []byte, cut int) {
	before := w.key(nil, name)
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, text[:len(text)-cut]...)
	w.dst = append(w.dst, '"')
	w.done(before)
}

func (w *writer) quoted(prefix []byte, name string, text []byte) {
	before := w.key(prefix, name)
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, text...)
	w.dst = append(w.dst, '"')
	w.done(before)
}

func (w *writer) text(name, s string) { w.string(nil, name, s, maxValue) }

func (w *writer) string(prefix []byte, name, s string, most int) {
	if s == "" {
		return
	}
	if len(w.dst) >= w.limit {
		w.cut = true
		return
	}
	before := w.key(prefix, name)
	w.dst = append(w.dst, '"')
	from := len(w.dst)
	w.dst = append(w.dst, s[:min(len(s), most)]...)
	w.close(from)
	w.done(before)
}

// close ends the quoted value that begins at from, or makes it hexadecimal.
func (w *writer) close(from int) {
	if plain(w.dst[from:]) {
		w.dst = append(w.dst, '"')
		return
	}
	w.dst = hexInPlace(w.dst, from)
}

// hexInPlace replaces the quote before from and the text behind it with hexadecimal digits.
func hexInPlace(dst []byte, from int) []byte {
	const digits = "0123456789ABCDEF"
	n := len(dst) - from
	for range n - 1 { // one byte more is there already: the quote
		dst = append(dst, 0)
	}
	at := len(dst)
	for i := from + n - 1; i >= from; i-- {
		c := dst[i]
		at -= 2
		dst[at+1], dst[at] = digits[c&15], digits[c>>4]
	}
	return dst
}

// plain reports whether b may stand in quotes: the kernel's rule, audit_string_contains_control of kernel/audit.c.
func plain(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		v := binary.LittleEndian.Uint64(b)
		quote := v ^ ones*'"'
		// A byte has its high bit set in one of these if it is beyond ASCII, below 0x21, 0x7f or a quote.
		if (v|(v-ones*0x21)|(v+ones)|((quote-ones)&^quote))&highs != 0 {
			return slowPlain(b)
		}
		b = b[8:]
	}
	return slowPlain(b)
}

func slowPlain(b []byte) bool {
	for _, c := range b {
		if c < 0x21 || c > 0x7e || c == '"' {
			return false
		}
	}
	return true
}

// labels writes a list of labels as one value, with '%', ',' and '=' of theirs percent-encoded where they would pass for
// the list's own.
func (w *writer) labels(name string, list []Label) {
	if len(list) == 0 || len(w.dst) >= w.limit {
		return
	}
	before := w.key(nil, name)
	w.dst = append(w.dst, '"')
	from := len(w.dst)
	for _, l := range list {
		mark := len(w.dst)
		if mark > from {
			w.dst = append(w.dst, ',')
		}
		w.dst = appendEscaped(w.dst, l.Name, true)
		w.dst = append(w.dst, '=')
		w.dst = appendEscaped(w.dst, l.Value, false)
		if len(w.dst)-from > 2*maxValue {
			w.dst = w.dst[:mark]
			break
		}
	}
	if len(w.dst) == from {
		w.dst = w.dst[:before]
		return
	}
	w.close(from)
	w.done(before)
}

func appendEscaped(dst []byte, s string, isName bool) []byte {
	for i := range min(len(s), maxValue) {
		switch c := s[i]; {
		case c == '%':
			dst = append(dst, "%25"...)
		case c == ',':
			dst = append(dst, "%2C"...)
		case c == '=' && isName:
			dst = append(dst, "%3D"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
