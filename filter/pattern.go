package filter

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Bounds of a regular expression: its text, and the instructions that it compiles
// to, by which the cost of each byte of the text that is matched is bounded.
const (
	maxRegex     = 4096
	maxRegexProg = 5000
)

// compileRegex compiles a regular expression of POSIX's egrep that must match all
// of a text, as Falco's does.
func compileRegex(s string) (*regexp.Regexp, error) {
	if len(s) > maxRegex {
		return nil, fmt.Errorf("the regular expression is too large: more than %d bytes", maxRegex)
	}
	tree, err := syntax.Parse(s, syntax.POSIX)
	if err != nil {
		return nil, fmt.Errorf("the regular expression is wrong: %w", err)
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("the regular expression is wrong: %w", err)
	}
	if len(prog.Inst) > maxRegexProg {
		return nil, fmt.Errorf("the regular expression is too large: more than %d steps", maxRegexProg)
	}
	re, err := regexp.Compile(`\A(?:` + tree.String() + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("the regular expression is wrong: %w", err)
	}
	return re, nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// containsFold is bytes.Contains without regard to the case of ASCII letters.
func containsFold(b, sub []byte) bool {
	if len(sub) == 0 {
		return true
	}
	first := lower(sub[0])
	for i := 0; i+len(sub) <= len(b); i++ {
		if lower(b[i]) != first {
			continue
		}
		j := 1
		for j < len(sub) && lower(b[i+j]) == lower(sub[j]) {
			j++
		}
		if j == len(sub) {
			return true
		}
	}
	return false
}

// globMatch is fnmatch(3) without flags: * and ? match slashes too, bytes are
// compared, a backslash takes its meaning from what follows.
func globMatch(pattern, text []byte, fold bool) bool {
	p, t := 0, 0
	star, mark := -1, 0 // the last *, and what it was tried for
	for t < len(text) || p < len(pattern) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, t
			p++
			continue
		}
		if p < len(pattern) && t < len(text) {
			if n, ok := globOne(pattern[p:], text[t], fold); ok {
				p += n
				t++
				continue
			}
		}
		if star < 0 || mark >= len(text) {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	return true
}

// globOne matches one byte and returns the length of the pattern for it.
func globOne(p []byte, c byte, fold bool) (int, bool) {
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		if n, ok := globSet(p, c, fold); n > 0 {
			return n, ok
		}
	case '\\':
		if len(p) > 1 {
			return 2, same(p[1], c, fold)
		}
		return 1, false // fnmatch fails at a backslash at the end
	}
	return 1, same(p[0], c, fold)
}

func same(a, b byte, fold bool) bool {
	return a == b || fold && lower(a) == lower(b)
}

// globSet matches c with the bracket expression that p begins with and returns its
// length, 0 if it is none because it is not closed.
func globSet(p []byte, c byte, fold bool) (int, bool) {
	i, negated, found := 1, false, false
	if i < len(p) && (p[i] == '!' || p[i] == '^') {
		negated = true
		i++
	}
	for first := true; ; first = false {
		if i >= len(p) {
			return 0, false
		}
		if p[i] == ']' && !first {
			return i + 1, found != negated
		}
		if p[i] == '[' && i+1 < len(p) && p[i+1] == ':' {
			if end := bytes.Index(p[i+2:], []byte(":]")); end >= 0 {
				found = found || inClass(string(p[i+2:i+2+end]), c, fold)
				i += end + 4
				continue
			}
		}
		lo := p[i]
		if lo == '\\' && i+1 < len(p) {
			i++
			lo = p[i]
		}
		i++
		hi := lo
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			i++
			if hi = p[i]; hi == '\\' && i+1 < len(p) {
				i++
				hi = p[i]
			}
			i++
		}
		found = found || lo <= c && c <= hi
		if fold {
			upper := c
			if 'a' <= c && c <= 'z' {
				upper = c - 'a' + 'A'
			}
			found = found || lo <= lower(c) && lower(c) <= hi || lo <= upper && upper <= hi
		}
	}
}

