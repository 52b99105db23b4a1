package rulesd

import "strings"

// versionCompare orders names as GNU ls -v does (coreutils manual, "Version sort
// ordering"): numbers within the names count as numbers, a file's suffix counts
// last.
func versionCompare(a, b string) int {
	if c := compareParts(withoutSuffix(a), withoutSuffix(b)); c != 0 {
		return c
	}
	if c := compareParts(a, b); c != 0 {
		return c
	}
	return strings.Compare(a, b)
}

// withoutSuffix cuts a name's suffix: any number of parts that begin with a dot
// and a letter or tilde, and hold letters, digits and tildes.
func withoutSuffix(name string) string {
	end := len(name)
	for i := len(name) - 1; i > 0; i-- {
		c := name[i]
		if c == '.' {
			if i+1 == len(name) || !isLetter(name[i+1]) && name[i+1] != '~' {
				break
			}
			end = i
			continue
		}
		if !isLetter(c) && !isNumeral(c) && c != '~' {
			break
		}
	}
	return name[:end]
}

// compareParts compares alternately what is no number and what is one.
func compareParts(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isNumeral(a[0]) || b != "" && !isNumeral(b[0]) {
			if c := weight(a) - weight(b); c != 0 {
				return c
			}
			a, b = a[1:], b[1:]
		}
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		n, m := numerals(a), numerals(b)
		if n != m {
			return n - m
		}
		if c := strings.Compare(a[:n], b[:m]); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

// weight orders bytes that are no digits: the end of the name and digits first
// but for a tilde, then letters, then the rest.
func weight(s string) int {
	switch {
	case s == "" || isNumeral(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

// numerals counts the digits that s begins with.
func numerals(s string) int {
	n := 0
	for n < len(s) && isNumeral(s[n]) {
		n++
	}
	return n
}

func isLetter(c byte) bool  { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isNumeral(c byte) bool { return '0' <= c && c <= '9' }
