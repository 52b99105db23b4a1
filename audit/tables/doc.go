// Package tables knows the names and numbers of the audit world: record types,
// architectures, system calls and errnos.
//
// It prints what the audit tools print, so that a line written by Vigil and one
// written by auditd are the same; it knows the names of newer kernels as well,
// and accepts the kernel's spelling where the tools use another. All tables are
// constant data laid out by the compiler: nothing runs at start, and no lookup
// allocates.
package tables

//go:generate go run vigil/internal/gen/tables

// nameSet is a sorted set of names in one string.
type nameSet struct {
	text string
	ends []uint16 // where each name ends in text
}

// at returns the i-th name.
func (s *nameSet) at(i int) string {
	start := uint16(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

// find returns a name's place.
func (s *nameSet) find(name string) (int, bool) {
	low, high := 0, len(s.ends)
	for low < high {
		mid := int(uint(low+high) / 2)
		switch at := s.at(mid); {
		case at == name:
			return mid, true
		case at < name:
			low = mid + 1
		default:
			high = mid
		}
	}
	return 0, false
}
