package http_test

import (
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/forward"
	"vigil/forward/form"
	sink "vigil/forward/sinks/http"
	"vigil/internal/setting"
)

// request is what a far end was sent.
type request struct {
	header http.Header
	body   string // unpacked
	raw    []byte
}

// far is a far end that answers with what answer writes.
func far(t *testing.T, answer func(http.ResponseWriter)) (url string, got chan request) {
	got = make(chan request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		text := raw
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(string(raw)))
			if err != nil {
				t.Error(err)
				return
			}
			if text, err = io.ReadAll(z); err != nil {
				t.Error(err)
			}
		}
		got <- request{r.Header, string(text), raw}
		if answer != nil {
			answer(w)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func open(t *testing.T, f form.Name, change func(*sink.Options)) (forward.Sink, forward.Encoder) {
	t.Helper()
	k := sink.Kind()
	o := k.Options().(*sink.Options)
	change(o)
	if err := k.Check(o); err != nil {
		t.Fatal(err)
	}
	lines, err := form.New(f, form.Config{Host: "web1"})
	if err != nil {
		t.Fatal(err)
	}
	s, enc, err := k.Open(t.Context(), o, forward.Setup{Name: "hook", Format: lines, Form: f, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // at the end
	return s, enc
}

func batch(t *testing.T, enc forward.Encoder, serials ...uint32) *forward.Batch {
	t.Helper()
	b := &forward.Batch{}
	for _, n := range serials {
		r, err := audit.ParseLine([]byte("type=USER msg=audit(1700000000.000:1): pid=1 uid=0 msg='op=test res=success'"))
		if err != nil {
			t.Fatal(err)
		}
		r.ID.Serial = n
		e := forward.Event{Event: &audit.Event{ID: r.ID, Records: []audit.Record{r}}}
		b.Items = append(b.Items, forward.Item{ID: r.ID, Data: enc.Append(nil, e)})
	}
	return b
}

func secret(t *testing.T, text string) setting.Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return setting.Secret("file:" + path)
}

func TestLines(t *testing.T) {
	url, got := far(t, nil)
	s, enc := open(t, form.Raw, func(o *sink.Options) {
		o.Web.URL = url
		o.Token = secret(t, "t0ken")
		o.Headers = []string{"X-Source: vigil"}
		o.SecretHeaders = []sink.SecretHeader{{Name: "X-Api-Key", Value: secret(t, "k3y")}}
		o.HMAC.Secret = secret(t, "s1gn")
	})
	if err := s.Send(t.Context(), batch(t, enc, 1, 2)); err != nil {
		t.Fatal(err)
	}
	r := <-got
	want := "type=USER msg=audit(1700000000.000:1): pid=1 uid=0 msg='op=test res=success'\ntype=USER msg=audit(1700000000.000:2): pid=1 uid=0 msg='op=test res=success'\n"
	if r.body != want {
		t.Errorf("got %q, want %q", r.body, want)
	}
	mac := hmac.New(sha256.New, []byte("s1gn"))
	mac.Write(r.raw)
	for name, want := range map[string]string{
		"Authorization": "Bearer t0ken", "X-Source": "vigil", "X-Api-Key": "k3y", "Content-Type": "text/plain; charset=utf-8",
		"X-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil)), "User-Agent": "vigil/1", "Content-Encoding": "gzip",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestArray(t *testing.T) {
	url, got := far(t, nil)
	s, enc := open(t, form.ECS, func(o *sink.Options) { o.Web.URL, o.Body, o.Web.Compress = url, "array", "none" })
	b := batch(t, enc, 1, 2, 3)
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	r := <-got
	var list []map[string]any
	if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list) != 3 {
		t.Fatalf("got %d events, %v", len(list), err)
	}
	if vigil, _ := list[0]["vigil"].(map[string]any); len(fmt.Sprint(vigil["uid"])) != 40 {
		t.Errorf("vigil is %v, want it to have the uid", vigil)
	}
	l := s.Limits()
	if counted := l.PerBatch + b.Bytes() + len(b.Items)*l.PerEvent; counted != len(r.body) {
		t.Errorf("the limits count %d bytes, and %d were sent", counted, len(r.body))
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter)
		right  func(error) bool
	}{
		{"204", func(w http.ResponseWriter) { w.WriteHeader(204) }, func(err error) bool { return err == nil }},
		{"413", func(w http.ResponseWriter) { w.WriteHeader(413) }, func(err error) bool { return errors.Is(err, forward.ErrTooLarge) }},
		{"400", func(w http.ResponseWriter) { http.Error(w, "no such\nfield", 400) }, func(err error) bool {
			var refused *forward.Refused
			return errors.As(err, &refused) && strings.Contains(refused.Reason, "400 Bad Request: no such field")
		}},
		{"429", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, func(err error) bool {
			var later *forward.Later
			return errors.As(err, &later) && later.After == 7*time.Second
		}},
		{"401", func(w http.ResponseWriter) { w.WriteHeader(401) }, func(err error) bool {
			var later *forward.Later
			return errors.As(err, &later) && later.After == 0
		}},
		{"301", func(w http.ResponseWriter) { w.Header().Set("Location", "http://127.0.0.1:1/"); w.WriteHeader(301) }, func(err error) bool {
			var later *forward.Later
			return errors.As(err, &later) && strings.Contains(err.Error(), "301")
		}},
		{"half an answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
		}, func(err error) bool { return err != nil && strings.Contains(err.Error(), "unexpected EOF") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, _ := far(t, c.answer)
			s, enc := open(t, form.Raw, func(o *sink.Options) { o.Web.URL = url })
			if err := s.Send(t.Context(), batch(t, enc, 1)); !c.right(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestNextAddress: when one does not answer, the next is taken.
func TestNextAddress(t *testing.T) {
	url, got := far(t, nil)
	s, enc := open(t, form.Raw, func(o *sink.Options) { o.Web.URL = "http://127.0.0.1:1 " + url })
	if err := s.Send(t.Context(), batch(t, enc, 1)); err != nil {
		t.Fatal(err)
	}
	if r := <-got; !strings.Contains(r.body, ":1)") {
		t.Errorf("got %q", r.body)
	}
}

func TestSlow(t *testing.T) {
	release := make(chan struct{})
	url, _ := far(t, func(http.ResponseWriter) { <-release })
	defer close(release)
	s, enc := open(t, form.Raw, func(o *sink.Options) { o.Web.URL, o.Web.Timeout = url, setting.Duration(50*time.Millisecond) })
	if err := s.Send(t.Context(), batch(t, enc, 1)); err == nil || !strings.Contains(err.Error(), "imeout") {
		t.Errorf("got %v", err)
	}
}

// TestTLS: a far end that nobody has vouched for is not talked to.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	defer server.Close()
	s, enc := open(t, form.Raw, func(o *sink.Options) { o.Web.URL = server.URL })
	if err := s.Send(t.Context(), batch(t, enc, 1)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*sink.Options)
		want   string
	}{
		{func(o *sink.Options) { o.Web.URL = "" }, "url is missing"},
		{func(o *sink.Options) { o.Web.URL = "ftp://x" }, "write one like https://"},
		{func(o *sink.Options) { o.Web.URL = "https://u:hunter2@x" }, "use password"},
		{func(o *sink.Options) { o.Headers = []string{"X Y"} }, "write them like"},
		{func(o *sink.Options) { o.Headers = []string{"Authorization: Bearer hunter2"} }, "is a secret"},
		{func(o *sink.Options) { o.SecretHeaders = []sink.SecretHeader{{Name: "X"}} }, "each wants a name and a value"},
		{func(o *sink.Options) { o.User = "u" }, "belong together"},
		{func(o *sink.Options) { o.Window = 0 }, "window is 0"},
		{func(o *sink.Options) { o.MaxBytes = 1 }, "max_bytes is 1"},
		{func(o *sink.Options) { o.Web.Proxy = "x" }, "proxy"},
	} {
		k := sink.Kind()
		o := k.Options().(*sink.Options)
		o.Web.URL = "https://siem.example"
		c.change(o)
		err := k.Check(o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
