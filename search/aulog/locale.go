package aulog

import (
	"strings"

	"vigil/search/auparse/date"
)

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
