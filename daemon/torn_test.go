package daemon

import (
	"log/slog"
	"testing"
	"time"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/ledger"
)

// An event of a system call that ends without PROCTITLE and EOE has lost records,
// although its serial is there. A record that stands alone has not, and neither has
// anything where rules exclude EOE.
func TestTornEvent(t *testing.T) {
	call := kernel.Message{Type: tables.TypeSyscall, Payload: []byte("audit(1700000000.000:7): arch=c000003e syscall=257 success=yes")}
	alone := kernel.Message{Type: tables.TypeAVC, Payload: []byte("audit(1700000000.000:8): avc: denied")}
	eoe := kernel.Message{Type: tables.TypeEOE, Payload: []byte("audit(1700000000.000:6): ")}
	f := func(want uint64, messages ...kernel.Message) {
		t.Helper()
		books := ledger.New(ledger.Config{Mode: "daemon"})
		p := newPipeline(nil, nil, &scribe{stamps: newStamps(), ledger: books}, nil, slog.New(slog.DiscardHandler))
		now := time.Unix(1_700_000_000, 0)
		p.take(messages, now)
		p.assembler.Expire(now.Add(3 * time.Second))
		var torn uint64
		for _, loss := range books.Snapshot().Pending {
			if loss.Reason == ledger.Torn && loss.First == 7 && loss.Last == 7 {
				torn += loss.Count
			}
		}
		if torn != want {
			t.Errorf("%d torn events, want %d", torn, want)
		}
	}
	f(1, eoe, call)
	f(0, eoe, alone)
	f(0, call)
	f(0, call, kernel.Message{Type: tables.TypeEOE, Payload: []byte("audit(1700000000.000:7): ")})
}
