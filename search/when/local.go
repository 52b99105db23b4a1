package when

import (
	"strconv"
	"strings"
	"time"
)

// order is how a locale writes a date in figures (glibc's d_fmt).
type order string

const (
	monthFirst order = "mdy"
	dayFirst   order = "dmy"
	yearFirst  order = "ymd"
)

// orderOf returns the order of a locale like en_GB.UTF-8. glibc's locales that have
// neither C's order nor that of their language are named.
func orderOf(locale string) order {
	name, _, _ := strings.Cut(locale, ".")
	name, _, _ = strings.Cut(name, "@")
	switch name {
	case "", "C", "POSIX", "en_US", "en_PH", "es_US", "es_PR", "fil_PH", "tl_PH", "haw_US", "yi_US", "unm_US", "chr_US", "so_DJ", "aa_DJ":
		return monthFirst
	case "en_DK", "en_CA", "fr_CA", "en_SE", "en_ZA", "se_NO", "af_ZA", "xh_ZA", "zu_ZA":
		return yearFirst
	}
	language, _, _ := strings.Cut(name, "_")
	switch language {
	case "ja", "zh", "ko", "sv", "hu", "lt", "eo", "mn", "eu", "si", "yue", "nan", "dz", "fa":
		return yearFirst
	}
	return dayFirst
}

// local reads a date in the order of the locale, a time of the day, or both.
func (c Clock) local(text string) (time.Time, time.Duration, bool) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 {
		return time.Time{}, 0, false
	}
	now := c.Now
	date, unit := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location()), day
	clock := words[len(words)-1]
	if len(words) == 2 || !strings.Contains(words[0], ":") {
		var ok bool
		if t, is, err := c.word(words[0]); is && err == nil && len(words) == 2 {
			date = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, now.Location())
		} else if date, ok = c.date(words[0]); !ok {
			return time.Time{}, 0, false
		}
		if len(words) == 1 {
			return date, unit, true
		}
	}
	for _, form := range []struct {
		layout string
		unit   time.Duration
	}{{"15:04:05", time.Second}, {"15:04", time.Minute}, {"15:04:05.999", time.Millisecond}} {
		if t, err := time.Parse(form.layout, clock); err == nil {
			unit = form.unit
			if t.Nanosecond() != 0 {
				unit = time.Millisecond
			}
			return time.Date(date.Year(), date.Month(), date.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), now.Location()), unit, true
		}
	}
	return time.Time{}, 0, false
}

// date reads three numbers with /, . or - between them; a first one of four digits
// is the year.
func (c Clock) date(text string) (time.Time, bool) {
	parts := strings.FieldsFunc(strings.TrimSuffix(text, "."), func(r rune) bool { return strings.ContainsRune("/.-", r) })
	if len(parts) != 3 {
		return time.Time{}, false
	}
	o := orderOf(c.Locale)
	if len(parts[0]) == 4 {
		o = yearFirst
	}
	var year, month, date int
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return time.Time{}, false
		}
		switch o[i] {
		case 'y':
			year = int(n)
			if len(part) <= 2 { // strptime(3), %y
				if year += 2000; year >= 2069 {
					year -= 100
				}
			}
		case 'm':
			month = int(n)
		case 'd':
			date = int(n)
		}
	}
	t := time.Date(year, time.Month(month), date, 0, 0, 0, 0, c.Now.Location())
	if t.Year() != year || int(t.Month()) != month || t.Day() != date {
		return time.Time{}, false
	}
	return t, true
}
