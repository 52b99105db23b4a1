package trail

// IsLink reports whether a line is a LEDGER line of the chain.
func IsLink(line []byte) bool {
	_, ok := parseLink(line)
	return ok
}
