package date

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Format is how a date is written, in the words of strftime: %d, %m, %y, %Y, %e, %-d and %-m stand for parts of the
// date, any other text for itself. The empty Format is that of the C locale, %m/%d/%y.
type Format string

const posix Format = "%m/%d/%y"

// FromEnv returns the format of the locale for times that the environment asks for: LC_ALL, LC_TIME or LANG, the first
// that is set. It is that of the C locale if that locale is not installed under root (/usr/lib/locale), as setlocale(3)
// then stays with it, and if it writes names or other digits.
func FromEnv(getenv func(string) string, root string) Format {
	name := ""
	for _, key := range []string{"LC_ALL", "LC_TIME", "LANG"} {
		if name = getenv(key); name != "" {
			break
		}
	}
	base, modifier, _ := strings.Cut(name, "@")
	base, _, _ = strings.Cut(base, ".")
	if base == "" || strings.ContainsAny(base, "/*?[\\") || !installed(base, root) {
		return posix
	}
	if modifier != "" {
		if f, ok := find(base + "@" + modifier); ok {
			return f
		}
	}
	if f, ok := find(base); ok {
		return f
	}
	return posix
}

// find returns the format of a locale.
func find(name string) (Format, bool) {
	for i := range locales {
		for _, n := range strings.Fields(locales[i].names) {
			if n == name {
				return Format(locales[i].format), true
			}
		}
	}
	return "", false
}

// installed reports whether a locale of that language and territory is installed, in whatever encoding.
func installed(base, root string) bool {
	if dirs, err := filepath.Glob(filepath.Join(root, base+"*")); err == nil && len(dirs) > 0 {
		return true
	}
	archive, err := os.ReadFile(filepath.Join(root, "locale-archive"))
	return err == nil && bytes.Contains(archive, []byte(base+"."))
}

// Append appends the date of t, in t's own time zone.
func (f Format) Append(dst []byte, t time.Time) []byte {
	if f == "" {
		f = posix
	}
	year, month, day := t.Date()
	for i := 0; i < len(f); i++ {
		if f[i] != '%' || i+1 == len(f) {
			dst = append(dst, f[i])
			continue
		}
		i++
		pad := byte('0')
		switch f[i] {
		case '-':
			if pad = 0; i+1 < len(f) {
				i++
			}
		case 'e':
			dst = appendTwo(dst, day, ' ')
			continue
		}
		switch f[i] {
		case 'd':
			dst = appendTwo(dst, day, pad)
		case 'm':
			dst = appendTwo(dst, int(month), pad)
		case 'y':
			dst = appendTwo(dst, (year%100+100)%100, '0')
		case 'Y':
			dst = strconv.AppendInt(dst, int64(year), 10)
		default:
			dst = append(dst, '%', f[i])
		}
	}
	return dst
}

// appendTwo appends a number of up to two digits; pad stands before one digit if it is not 0.
func appendTwo(dst []byte, n int, pad byte) []byte {
	if n < 10 && pad != 0 {
		dst = append(dst, pad)
	}
	return strconv.AppendInt(dst, int64(n), 10)
}
