package e2e

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"vigil/tests/rig"
)

// account is what a trail says of the kernel's serials; docs/format/ledger.md tells what the LEDGER lines mean.
type account struct {
	first, last uint32          // lowest and highest serial of the kernel's records
	present     int             // serials with at least one record
	lost        int             // serials without, all inside a range that a LEDGER line reports
	unaccounted []uint32        // serials that are neither; the first few
	claims      []claim         // the reported ranges
	keys        map[string]int  // SYSCALL records by the rule's key
	ledgers     map[string]int  // LEDGER lines by op
	records     int             // lines of the kernel's
	seen        map[uint32]bool // serials with at least one record
}

// claim is one LEDGER op=loss.
type claim struct {
	reason             string
	first, last, count uint64
}

// accounts reads a trail. It fails the test if a line is not a record.
func accounts(t *testing.T, log string) account {
	t.Helper()
	a := account{keys: map[string]int{}, ledgers: map[string]int{}, seen: map[uint32]bool{}}
	err := rig.Scan(log, func(line rig.Line) error {
		if string(line.Type) == "LEDGER" {
			return a.ledger(line)
		}
		if line.Own() {
			return nil
		}
		a.records++
		if len(a.seen) == 0 {
			a.first, a.last = line.Serial, line.Serial
		}
		a.seen[line.Serial] = true
		a.first, a.last = min(a.first, line.Serial), max(a.last, line.Serial)
		if key, ok := line.Field("key"); ok && string(line.Type) == "SYSCALL" {
			a.keys[string(bytes.Trim(key, `"`))]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	a.present = len(a.seen)
	a.balance()
	return a
}

// balance looks for every serial from the first to the last.
func (a *account) balance() {
	for serial := a.first; serial <= a.last && a.present > 0; serial++ {
		switch {
		case a.seen[serial]:
		case a.claimed(serial):
			a.lost++
		case len(a.unaccounted) < 10:
			a.unaccounted = append(a.unaccounted, serial)
		}
	}
}

func (a *account) claimed(serial uint32) bool {
	for _, c := range a.claims {
		if c.first <= uint64(serial) && uint64(serial) <= c.last {
			return true
		}
	}
	return false
}

func (a *account) ledger(line rig.Line) error {
	op, ok := line.Field("op")
	if !ok {
		return fmt.Errorf("LEDGER without op: %s", line.Body)
	}
	a.ledgers[string(op)]++
	if string(op) != "loss" {
		return nil
	}
	var c claim
	reason, _ := line.Field("reason")
	c.reason = string(reason)
	for name, to := range map[string]*uint64{"first": &c.first, "last": &c.last, "count": &c.count} {
		text, ok := line.Field(name)
		n, err := strconv.ParseUint(string(text), 10, 64)
		if !ok || err != nil {
			return fmt.Errorf("LEDGER loss without %s: %s", name, line.Body)
		}
		*to = n
	}
	a.claims = append(a.claims, c)
	return nil
}

// complete fails the test unless every serial is present.
func (a account) complete(t *testing.T) {
	t.Helper()
	a.balanced(t)
	if a.lost > 0 || len(a.claims) > 0 {
		t.Errorf("serials %d..%d: %d lost, reported as %+v", a.first, a.last, a.lost, a.claims)
	}
}

// balanced fails the test unless every serial is present or reported lost.
func (a account) balanced(t *testing.T) {
	t.Helper()
	if a.present == 0 {
		t.Error("the trail holds no record of the kernel's")
	}
	if len(a.unaccounted) > 0 {
		t.Errorf("serials %d..%d: neither in the trail nor reported lost: %v ...; reported: %+v",
			a.first, a.last, a.unaccounted, a.claims)
	}
}

// lostInKernel fails the test if the kernel's own counter says that it dropped something.
func lostInKernel(t *testing.T) {
	t.Helper()
	state, err := rig.ReadState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.Lost != 0 {
		t.Errorf("the kernel lost %d records", state.Lost)
	}
}
