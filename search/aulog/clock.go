package aulog

import (
	"fmt"
	"strings"
	"time"

	"vigil/search/auparse/date"
)

// Clock makes seconds of what -ts and -te are given.
type Clock struct {
	Now      time.Time
	Boot     func() (time.Time, error) // when the host was booted
	Location *time.Location            // UTC if nil
	Locale   Locale
	Dialect  Dialect
}

// Start returns the second that the words after -ts mean: a date and a time, in
// this order or the other, or one of them. A date alone begins at midnight, a
// time alone is today's. The error is stock's.
func (c Clock) Start(words []string) (int64, error) { return c.parse(words, "start") }

// End is Start for -te: a date alone ends at this time of the day.
func (c Clock) End(words []string) (int64, error) { return c.parse(words, "end") }

// TimeError is what is wrong with a date or a time, in stock's words.
type TimeError string

// Error returns the words.
func (e TimeError) Error() string { return string(e) }

func timeErrorf(format string, args ...any) error { return TimeError(fmt.Sprintf(format, args...)) }

// firstYear is the first that stock takes for the year of a log.
const firstYear = 2004

func (c Clock) parse(words []string, which string) (int64, error) {
	if c.Location == nil {
		c.Location = time.UTC
	}
	date, clock := split(words)
	now := c.Now.In(c.Location)
	day, exact := now, false
	if date != "" || clock == "" {
		var err error
		if day, exact, err = c.day(date, which); err != nil {
			return 0, err
		}
	}
	switch {
	case clock != "":
		h, m, s, err := hourMinuteSecond(clock, which)
		if err != nil {
			return 0, err
		}
		day = time.Date(day.Year(), day.Month(), day.Day(), h, m, s, 0, c.Location)
	case !exact && which == "end":
		day = time.Date(day.Year(), day.Month(), day.Day(), now.Hour(), now.Minute(), now.Second(), 0, c.Location)
	case !exact:
		day = midnight(day)
	}
	if day.Year() < firstYear {
		return 0, timeErrorf("Error - year is %d", day.Year())
	}
	return day.Unix(), nil
}

// split tells the date from the time, which has a colon. Of two words with a
// colon the first is the time, of two without one the first is the date.
func split(words []string) (date, clock string) {
	if len(words) == 1 {
		if strings.Contains(words[0], ":") {
			return "", words[0]
		}
		return words[0], ""
	}
	if strings.Contains(words[0], ":") {
		return words[1], words[0]
	}
	return words[0], words[1]
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// day returns the day that a date means; exact if it has a time of its own, with
// which a word such as "recent" comes.
func (c Clock) day(date, which string) (t time.Time, exact bool, err error) {
	now := c.Now.In(c.Location)
	switch date {
	case "now":
		return now, true, nil
	case "recent":
		return now.Add(-10 * time.Minute), true, nil
	case "this-hour":
		return now.Truncate(time.Minute).Add(-time.Duration(now.Minute()) * time.Minute), true, nil
	case "boot":
		boot, err := c.Boot()
		if err != nil {
			return t, false, fmt.Errorf("find boot time: %w", err)
		}
		return boot.In(c.Location), true, nil
	case "today":
		return now, which == "end", nil
	case "yesterday":
		return midnight(now.AddDate(0, 0, -1)), true, nil
	case "this-week":
		return midnight(now.AddDate(0, 0, -int(now.Weekday()))), true, nil
	case "week-ago":
		return midnight(now.AddDate(0, 0, -7)), true, nil
	case "this-month":
		return midnight(now.AddDate(0, 0, 1-now.Day())), true, nil
	case "this-year":
		return time.Date(now.Year(), time.January, 1, 0, 0, 0, 0, c.Location), true, nil
	}
	y, m, d, rest, ok := parseDate(c.Locale, date)
	switch {
	case !ok:
		return t, false, timeErrorf("Invalid %s date (%s). Month, Day, and Year are required.", which, date)
	case rest != "":
		return t, false, timeErrorf("Error parsing %s date (%s)", which, date)
	}
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, c.Location), false, nil
}

// hourMinuteSecond reads HH:MM[:SS].
func hourMinuteSecond(s, which string) (h, m, sec int, err error) {
	wrong := timeErrorf("Invalid %s time (%s). Hour, Minute, and Second are required.", which, s)
	full := s
	if strings.Count(s, ":") == 1 {
		full += ":00"
	}
	rest := full
	for i, x := range [...]struct {
		dst *int
		max int
	}{{&h, 23}, {&m, 59}, {&sec, 61}} {
		if i > 0 {
			if !strings.HasPrefix(rest, ":") {
				return 0, 0, 0, wrong
			}
			rest = rest[1:]
		}
		var ok bool
		if *x.dst, rest, ok = digits(rest, 2, 0, x.max); !ok {
			return 0, 0, 0, wrong
		}
	}
	if rest != "" {
		return 0, 0, 0, timeErrorf("Error parsing %s time (%s)", which, s)
	}
	return h, m, sec, nil
}

// digits reads at most n digits, as strptime(3) does: it stops before one that
// would exceed max. Spaces before them are passed over.
func digits(s string, n, lowest, highest int) (v int, rest string, ok bool) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	i := 0
	for i < n && i < len(s) && s[i] >= '0' && s[i] <= '9' && v*10+int(s[i]-'0') <= highest {
		v = v*10 + int(s[i]-'0')
		i++
	}
	if i == 0 || v < lowest {
		return 0, s, false
	}
	return v, s[i:], true
}

// Locale is how people of a locale write a date: the format in which the tools
// print dates is that in which they take them.
type Locale = date.Format

// LocaleFromEnv returns the format of the locale for times that the environment
// asks for, that of the C locale if it is not installed under root
// (/usr/lib/locale).
func LocaleFromEnv(getenv func(string) string, root string) Locale { return date.FromEnv(getenv, root) }

// Formats that are taken besides the locale's: ISO 8601's, since nothing else
// looks like it.
const (
	cLocale Locale = "%m/%d/%y"
	iso8601 Locale = "%Y-%m-%d"
)

// parseDate reads a date as strptime(3) does, and returns what stands behind it.
func parseDate(l Locale, s string) (y, m, d int, rest string, ok bool) {
	if l == "" {
		l = cLocale
	}
	if len(s) > 4 && s[4] == '-' {
		l = iso8601
	}
	format := string(l)
	for rest = s; format != ""; {
		c := format[0]
		format = format[1:]
		if c != '%' || format == "" {
			if rest == "" || rest[0] != c {
				return 0, 0, 0, s, false
			}
			rest = rest[1:]
			continue
		}
		format = strings.TrimPrefix(format, "-")
		c, format = format[0], format[1:]
		switch c {
		case 'Y':
			y, rest, ok = digits(rest, 4, 0, 9999)
		case 'y':
			if y, rest, ok = digits(rest, 2, 0, 99); y <= 68 {
				y += 2000
			} else {
				y += 1900
			}
		case 'm':
			m, rest, ok = digits(rest, 2, 1, 12)
		default: // d, e
			d, rest, ok = digits(rest, 2, 1, 31)
		}
		if !ok {
			return 0, 0, 0, s, false
		}
	}
	return y, m, d, rest, true
}
