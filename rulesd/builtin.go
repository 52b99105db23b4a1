package rulesd

import (
	_ "embed"
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

//go:embed builtin.rules
var builtinText string

// BuiltinName is what findings call the built-in rules' file.
const BuiltinName = "builtin.rules"

// BuiltinText is the built-in rule file, with its comments.
func BuiltinText() string { return builtinText }

// Builtin is the set for hosts that have no rules of their own. Rules on
// directories that the host does not have are left out, each with a warning; those
// for programs of a width that the machine does not run without one.
func Builtin(env rule.Env, host Host) *Set {
	machine := env.Machine
	if machine == 0 {
		machine = tables.Native()
	}
	_, runs32 := machine.Compat()
	runs32, runs64 := runs32 || !machine.Is64Bit(), machine.Is64Bit()
	b := builder{env: env, set: &Set{host: host.withDefaults()}, known: map[rule.ID]bool{}, tolerant: true}
	for _, line := range splitLines(BuiltinName, builtinText) {
		is32, is64 := strings.Contains(line.Text, "-F arch=b32"), strings.Contains(line.Text, "-F arch=b64")
		if (runs32 || !is32) && (runs64 || !is64) {
			b.line(line)
		}
	}
	return b.set
}
