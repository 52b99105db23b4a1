package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"vigil/search/report/document"
	"vigil/search/report/page"
)

func write(t *testing.T, d *document.Document, o page.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, d, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page needs nothing from anywhere, and says so to the browser.
func TestSelfContained(t *testing.T) {
	got := write(t, &document.Document{Title: "x"}, page.Options{Location: time.UTC})
	if m := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|url\(|@import|https?://|style="`).FindString(got); m != "" {
		t.Errorf("the page holds %q", m)
	}
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(got)
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(got)
	if policy == nil || style == nil {
		t.Fatal("no policy or no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	text := strings.NewReplacer("&#39;", "'", "&#43;", "+", "&#34;", `"`).Replace(policy[1])
	if !strings.HasPrefix(text, "default-src 'none'; style-src 'sha256-"+hash+"'") {
		t.Errorf("the policy is %q, the style's hash %s", text, hash)
	}
}

// Texts are texts, wherever they stand.
func TestHostile(t *testing.T) {
	const bad = "</title></style><script>alert(1)</script>\"'><b onclick=x>\x1b\u202e"
	d := &document.Document{Title: bad, Name: bad, Notes: []string{bad}, Events: 1,
		Tables: []document.Table{
			{Name: bad, Title: bad, Columns: []document.Column{{Name: bad, Kind: document.Wide}, {Name: bad, Kind: document.Number}}, Chart: 1,
				Rows: [][]document.Value{{document.TextValue(bad), document.NumberValue(1)}}},
			{Name: "empty", Title: bad},
			{Plain: true, Columns: make([]document.Column, 2), Rows: [][]document.Value{{document.TextValue(bad), document.NumberValue(1)}}},
		}}
	got := write(t, d, page.Options{Source: bad, Program: bad, Location: time.UTC})
	for _, s := range []string{"<script", "<b onclick", "\x1b", "\u202e"} {
		if strings.Contains(got, s) {
			t.Errorf("the page holds %q", s)
		}
	}
	if n := strings.Count(got, "</title>"); n != 1 {
		t.Errorf("%d titles end, want 1", n)
	}
}

// Charts stay within their box, whatever the numbers.
func TestChart(t *testing.T) {
	f := func(counts, failures []uint64, width time.Duration, bars int) {
		t.Helper()
		d := &document.Document{Events: 1, Timeline: document.Timeline{Start: time.Unix(1795280400, 0), Width: width, Events: counts,
			Failures: failures, FailedLogins: failures}}
		got := write(t, d, page.Options{Location: time.UTC})
		if n := strings.Count(got, "<title>") - 1; n < bars {
			t.Errorf("%d bars, want %d", n, bars)
		}
		if m := regexp.MustCompile(` (x|y|width|height)="(-|NaN|\+?Inf|[0-9]{4,})`).FindString(got); m != "" {
			t.Errorf("the page holds %s", m)
		}
	}
	f([]uint64{1}, []uint64{0}, time.Second, 1)
	f([]uint64{1, 0, 1<<64 - 1}, []uint64{1, 0, 1 << 60}, time.Second, 2)
	f(make([]uint64, 96), make([]uint64, 96), time.Hour, 0)
	f([]uint64{5, 3}, []uint64{5, 0}, 1<<33*time.Second, 2)
}

func TestTicks(t *testing.T) {
	f := func(width time.Duration, want ...string) {
		t.Helper()
		counts := make([]uint64, 96)
		counts[0], counts[95] = 1, 1
		d := &document.Document{Events: 1, Timeline: document.Timeline{Start: time.Date(2026, 11, 21, 7, 50, 0, 0, time.UTC), Width: width, Events: counts}}
		got := write(t, d, page.Options{Location: time.UTC})
		for _, label := range want {
			if !strings.Contains(got, ">"+label+"</text>") {
				t.Errorf("buckets of %s: no mark at %s", width, label)
			}
		}
	}
	f(time.Second, "07:50:00", "07:50:30", "07:51:00")
	f(time.Minute, "08:00", "08:30", "09:00")
	f(15*time.Minute, "12:00", "18:00", "00:00")
	f(24*time.Hour, "5 Dec", "19 Dec")
}
