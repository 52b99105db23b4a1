package normal

import "vigil/audit"

// AppendText appends the sentence that ausearch --format text prints for e, with
// its newline.
func (n *Normalizer) AppendText(dst []byte, e *audit.Event) []byte {
	n.find(e)
	f := &n.fields
	dst = append(dst, "At "...)
	dst = e.ID.Time().In(n.cfg.Location).AppendFormat(dst, "15:04:05 01/02/06 ")
	dst = append(dst, f.SubjPrime...)
	dst = append(dst, ' ')
	dst = append(dst, f.Action...)
	dst = append(dst, ' ')
	dst = append(dst, f.ObjPrime...)
	return append(dst, '\n')
}
