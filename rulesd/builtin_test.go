package rulesd

import (
	"testing"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// TestBuiltinOnEveryMachine: the built-in rules hold on the machines that Linux runs
// most on, and each names a key.
func TestBuiltinOnEveryMachine(t *testing.T) {
	for _, machine := range []tables.Arch{tables.ArchX86_64, tables.ArchAArch64, tables.ArchRISCV64, tables.ArchPPC64LE, tables.ArchS390X,
		tables.ArchARM, tables.ArchI386} {
		host := testHost()
		set := Builtin(rule.Env{Machine: machine, IsDir: func(string) bool { return false }}, host)
		if err := set.Err(); err != nil {
			t.Errorf("%s: %v", machine, err)
		}
		for _, f := range set.Findings() {
			t.Errorf("%s: %s: %s", machine, f, f.Text)
		}
		for i := range set.Entries {
			if r := &set.Entries[i].Rule; len(r.Keys()) != 1 || r.Mask.All() {
				t.Errorf("%s: %s: want one key, and not all system calls", machine, r)
			}
		}
		if len(set.Entries) < 50 {
			t.Errorf("%s: %d rules", machine, len(set.Entries))
		}
	}
}

// TestBuiltinIsInOrder: no rule makes another pointless.
func TestBuiltinIsInOrder(t *testing.T) {
	for _, f := range Builtin(rule.Env{Machine: tables.ArchX86_64}, testHost()).Check() {
		t.Errorf("%s", f.Detail())
	}
}