func inClass(name string, c byte, fold bool) bool {
	isLower, isUpper := 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z'
	switch name {
	case "alpha":
		return isLower || isUpper
	case "digit":
		return isDigit(c)
	case "alnum":
		return isLower || isUpper || isDigit(c)
	case "lower":
		return isLower || fold && isUpper
	case "upper":
		return isUpper || fold && isLower
	case "space":
		return isBlank(c)
	case "blank":
		return c == ' ' || c == '\t'
	case "xdigit":
		return isHex(c)
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "punct":
		return c > ' ' && c < 0x7f && !isLower && !isUpper && !isDigit(c)
	}
	return false
}

// prefixes is a set of paths, as a tree of their components. A component with *, ?
// or [ in it is a pattern.
type prefixes struct {
	end   bool
	roots [2]*prefixes // of the tree: relative and absolute paths
	names map[string]*prefixes
	first [4]uint64 // the set of the names' first bytes
	globs []globPrefix
}

type globPrefix struct {
	pattern []byte
	next    *prefixes
}

func newPrefixes(paths []string) *prefixes {
	root := &prefixes{}
	for _, path := range paths {
		i := rootOf([]byte(path))
		if root.roots[i] == nil {
			root.roots[i] = &prefixes{}
		}
		at := root.roots[i]
		rest := []byte(path)
		for len(rest) > 0 {
			var part []byte
			if part, rest = cutComponent(rest); len(part) > 0 {
				at = at.child(part)
			}
		}
		at.end = true
	}
	return root
}

// rootOf tells absolute paths from others.
func rootOf(path []byte) int {
	if len(path) > 0 && path[0] == '/' {
		return 1
	}
	return 0
}

func cutComponent(path []byte) (part, rest []byte) {
	if i := bytes.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return path, nil
}

func (p *prefixes) child(part []byte) *prefixes {
	if bytes.ContainsAny(part, "*?[") {
		for i := range p.globs {
			if bytes.Equal(p.globs[i].pattern, part) {
				return p.globs[i].next
			}
		}
		next := &prefixes{}
		p.globs = append(p.globs, globPrefix{bytes.Clone(part), next})
		return next
	}
	if p.names == nil {
		p.names = map[string]*prefixes{}
	}
	next := p.names[string(part)]
	if next == nil {
		next = &prefixes{}
		p.names[string(part)] = next
		p.first[part[0]>>6] |= 1 << (part[0] & 63)
	}
	return next
}

// match reports whether one of the paths is path or a directory above it.
func (p *prefixes) match(path []byte) bool {
	next := p.roots[rootOf(path)]
	return next != nil && next.below(path)
}

func (p *prefixes) below(path []byte) bool {
	for {
		if p.end {
			return true
		}
		var part []byte
		for len(part) == 0 {
			if len(path) == 0 {
				return false
			}
			part, path = cutComponent(path)
		}
		for i := range p.globs {
			if globMatch(p.globs[i].pattern, part, false) && p.globs[i].next.below(path) {
				return true
			}
		}
		if p.first[part[0]>>6]&(1<<(part[0]&63)) == 0 {
			return false // as for most, without a look into the map
		}
		if p = p.names[string(part)]; p == nil {
			return false
		}
	}
}

// pathHasPrefix is match for one path that is known only now; it has no patterns.
func pathHasPrefix(path, prefix []byte) bool {
	if rootOf(path) != rootOf(prefix) {
		return false
	}
	for {
		var a, b []byte
		for len(b) == 0 {
			if len(prefix) == 0 {
				return true
			}
			b, prefix = cutComponent(prefix)
		}
		for len(a) == 0 {
			if len(path) == 0 {
				return false
			}
			a, path = cutComponent(path)
		}
		if !bytes.Equal(a, b) {
			return false
		}
	}
}
