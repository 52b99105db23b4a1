package audit_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

func addCorpus(f *testing.F, add func(r audit.Record, line []byte)) {
	for _, name := range []string{"real.log", "other.log"} {
		for _, line := range corpusLines(f, name) {
			add(mustLine(f, string(line)), line)
		}
	}
}

func checkLine(t *testing.T, r audit.Record) {
	t.Helper()
	line := r.AppendLine(nil, r.Node)
	if i := bytes.IndexAny(line, "\n\x00\x1d"); i >= 0 {
		t.Fatalf("line %q of %q has a byte %#x", line, r.Body, line[i])
	}
	got, err := audit.ParseLine(line)
	if err != nil {
		t.Fatalf("ParseLine(%q): %v", line, err)
	}
	if got.Type != r.Type || got.ID != r.ID || got.Enrichment != nil {
		t.Fatalf("line %q gives %+v, want %+v", line, got, r)
	}
	// Map replaces invalid UTF-8; compare bytes.
	want := bytes.Clone(r.Body)
	for i, c := range want {
		if c == '\n' || c == 0 || c == audit.Separator {
			want[i] = ' '
		}
	}
	want = bytes.TrimSuffix(want, []byte(" "))
	if len(r.Body) == 0 {
		want = got.Body
	}
	if !bytes.Equal(got.Body, want) {
		t.Fatalf("line %q has the text %q, want %q", line, got.Body, want)
	}
}

func FuzzParseMessage(f *testing.F) {
	addCorpus(f, func(r audit.Record, line []byte) {
		_, payload, _ := bytes.Cut(line, []byte("msg="))
		f.Add(uint16(r.Type), payload)
	})
	f.Add(uint16(1300), []byte("audit(1.000:1): a\nb\x00c\x1dUID=\"root\" type=CWD msg=audit(1.000:2): "))
	f.Fuzz(func(t *testing.T, typ uint16, payload []byte) {
		r, err := audit.ParseMessage(tables.Type(typ), payload)
		if err != nil {
			return
		}
		if r.Enrichment != nil || r.Node != nil {
			t.Fatalf("a message of the kernel has enrichment or node: %+v", r)
		}
		checkLine(t, r)
	})
}

func FuzzParseLine(f *testing.F) {
	addCorpus(f, func(_ audit.Record, line []byte) { f.Add(line) })
	f.Add([]byte("node=a type=CWD msg=audit(1.000:1): a\x1db\x1dc"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := audit.ParseLine(line)
		if err != nil {
			return
		}
		if bytes.IndexByte(r.Body, audit.Separator) >= 0 {
			t.Fatalf("text %q has a separator", r.Body)
		}
		checkLine(t, r)
	})
}

func FuzzFields(f *testing.F) {
	addCorpus(f, func(r audit.Record, _ []byte) { f.Add(uint16(r.Type), r.Body, r.Enrichment) })
	f.Add(uint16(tables.TypeUserCmd), []byte("msg='a=\"b' c='d' msg='e=f'"), []byte("A={ b=c D={"))
	f.Fuzz(func(t *testing.T, typ uint16, body, extra []byte) {
		r := audit.Record{Type: tables.Type(typ), Body: body, Enrichment: extra}
		check := func(fs audit.Fields, text []byte) {
			n := 0
			for fd, ok := fs.NextWord(); ok; fd, ok = fs.NextWord() {
				if n += len(fd.Name) + len(fd.Value); n > len(text) {
					t.Fatalf("fields of %q are longer than it", text)
				}
				if len(fd.Name)+len(fd.Value) == 0 {
					t.Fatalf("empty field in %q", text)
				}
				if got := fd.Text([]byte("x")); len(got) > len(fd.Value)+1 || got[0] != 'x' {
					t.Fatalf("%s=%s has the text %q", fd.Name, fd.Value, got)
				}
				fd.Int()
				fd.Hex()
				fd.Errno()
			}
		}
		check(r.Fields(), body)
		check(r.Extra(), extra)
		r.Sockaddr(nil)
		e := audit.Event{Records: []audit.Record{r, r}}
		e.Result()
		var a audit.Args
		e.Keys(&a)
		e.Proctitle(&a)
		e.AppendPath(nil, r)
		e.Args(&a)
		size := 0
		for i := range a.Len() {
			size += len(a.At(i))
		}
		if size > 2*len(body) {
			t.Fatalf("arguments of %q are longer than it", body)
		}
	})
}

