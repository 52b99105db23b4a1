package normal

import "vigil/audit"

// AppendPlain appends a sentence of plain English that tells of e, with its
// newline.
func (n *Normalizer) AppendPlain(dst []byte, e *audit.Event) []byte {
	return n.AppendText(dst, e)
}
