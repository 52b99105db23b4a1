package words

// Version is a version of libauparse.
type Version uint8

// The versions.
const (
	V3 Version = iota // audit 3.0.9, that of Debian 12
	V4                // audit 4.2
)

// versions is a set of versions: a bit for each.
type versions uint8

const (
	only3 versions = 1 << V3
	only4 versions = 1 << V4
	both           = only3 | only4
)

// Table maps numbers to words. It is sorted by number; a number has one word at most in each version.
type Table []word

type word struct {
	number uint32
	in     versions
	text   string
}

// Find returns the word that version v has for n, and false if it has none.
func (t Table) Find(n uint64, v Version) (string, bool) {
	low, high := 0, len(t)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if uint64(t[middle].number) < n {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for ; low < len(t) && uint64(t[low].number) == n; low++ {
		if t[low].in&(1<<v) != 0 {
			return t[low].text, true
		}
	}
	return "", false
}

// AppendFlags appends the words of all entries of which every bit is set in n, joined by '|'. What dst has from start on
// is part of the list: if it is not empty, a '|' comes first. Bits without a word are passed over.
func (t Table) AppendFlags(dst []byte, start int, n uint64, v Version) []byte {
	for i := range t {
		w := &t[i]
		if w.number == 0 || uint64(w.number)&n != uint64(w.number) || w.in&(1<<v) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '|')
		}
		dst = append(dst, w.text...)
	}
	return dst
}
