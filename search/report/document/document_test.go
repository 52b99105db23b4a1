package document_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"vigil/search/report/document"
)

func TestEscape(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := document.Escape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("", "")
	f("/usr/bin/grüß", "/usr/bin/grüß")
	f("a\nb\tc\x00\x7f", `a\nb\tc\x00\x7f`)
	f("\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`)
	f("\xff\xc3(", `\xff\xc3(`)
	f("\u202egnp.exe\u200b", `\u202egnp.exe\u200b`)
	f("\u009b31m", `\u009b31m`)
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b]0;x\a\u202e\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := document.Escape(text)
		for _, r := range got {
			if !unicode.IsPrint(r) || r == unicode.ReplacementChar && !strings.ContainsRune(text, unicode.ReplacementChar) {
				t.Fatalf("%q: %q holds %q", text, got, r)
			}
		}
		if document.Escape(got) != got {
			t.Fatalf("%q changes when it is escaped again", got)
		}
	})
}

// sample is a document with all kinds of values.
func sample() *document.Document {
	at := time.Unix(1795280400, 123e6).UTC()
	return &document.Document{Name: "sample", Title: "A sample", From: at, To: at.Add(time.Hour), Events: 12345, Records: 50000, Files: 2,
		Notes: []string{"a note\nof two lines"},
		Tables: []document.Table{{Name: "sample", Title: "A sample", Total: document.Amount{N: 400, About: true}, Chart: 1,
			Columns: []document.Column{{Name: "file", Kind: document.Wide}, {Name: "events", Kind: document.Number}, {Name: "user"},
				{Name: "last_seen", Kind: document.Time}, {Name: "result", Kind: document.Result}, {Name: "event", Aside: true}},
			Rows: [][]document.Value{
				{document.TextValue("/a/rather/long/name/of/a/file/somewhere.txt"), document.NumberValue(1234567), document.TextValue("alice"),
					document.TimeValue(at), document.TextValue("failure"), document.TextValue("1.000:1")},
				{document.TextValue("=1+1\x1b\xff"), {Amount: document.Amount{N: 9, Missing: 3}}, document.TextValue(""),
					{}, {}, document.TextValue("1.000:2")},
			}}}}
}

func TestText(t *testing.T) {
	f := func(width int, want string) {
		t.Helper()
		got := string(document.AppendText(nil, sample(), document.TextOptions{Location: time.UTC, Width: width}))
		if diff := cmp.Diff(got, strings.TrimPrefix(want, "\n")); diff != "" {
			t.Errorf("width %d (-got +want):\n%s", width, diff)
		}
	}
	f(0, `
A sample
2026-11-21 17:00:00 to 2026-11-21 18:00:00, 12,345 events

FILE                                            EVENTS  USER   LAST SEEN            RESULT   EVENT
/a/rather/long/name/of/a/file/somewhere.txt  1,234,567  alice  2026-11-21 17:00:00  failure  1.000:1
=1+1\x1b\xff                                       ≥ 9                                       1.000:2
(2 of about 400; --top 0 shows all that are known)

note: a note\nof two lines
`)
	f(80, `
A sample
2026-11-21 17:00:00 to 2026-11-21 18:00:00, 12,345 events

FILE                                 EVENTS  USER   LAST SEEN            RESULT
/a/rather/long/name/…mewhere.txt  1,234,567  alice  2026-11-21 17:00:00  failure
=1+1\x1b\xff                            ≥ 9
(2 of about 400; --top 0 shows all that are known)

note: a note\nof two lines
`)
}

// With colours, what is coloured is still only what the table says.
func TestColour(t *testing.T) {
	plain := document.AppendText(nil, sample(), document.TextOptions{Location: time.UTC})
	coloured := document.AppendText(nil, sample(), document.TextOptions{Location: time.UTC, Colour: true})
	if !bytes.Contains(coloured, []byte("\x1b[31mfailure\x1b[0m")) {
		t.Errorf("a failure is not red:\n%q", coloured)
	}
	for _, sequence := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m"} {
		coloured = bytes.ReplaceAll(coloured, []byte(sequence), nil)
	}
	// Colour is put round a text without the blanks behind it.
	if diff := cmp.Diff(string(coloured), string(plain)); diff != "" {
		t.Errorf("(-coloured +plain):\n%s", diff)
	}
}

func TestJSONAndCSV(t *testing.T) {
	var b bytes.Buffer
	if err := document.WriteJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	const wantJSON = `{
  "report": "sample",
  "title": "A sample",
  "from": "2026-11-21T17:00:00.123Z",
  "to": "2026-11-21T18:00:00.123Z",
  "events": 12345,
  "records": 50000,
  "files": 2,
  "rows": [
    {
      "file": "/a/rather/long/name/of/a/file/somewhere.txt",
      "events": 1234567,
      "user": "alice",
      "last_seen": "2026-11-21T17:00:00.123Z",
      "result": "failure",
      "event": "1.000:1"
    },
    {
      "file": "=1+1\u001b\\xff",
      "events": 9,
      "events_at_most": 12,
      "user": null,
      "last_seen": null,
      "result": null,
      "event": "1.000:2"
    }
  ],
  "total": 400,
  "total_estimated": true,
  "notes": [
    "a note\nof two lines"
  ]
}
`
	if diff := cmp.Diff(b.String(), wantJSON); diff != "" {
		t.Errorf("JSON (-got +want):\n%s", diff)
	}
	b.Reset()
	if err := document.WriteCSV(&b, sample()); err != nil {
		t.Fatal(err)
	}
	const wantCSV = `file,events,user,last_seen,result,event
/a/rather/long/name/of/a/file/somewhere.txt,1234567,alice,2026-11-21T17:00:00.123Z,failure,1.000:1
'=1+1\x1b\xff,9,,,,1.000:2
`
	if diff := cmp.Diff(b.String(), wantCSV); diff != "" {
		t.Errorf("CSV (-got +want):\n%s", diff)
	}
}
