package aulog

import (
	"testing"
	"time"
)

// TestClock holds what ausearch 3.0.9 makes of these words on Saturday, 2026-11-21 at 16:06:29 UTC.
func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 21, 16, 6, 29, 0, time.UTC)
	c := Clock{Now: now, Boot: func() (time.Time, error) { return time.Unix(1795263683, 0), nil }}
	const form = "01/02/06 15:04:05"
	for _, x := range []struct {
		words      []string
		start, end string
	}{
		{[]string{"now"}, "11/21/26 16:06:29", "11/21/26 16:06:29"},
		{[]string{"recent"}, "11/21/26 15:56:29", "11/21/26 15:56:29"},
		{[]string{"this-hour"}, "11/21/26 16:00:00", "11/21/26 16:00:00"},
		{[]string{"boot"}, "11/21/26 12:21:23", "11/21/26 12:21:23"},
		{[]string{"today"}, "11/21/26 00:00:00", "11/21/26 16:06:29"},
		{[]string{"yesterday"}, "11/20/26 00:00:00", "11/20/26 00:00:00"},
		{[]string{"this-week"}, "11/15/26 00:00:00", "11/15/26 00:00:00"},
		{[]string{"week-ago"}, "11/14/26 00:00:00", "11/14/26 00:00:00"},
		{[]string{"this-month"}, "11/01/26 00:00:00", "11/01/26 00:00:00"},
		{[]string{"this-year"}, "01/01/26 00:00:00", "01/01/26 00:00:00"},
		{[]string{"11/20/26"}, "11/20/26 00:00:00", "11/20/26 16:06:29"},
		{[]string{"11/20/26", "10:00:00"}, "11/20/26 10:00:00", "11/20/26 10:00:00"},
		{[]string{"10:00", "11/20/26"}, "11/20/26 10:00:00", "11/20/26 10:00:00"},
		{[]string{"10:00"}, "11/21/26 10:00:00", "11/21/26 10:00:00"},
		{[]string{"yesterday", "9:5"}, "11/20/26 09:05:00", "11/20/26 09:05:00"},
		{[]string{"2/30/26"}, "03/02/26 00:00:00", "03/02/26 16:06:29"},
		{[]string{"2026-11-20"}, "11/20/26 00:00:00", "11/20/26 16:06:29"},
	} {
		start, err := c.Start(x.words)
		if got := time.Unix(start, 0).UTC().Format(form); got != x.start || err != nil {
			t.Errorf("start %q: got %s, %v, want %s", x.words, got, err, x.start)
		}
		end, err := c.End(x.words)
		if got := time.Unix(end, 0).UTC().Format(form); got != x.end || err != nil {
			t.Errorf("end %q: got %s, %v, want %s", x.words, got, err, x.end)
		}
	}
}

func TestClockErrors(t *testing.T) {
	c := Clock{Now: time.Date(2026, 11, 21, 16, 6, 29, 0, time.UTC)}
	for _, x := range []struct {
		words []string
		want  string
	}{
		{[]string{"foo"}, "Invalid start date (foo). Month, Day, and Year are required."},
		{[]string{""}, "Invalid start date (). Month, Day, and Year are required."},
		{[]string{"13/14/23"}, "Invalid start date (13/14/23). Month, Day, and Year are required."},
		{[]string{"11/14/2023"}, "Error parsing start date (11/14/2023)"},
		{[]string{"11/14/23", "foo"}, "Invalid start time (foo). Hour, Minute, and Second are required."},
		{[]string{"25:00"}, "Invalid start time (25:00). Hour, Minute, and Second are required."},
		{[]string{"1:2:3:4"}, "Error parsing start time (1:2:3:4)"},
		{[]string{"11/14/03"}, "Error - year is 2003"},
	} {
		if _, err := c.Start(x.words); err == nil || err.Error() != x.want {
			t.Errorf("start %q: got %v, want %s", x.words, err, x.want)
		}
	}
}

func TestDates(t *testing.T) {
	for _, x := range []struct {
		format Locale
		date   string
		want   [3]int
	}{
		{"", "11/21/26", [3]int{2026, 11, 21}},
		{"%m/%d/%Y", "11/21/2026", [3]int{2026, 11, 21}},
		{"%d.%m.%Y", "21.11.2026", [3]int{2026, 11, 21}},
		{"%d/%m/%y", "21/11/26", [3]int{2026, 11, 21}},
		{"%Y-%m-%d", "2026-11-21", [3]int{2026, 11, 21}},
		{"%e.%-m.%Y", "1.2.2026", [3]int{2026, 2, 1}},
		{"%d/%m/%y", "21/11/69", [3]int{1969, 11, 21}},
	} {
		y, m, d, rest, ok := parseDate(x.format, x.date)
		if got := [3]int{y, m, d}; got != x.want || rest != "" || !ok {
			t.Errorf("%q in %q: got %v, %q, %v, want %v", x.date, x.format, got, rest, ok, x.want)
		}
	}
}
