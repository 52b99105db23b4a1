package aulog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
)

// Locale is the order in which people of a locale write a date as numbers.
type Locale uint8

// The orders.
const (
	MonthDayYear Locale = iota // 11/21/26, that of the C locale and of America
	DayMonthYear
	YearMonthDay
)

// LocaleFromEnv returns the order of the locale for times that the environment
// asks for, MonthDayYear if that is not installed under root (/usr/lib/locale),
// as setlocale(3) then stays with C.
func LocaleFromEnv(getenv func(string) string, root string) Locale {
	name := ""
	for _, key := range []string{"LC_ALL", "LC_TIME", "LANG"} {
		if name = getenv(key); name != "" {
			break
		}
	}
	base, _, _ := strings.Cut(name, ".")
	base, _, _ = strings.Cut(base, "@")
	switch base {
	case "", "C", "POSIX", "en_US", "es_US", "en_PH", "fil_PH":
		return MonthDayYear
	}
	if !installed(base, root) {
		return MonthDayYear
	}
	switch base {
	case "en_DK", "sv_SE", "en_CA", "fr_CA", "lt_LT", "hu_HU", "zh_CN", "zh_TW", "ja_JP", "ko_KR", "mn_MN", "eu_ES", "fa_IR":
		return YearMonthDay
	}
	return DayMonthYear
}

func installed(base, root string) bool {
	if strings.ContainsAny(base, "/*?[") {
		return false
	}
	if dirs, err := filepath.Glob(filepath.Join(root, base+"*")); err == nil && len(dirs) > 0 {
		return true
	}
	archive, err := os.ReadFile(filepath.Join(root, "locale-archive"))
	return err == nil && bytes.Contains(archive, []byte(base))
}

// parse reads a date and returns what stands behind it. ISO 8601's form is taken
// in every locale: nothing else looks like it.
func (l Locale) parse(s string) (y, m, d int, rest string, ok bool) {
	if len(s) >= 8 && s[4] == '-' {
		l = YearMonthDay
	}
	rest = s
	for i := range 3 {
		if i > 0 {
			if rest == "" || !strings.ContainsRune("/-. ", rune(rest[0])) {
				return 0, 0, 0, s, false
			}
			rest = rest[1:]
		}
		switch l.part(i) {
		case 'y':
			y, rest, ok = year(rest)
		case 'm':
			m, rest, ok = digits(rest, 2, 1, 12)
		default:
			d, rest, ok = digits(rest, 2, 1, 31)
		}
		if !ok {
			return 0, 0, 0, s, false
		}
	}
	return y, m, d, rest, true
}

func (l Locale) part(i int) byte {
	switch l {
	case DayMonthYear:
		return "dmy"[i]
	case YearMonthDay:
		return "ymd"[i]
	}
	return "mdy"[i]
}

// year reads a year of four digits, or of two, which are of this century up to
// 68, as strptime(3) has it.
func year(s string) (y int, rest string, ok bool) {
	if y, rest, ok = digits(s, 4, 1000, 9999); ok {
		return y, rest, true
	}
	y, rest, ok = digits(s, 2, 0, 99)
	if !ok {
		return 0, s, false
	}
	if y <= 68 {
		return y + 2000, rest, true
	}
	return y + 1900, rest, true
}
