package auparse

// Append appends text, with what may harm whoever reads the output escaped.
func (e Escape) Append(dst, text []byte) []byte {
	start := len(dst)
	return e.escape(append(dst, text...), start)
}