// FuzzAssembler reads what to push from data, four bytes a record: what and when,
// serial, node, length. All that goes in comes out once, in order, with its own.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x10\x02\x01\x00\x10\x03\x01\x00\x10\x04\x01\x00\x00"))
	f.Add(bytes.Repeat([]byte{0, 1, 2, 255, 7, 3, 1, 0}, 40))
	f.Add(bytes.Repeat([]byte("\x00\x01\x00\x10\x83\x01\x00\x10\x05\x02\x00\x10\x06\x03\x00\x10\x47\x03\x00\x10"), 30))
	types := [8]tables.Type{
		tables.TypeSyscall, tables.TypePath, tables.TypeExecve, tables.TypeProctitle,
		tables.TypeEOE, tables.TypeUserLogin, tables.TypeLogin, tables.TypeMACTaskContexts,
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		type stamp struct {
			id   audit.ID
			node string
		}
		var pushed, emitted = map[stamp][]byte{}, map[stamp][]byte{}
		cfg := audit.AssemblerConfig{MaxEvents: 5, MaxBytes: 64 << 10}
		a := audit.NewAssembler(cfg, func(e *audit.Event) {
			if len(e.Records) == 0 {
				t.Fatal("event without records")
			}
			for _, r := range e.Records {
				if r.ID != e.ID || string(r.Node) != string(e.Node) {
					t.Fatalf("record of %v %q in event %v %q", r.ID, r.Node, e.ID, e.Node)
				}
				k := stamp{e.ID, string(e.Node)}
				emitted[k] = append(append(emitted[k], r.Body...), r.Enrichment...)
			}
		})
		now := time.Unix(100, 0)
		number := uint32(0)
		data = data[:min(len(data), 1000)]
		for ; len(data) >= 4; data = data[4:] {
			r := audit.Record{Type: types[data[0]&7], ID: audit.ID{Sec: int64(data[1] >> 6), Serial: uint32(data[1] & 7)}}
			if data[2]&1 != 0 {
				r.Node = []byte("node")
			}
			if r.Type != tables.TypeEOE {
				number++
				r.Body = binary.BigEndian.AppendUint32(nil, number)
				if data[2]&2 != 0 {
					r.Body = append(r.Body, " subj=? "...)
				}
				r.Body = append(r.Body, bytes.Repeat([]byte{'x'}, int(data[3])+int(data[3])/250*20000)...)
				if data[2]&4 != 0 {
					r.Enrichment = r.Body[2:4]
				}
				// A record that stands alone may pass others of its stamp.
				if r.Type == tables.TypeUserLogin {
					r.ID.Serial += 100 * uint32(data[2]&2+1)
				}
				k := stamp{r.ID, string(r.Node)}
				pushed[k] = append(append(pushed[k], r.Body...), r.Enrichment...)
			}
			now = now.Add(time.Duration(data[0]>>3) * 10 * time.Millisecond)
			a.Push(r, now)
			clear(r.Body) // it is the caller's again
			if s := a.Stats(); s.Open > cfg.MaxEvents || s.OpenBytes > cfg.MaxBytes {
				t.Fatalf("limits exceeded: %+v", s)
			}
		}
		a.Flush()
		for k, want := range pushed {
			if !bytes.Equal(emitted[k], want) {
				t.Fatalf("%v: %d bytes came out, not as the %d that went in", k, len(emitted[k]), len(want))
			}
		}
		s := a.Stats()
		if sum := s.EOE + s.Proctitle + s.Single + s.Timeout + s.Evicted + s.Flush + s.Late; sum != s.Events || s.Open != 0 {
			t.Fatalf("Stats do not add up: %+v", s)
		}
	})
}

// Text that was made to be read again and again for each of its fields is read
// once: a mebibyte takes milliseconds, where squared it would take hours.
func TestHostileTextTakesLinearTime(t *testing.T) {
	start := time.Now()
	for _, s := range []string{`a="`, `a='`, `a={`, `a={ `, `msg='`, `'`, `"`, ` `, `=`, `(`, `a=) `, `a=,`, `a0[1]=`, "a1=\"\" ", "a=4141"} {
		body := []byte(strings.Repeat(s, 1<<20/len(s)))
		for _, typ := range []tables.Type{tables.TypeExecve, tables.TypeUserCmd, tables.TypeAVC} {
			e := audit.Event{Records: []audit.Record{{Type: typ, Body: body, Enrichment: body}}}
			for _, fs := range []audit.Fields{e.Records[0].Fields(), e.Records[0].Extra()} {
				for _, ok := fs.Next(); ok; _, ok = fs.Next() {
				}
			}
			var a audit.Args
			e.Args(&a)
			e.Result()
			e.Records[0].AppendLine(nil, nil)
		}
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("took %v", d)
	}
}
