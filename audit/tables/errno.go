package tables

// ErrnoName returns the name of an errno, "ENOENT" for 2, numbered as on every
// architecture but MIPS, SPARC, PA-RISC and Alpha.
func ErrnoName(n int) (string, bool) {
	if n < 0 || n >= len(errnoIndex) || errnoIndex[n] == 0 {
		return "", false
	}
	return errnoNames.at(int(errnoIndex[n]) - 1), true
}

// ErrnoNumber returns the positive number of an errno. It knows the synonyms
// EWOULDBLOCK, EDEADLOCK and ENOTSUP.
func ErrnoNumber(name string) (int, bool) {
	i, ok := errnoNames.find(name)
	if !ok {
		return 0, false
	}
	return int(errnoNumbers[i]), true
}
