package when_test

import (
	"strings"
	"testing"
	"time"

	"vigil/search/when"
)

func TestTimes(t *testing.T) {
	zone := time.FixedZone("", 3600)
	// A Saturday.
	now := time.Date(2026, 11, 21, 15, 42, 7, 500e6, zone)
	clock := when.Clock{Now: now, Boot: func() (time.Time, error) { return now.Add(-time.Hour), nil }}
	f := func(text, start, end string) {
		t.Helper()
		for want, parse := range map[string]func(string) (time.Time, error){start: clock.Start, end: clock.End} {
			got, err := parse(text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
			} else if s := got.Format("2006-01-02 15:04:05.999999999"); s != want {
				t.Errorf("%q: got %s, want %s", text, s, want)
			}
		}
	}
	same := func(text, want string) {
		t.Helper()
		f(text, want, want)
	}
	same("now", "2026-11-21 15:42:07.5")
	same("recent", "2026-11-21 15:32:07.5")
	same("this-hour", "2026-11-21 15:00:00")
	same("boot", "2026-11-21 14:42:07.5")
	same("today", "2026-11-21 00:00:00")
	same("yesterday", "2026-11-20 00:00:00")
	same("this-week", "2026-11-15 00:00:00")
	same("week-ago", "2026-11-14 00:00:00")
	same("this-month", "2026-11-01 00:00:00")
	same("this-year", "2026-01-01 00:00:00")
	same("-15m", "2026-11-21 15:27:07.5")
	same("15m", "2026-11-21 15:27:07.5")
	same("-1w2d3h4m5s", "2026-11-12 12:38:02.5")
	f("2026-11-21T10:00:00Z", "2026-11-21 10:00:00", "2026-11-21 10:00:00.999999999")
	f("2026-11-21T10:00:00.25Z", "2026-11-21 10:00:00.25", "2026-11-21 10:00:00.250999999")
	f("2026-11-21 10:00:00", "2026-11-21 10:00:00", "2026-11-21 10:00:00.999999999")
	f("2026-11-21 10:00", "2026-11-21 10:00:00", "2026-11-21 10:00:59.999999999")
	f("2026-11-21", "2026-11-21 00:00:00", "2026-11-21 23:59:59.999999999")
	f("11/20/26 10:00:00", "2026-11-20 10:00:00", "2026-11-20 10:00:00.999999999")
	f("11/20/2026", "2026-11-20 00:00:00", "2026-11-20 23:59:59.999999999")
	f("10:00:05", "2026-11-21 10:00:05", "2026-11-21 10:00:05.999999999")
	f("10:00", "2026-11-21 10:00:00", "2026-11-21 10:00:59.999999999")
	f("yesterday 10:00", "2026-11-20 10:00:00", "2026-11-20 10:00:59.999999999")
	f("@1795265950.587", "2026-11-21 13:59:10.587", "2026-11-21 13:59:10.587999999")
	f("1/2/70", "1970-01-02 00:00:00", "1970-01-02 23:59:59.999999999")
	clock.Locale = "de_DE.UTF-8"
	f("20.11.2026 10:00:00", "2026-11-20 10:00:00", "2026-11-20 10:00:00.999999999")
	f("20.11.26", "2026-11-20 00:00:00", "2026-11-20 23:59:59.999999999")
	clock.Locale = "en_DK.utf8"
	f("26/11/20", "2026-11-20 00:00:00", "2026-11-20 23:59:59.999999999")
	clock.Locale, clock.Monday = "sv_SE", true
	same("this-week", "2026-11-16 00:00:00")

	for _, text := range []string{"", "-", "tomorrow", "15", "15x", "-15", "-15x", "-99999999w", "13/32/26", "2026-02-30", "25:00", "@x", "@1.2345", "1/2/3/4", "11/20/26 10", "a b c"} {
		if got, err := clock.Start(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		} else if !strings.Contains(err.Error(), "right are") {
			t.Errorf("%q: %v: does not say what is right", text, err)
		}
	}
}

func FuzzTimes(f *testing.F) {
	for _, text := range []string{"now", "-1w2d", "11/21/26 10:00:00", "2026-11-21T10:00:00Z", "@1795265950.587", "10:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clock := when.Clock{Now: time.Date(2026, 11, 21, 15, 42, 7, 0, time.UTC)}
		start, err := clock.Start(text)
		if err != nil {
			return
		}
		if start.Year() > 9000 { // in RFC 3339 the year after has five digits
			return
		}
		if end, err := clock.End(text); err != nil || end.Before(start) {
			t.Errorf("%q: start %v, end %v, %v", text, start, end, err)
		}
	})
}
