// Package attribution is the words of Vigil's attribution: whose an audit event is, as text in the trail and as values.
//
// Behind audit.Separator of the record that bears the pid, after what auditd writes there with log_format = ENRICHED, stand
// keys in upper case: CONTAINER_ID="3f1c…" POD_NAME="web-0" UNIT="ssh.service". Format.Append writes them, Parse reads them.
// AppendContainer and ParseContainer do the same for the text of CONTAINER records, which tell a container's names.
//
// The text is specified in docs/format/attribution.md.
package attribution
