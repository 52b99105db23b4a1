package normal

import (
	"vigil/audit"
	"vigil/search/normal/sentence"
)

// AppendPlain appends a sentence of plain English that tells of e, with its
// newline: who, as whom, did what to what, with which result and program, in which
// container, pod, unit and session, as far as the records and their attribution
// say. It is a line of bounded length without control bytes.
func (n *Normalizer) AppendPlain(dst []byte, e *audit.Event) []byte {
	n.find(e, true)
	return n.teller.Append(dst, e, sentence.Words{Action: n.fields.Action, Object: n.fields.ObjPrime})
}
