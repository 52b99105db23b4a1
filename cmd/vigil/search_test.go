package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vigil/filter"
	"vigil/filter/field"
)

// What a log's bytes would do to a terminal, they do not.
func TestHarmless(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := string(harmless([]byte("before\x1b"+in), len("before\x1b"))); got != "before\x1b"+want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("type=CWD cwd=\"/grüß\"\n", "type=CWD cwd=\"/grüß\"\n")
	f("a\tb\n", "a\tb\n")
	f("a\x1b[2Jb\rc\x07\x7f\x00", `a\x1b[2Jb\x0dc\x07\x7f\x00`)
	f("res=success\x1dAUID=\"root\"\n", "res=success AUID=\"root\"\n")
	f("\xff\xc2", `\xff\xc2`)
	f("\u009b31m\u202egnp.exe", `\xc2\x9b31m\xe2\x80\xaegnp.exe`)
}

// Every criterion makes a condition that compiles, whatever the value is.
func TestCriteria(t *testing.T) {
	values := map[string]string{"arch": "b64", "exit": "EACCES", "message": "USER_LOGIN,1300", "success": "yes", "syscall": "openat", "gid": "0",
		"gid-all": "0", "gid-effective": "0"}
	hostile := "a\" or \\x \x1b\n\xff'"
	for _, c := range criterionList() {
		value := values[c.flag]
		if value == "" {
			value = "7"
		}
		for _, word := range []bool{false, true} {
			for _, v := range []string{value, hostile} {
				text, err := c.condition(v, word)
				if err != nil && v != hostile {
					t.Errorf("--%s %s: %v", c.flag, v, err)
				}
				if err != nil {
					continue
				}
				condition, err := filter.Parse(text)
				if err == nil {
					_, err = filter.Compile(condition, field.Standard())
				}
				if err != nil && v == value {
					t.Errorf("--%s %q is %s: %v", c.flag, v, text, err)
				}
				// Of the hostile value, only the field's own rules for values may be broken.
				if err != nil && strings.Contains(err.Error(), "unknown field") {
					t.Errorf("--%s %q is %s: %v", c.flag, v, text, err)
				}
			}
		}
		if _, err := c.condition("", false); err == nil && c.flag != "auid" {
			t.Errorf("--%s with nothing chooses everything", c.flag)
		}
	}
}

// growing is a buffer that is read while it is written to.
type growing struct {
	mu sync.Mutex
	b  bytes.Buffer
	at chan struct{}
}

func (g *growing) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.b.Write(p)
	select {
	case g.at <- struct{}{}:
	default:
	}
	return len(p), nil
}

// await waits until the text is there.
func (g *growing) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		g.mu.Lock()
		got := g.b.String()
		g.mu.Unlock()
		if strings.Contains(got, text) {
			return
		}
		select {
		case <-g.at:
		case <-limit:
			t.Fatalf("%q does not come: %q", text, got)
		}
	}
}

// --follow prints what is appended, over a rotation, until it is enough.
func TestSearchFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	add := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(text)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	line := func(serial, account string) string {
		return "type=USER_LOGIN msg=audit(1795219201.000:" + serial + "): pid=1 uid=0 auid=0 ses=1 msg='op=login acct=\"" + account + "\" res=success'\n"
	}
	add(line("1", "first"))
	out := &growing{at: make(chan struct{}, 1)}
	root := newRootCommand(terminal{in: strings.NewReader(""), out: out, err: io.Discard})
	root.SetArgs([]string{"search", "--follow", "--trail", path, "--since", "@1", "--limit", "3", "--filter", "audit.account != other", "--format", "%audit.account"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	out.await(t, "first\n")
	add(line("2", "other") + line("3", "second"))
	out.await(t, "first\nsecond\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(line("4", "third") + line("5", "fourth"))
	if err := <-ended; err != nil || out.b.String() != "first\nsecond\nthird\n" {
		t.Errorf("%v, printed %q", err, out.b.String())
	}
}

// --follow of standard input prints lines as they come.
func TestSearchFollowStream(t *testing.T) {
	r, w := io.Pipe()
	out := &growing{at: make(chan struct{}, 1)}
	root := newRootCommand(terminal{in: r, out: out, err: io.Discard})
	root.SetArgs([]string{"search", "--follow", "--format", "%audit.account", "-"})
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(t.Context()) }()
	if _, err := io.WriteString(w, "type=USER_LOGIN msg=audit(1.000:1): pid=1 uid=0 msg='acct=\"alice\" res=success'\n"); err != nil {
		t.Fatal(err)
	}
	out.await(t, "alice\n")
	w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
