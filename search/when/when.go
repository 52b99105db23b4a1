package when

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Clock is what times are relative to.
type Clock struct {
	Now  time.Time // in the time zone in which times are meant
	Boot func() (time.Time, error)
	// Locale is LC_TIME's value, such as de_DE.UTF-8, by which a date like 11/12/26
	// is read; empty: C, the month first.
	Locale string
	// Monday says that weeks begin on Monday. ausearch begins them on Sunday
	// wherever it runs.
	Monday bool
}

// Words are the words for times, as ausearch has them.
func Words() []string {
	return []string{"now", "recent", "this-hour", "boot", "today", "yesterday", "this-week", "week-ago", "this-month", "this-year"}
}

// Start reads the begin of a range.
func (c Clock) Start(text string) (time.Time, error) {
	t, _, err := c.parse(text)
	return t, err
}

// End reads the end of a range: the last moment of the day or second that is named.
func (c Clock) End(text string) (time.Time, error) {
	t, unit, err := c.parse(text)
	if err != nil || unit == 0 {
		return t, err
	}
	if unit == day {
		return t.AddDate(0, 0, 1).Add(-1), nil
	}
	return t.Add(unit - 1), nil
}

// day as a unit stands for whatever length the day has.
const day = 24 * time.Hour

// errForm says what is right.
var errForm = errors.New("is no time: right are now, recent, today, yesterday, boot and the like, 15m, 2026-11-21T10:00:00Z, 2026-11-21 10:00, 10:00, @1795265950 and the locale's date")

// parse returns a time and how long what was named lasts: a day, a second, or no
// time.
func (c Clock) parse(text string) (time.Time, time.Duration, error) {
	text = strings.TrimSpace(text)
	if t, ok, err := c.word(text); ok || err != nil {
		return t, 0, err
	}
	if ago, minus := strings.CutPrefix(text, "-"); minus || isLength(text) {
		ago, err := length(ago)
		if err != nil {
			return time.Time{}, 0, fmt.Errorf("%q %w", text, err)
		}
		return c.Now.Add(-ago), 0, nil
	}
	if strings.HasPrefix(text, "@") {
		if t, unit, ok := epoch(text[1:]); ok {
			return t.In(c.Now.Location()), unit, nil
		}
	}
	for _, form := range forms {
		if t, err := time.ParseInLocation(form.layout, text, c.Now.Location()); err == nil {
			unit := form.unit
			if unit == time.Second && strings.Contains(text, ".") {
				unit = time.Millisecond
			}
			return t, unit, nil
		}
	}
	if t, unit, ok := c.local(text); ok {
		return t, unit, nil
	}
	return time.Time{}, 0, fmt.Errorf("%q %w", text, errForm)
}

// forms are those that are the same everywhere.
var forms = []struct {
	layout string
	unit   time.Duration
}{
	{time.RFC3339, time.Second},
	{"2006-01-02T15:04:05", time.Second},
	{"2006-01-02T15:04", time.Minute},
	{"2006-01-02 15:04:05Z07:00", time.Second},
	{"2006-01-02 15:04:05", time.Second},
	{"2006-01-02 15:04", time.Minute},
	{"2006-01-02", day},
}

// word reads a time that has a name; ok is false if it is none.
func (c Clock) word(text string) (t time.Time, ok bool, err error) {
	now := c.Now
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch text {
	case "now":
		return now, true, nil
	case "recent":
		return now.Add(-10 * time.Minute), true, nil
	case "this-hour":
		return now.Truncate(time.Minute).Add(-time.Duration(now.Minute()) * time.Minute), true, nil
	case "boot":
		if c.Boot == nil {
			return now, false, errors.New("boot: the time of the start of this host is not known")
		}
		t, err := c.Boot()
		return t.In(now.Location()), err == nil, err
	case "today":
		return midnight, true, nil
	case "yesterday":
		return midnight.AddDate(0, 0, -1), true, nil
	case "this-week":
		back := int(now.Weekday())
		if c.Monday {
			back = (back + 6) % 7
		}
		return midnight.AddDate(0, 0, -back), true, nil
	case "week-ago":
		return midnight.AddDate(0, 0, -7), true, nil
	case "this-month":
		return midnight.AddDate(0, 0, 1-now.Day()), true, nil
	case "this-year":
		return time.Date(now.Year(), 1, 1, 0, 0, 0, 0, now.Location()), true, nil
	}
	return now, false, nil
}

// isLength reports whether a text without a minus can only be a length of time.
func isLength(text string) bool {
	return text != "" && text[0] >= '0' && text[0] <= '9' && strings.IndexByte("smhdw", text[len(text)-1]) >= 0
}

// length reads 15m, 2h30m, 1d, 1w2d or 90s.
func length(text string) (time.Duration, error) {
	var sum time.Duration
	rest := text
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 32)
		if err != nil || digits == len(rest) {
			return 0, errors.New("is no length of time: right are -90s, -15m, -2h30m, -3d, -1w")
		}
		unit, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': day, 'w': 7 * day}[rest[digits]]
		if !ok || n > int64(100*366*day/unit) {
			return 0, errors.New("is no length of time: right are -90s, -15m, -2h30m, -3d, -1w")
		}
		sum += time.Duration(n) * unit
		rest = rest[digits+1:]
	}
	if text == "" || sum > 100*366*day {
		return 0, errors.New("is no length of time: right are -90s, -15m, -2h30m, -3d, -1w")
	}
	return sum, nil
}

// epoch reads seconds since 1970, with up to three decimals as stamps have them.
func epoch(text string) (time.Time, time.Duration, bool) {
	whole, decimals, exact := strings.Cut(text, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec < 0 || sec > 1<<40 {
		return time.Time{}, 0, false
	}
	if !exact {
		return time.Unix(sec, 0), time.Second, true
	}
	if len(decimals) == 0 || len(decimals) > 3 {
		return time.Time{}, 0, false
	}
	milli, err := strconv.ParseUint((decimals + "00")[:3], 10, 16)
	if err != nil {
		return time.Time{}, 0, false
	}
	return time.Unix(sec, int64(milli)*int64(time.Millisecond)), time.Millisecond, true
}
