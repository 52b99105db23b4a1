// Package auditctl is auditctl and augenrules: their options, texts, listings and
// exit statuses, as those of audit 3.0.9. docs/auditctl-differences.md lists where
// it differs, and why.
package auditctl
