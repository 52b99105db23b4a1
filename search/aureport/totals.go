package aureport

import (
	"cmp"
	"slices"
	"strconv"

	"vigil/search/aulog"
)

// totals counts what stands in a column.
type totals struct {
	say     *speaker
	entries []entry
	byName  map[string]int // places in entries
	byNum   map[int64]int
	buf     []byte
}

// entry is how often something was seen. name is "" for what is a number.
type entry struct {
	name   string
	number int64
	hits   uint32
}

func newTotals(say *speaker) *totals {
	return &totals{say: say, byName: map[string]int{}, byNum: map[int64]int{}}
}

// add counts a text. The map is asked without a copy of it.
func (t *totals) add(text []byte) {
	if i, ok := t.byName[string(text)]; ok {
		t.entries[i].hits++
		return
	}
	name := string(text)
	t.byName[name] = len(t.entries)
	t.entries = append(t.entries, entry{name: name, hits: 1})
}

func (t *totals) addNumber(n int64) {
	if i, ok := t.byNum[n]; ok {
		t.entries[i].hits++
		return
	}
	t.byNum[n] = len(t.entries)
	t.entries = append(t.entries, entry{number: n, hits: 1})
}

// addOr counts a text, or the word that is printed for a missing one.
func (t *totals) addOr(text []byte, missing string) {
	if text == nil {
		t.buf = append(t.buf[:0], missing...)
		text = t.buf
	}
	t.add(text)
}

// sorted returns the entries, the most frequent first. Of equal ones the one that was seen first comes first, or if
// they are numbers the lower one.
func (t *totals) sorted(byNumber bool) []entry {
	list := slices.Clone(t.entries)
	if byNumber {
		slices.SortFunc(list, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(b.hits, a.hits) })
	return list
}

func (t *totals) objects(e *aulog.Event, f *aulog.Facts) {
	decisions(e, f, func(a aulog.AVC) { t.addIf(a.Object) })
}

func (t *totals) auth(e *aulog.Event, f *aulog.Facts) {
	t.buf = t.say.appendAccount(t.buf[:0], e, f)
	t.add(t.buf)
}

// logins counts logins by auid, and where it is unset by the name that was given: by another rule than the table's.
func (t *totals) logins(e *aulog.Event, f *aulog.Facts) {
	if f.LoginUID == aulog.Unset && f.Acct != nil {
		t.add(f.Acct)
		return
	}
	t.buf = t.say.appendLoginUID(t.buf[:0], e, f)
	t.add(t.buf)
}

func (t *totals) commands(e *aulog.Event, f *aulog.Facts) { t.addIf(command(e, f)) }

func (t *totals) files(_ *aulog.Event, f *aulog.Facts) {
	for i := range f.Files {
		if isFile(&f.Files[i]) {
			t.addOr(f.Files[i].Name, null)
		}
	}
}

func (t *totals) keys(_ *aulog.Event, f *aulog.Facts) {
	for _, k := range f.Keys {
		if string(k) != null {
			t.add(k)
		}
	}
}

func (t *totals) hosts(_ *aulog.Event, f *aulog.Facts)       { t.addIf(f.Host) }
func (t *totals) terminals(_ *aulog.Event, f *aulog.Facts)   { t.addIf(f.Terminal) }
func (t *totals) executables(_ *aulog.Event, f *aulog.Facts) { t.addIf(f.Exe) }

func (t *totals) addIf(text []byte) {
	if text != nil {
		t.add(text)
	}
}

func (t *totals) users(e *aulog.Event, f *aulog.Facts) {
	if f.LoginUID == aulog.NotFound {
		return
	}
	t.buf = t.say.appendLoginUID(t.buf[:0], e, f)
	t.add(t.buf)
}

func (t *totals) pids(_ *aulog.Event, f *aulog.Facts) {
	if f.PID != aulog.Unset {
		t.addNumber(int64(f.PID))
	}
}

func (t *totals) syscalls(e *aulog.Event, f *aulog.Facts) {
	if f.Syscall >= 0 {
		t.buf = t.say.appendSyscall(t.buf[:0], e, f)
		t.add(t.buf)
	}
}

// types counts the types of events' first records.
func (t *totals) types(e *aulog.Event, _ *aulog.Facts) {
	if head := e.Records[0].Type; head != aulog.NoType {
		t.addNumber(int64(head))
	}
}

// print appends the totals. Types are names if -i is given.
func (t *totals) print(dst []byte, tab table, typed bool) []byte {
	for _, one := range t.sorted(tab.byNumber) {
		dst = strconv.AppendUint(dst, uint64(one.hits), 10)
		dst = append(dst, "  "...)
		switch {
		case one.name != "" || !tab.byNumber:
			dst = tab.escape(t.say).Append(dst, []byte(one.name))
		case typed && t.say.interpret:
			dst = appendType(dst, typeOf(one.number))
		default:
			dst = strconv.AppendInt(dst, one.number, 10)
		}
		dst = append(dst, '\n')
	}
	return dst
}
