package daemon

import (
	"context"
	"net/http"
	"time"

	"vigil/audit/kernel"
	"vigil/daemon/control"
	"vigil/forward"
	"vigil/ledger"
	"vigil/trail"
)

// Status is how a running daemon is, as `vigil status --json` prints it.
type Status struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"` // when it started
	Mode    string    `json:"mode"`  // "daemon" or "observer"
	Why     string    `json:"why"`   // why it is that

	Kernel *KernelStatus   `json:"kernel"` // null: the engine does not answer
	Socket SocketStatus    `json:"socket"`
	Ledger ledger.Snapshot `json:"ledger"`
	Trail  *TrailStatus    `json:"trail"` // null: nothing is written
	Rules  RulesStatus     `json:"rules"`

	Sinks []forward.Status `json:"sinks"` // null: nothing is written, so nothing is forwarded

	Attribution *AttributionStatus `json:"attribution"` // null: records do not say whose they are
}

// AskStatus asks the daemon that has runDir how it is; errors are those of
// [control.Ask].
func AskStatus(ctx context.Context, runDir string) (Status, error) {
	var s Status
	err := control.Ask(ctx, runDir, http.MethodGet, "/status", &s)
	return s, err
}

// AttributionStatus says how well records are told whose they are.
type AttributionStatus struct {
	Mode       string            `json:"mode"`          // bpf, connector or proc
	Why        string            `json:"why,omitempty"` // not bpf
	Living     int               `json:"living"`        // processes known
	Dead       int               `json:"dead"`          // and remembered
	Containers int               `json:"containers"`    // of which the runtime's data are known
	Runtimes   RuntimesStatus    `json:"runtimes"`
	Dropped    uint64            `json:"dropped"` // of the kernel's reports of processes, repaired by scans
	Scans      uint64            `json:"scans"`   // of all processes
	Lookups    map[string]uint64 `json:"lookups"` // records by how they were attributed: exact, partial, ambiguous, late, ...
}

// RuntimesStatus says how it goes to learn of containers.
type RuntimesStatus struct {
	Found    uint64 `json:"found"`    // containers, on disk
	Absent   uint64 `json:"absent"`   // look-ups that found nothing
	Failed   uint64 `json:"failed"`   // look-ups in which a file could not be read
	Answered uint64 `json:"answered"` // questions to runtimes, on their sockets
	Silent   uint64 `json:"silent"`   // questions that a runtime did not answer as it should, or in time
	Refused  uint64 `json:"refused"`  // look-ups put off because too many were waiting
}

// KernelStatus is what the audit engine says of itself (struct audit_status,
// <linux/audit.h>).
type KernelStatus struct {
	Enabled      uint32 `json:"enabled"` // 0 off, 1 on, 2 locked until reboot
	PID          uint32 `json:"pid"`     // of the registered daemon
	Lost         uint32 `json:"lost"`    // records, since boot or the last reset
	Backlog      uint32 `json:"backlog"` // records waiting
	BacklogLimit uint32 `json:"backlog_limit"`
	RateLimit    uint32 `json:"rate_limit"` // records a second; 0: none
}

// SocketStatus is the state of the audit socket.
type SocketStatus struct {
	Records       uint64 `json:"records"` // received
	Bytes         uint64 `json:"bytes"`
	ReceiveBuffer int    `json:"receive_buffer"` // bytes
	Queued        int    `json:"queued"`         // bytes waiting, with the kernel's overhead
	QueuedMost    int    `json:"queued_most"`    // bytes, the most ever seen
	Overruns      uint64 `json:"overruns"`       // deliveries for which there was no room at first
	Stalls        uint64 `json:"stalls"`         // times the reader was late by a second or more
	Pokes         uint64 `json:"pokes"`          // messages sent to wake the kernel's queue
	Foreign       uint64 `json:"foreign"`        // datagrams of somebody else than the kernel, ignored
	Malformed     uint64 `json:"malformed"`      // datagrams that are no message, ignored
	Truncated     uint64 `json:"truncated"`      // records longer than any may be, cut
	Duplicates    uint64 `json:"duplicates"`     // records that came both ways, dropped once
	Taken         uint64 `json:"taken"`          // times another process took the registration
}

// TrailStatus is the state of the log on disk.
type TrailStatus struct {
	Path        string `json:"path"`
	Records     uint64 `json:"records"` // appended since the start
	Bytes       uint64 `json:"bytes"`
	Writes      uint64 `json:"writes"` // write(2) calls
	WriteErrors uint64 `json:"write_errors"`
	Rotations   uint64 `json:"rotations"`
	Syncs       uint64 `json:"syncs"`
	SyncErrors  uint64 `json:"sync_errors"`
	Segment     uint64 `json:"segment"` // number of the live file since the chain began
	Size        int64  `json:"size"`    // of the live file, in bytes
}

// RulesStatus says which rules the daemon loaded.
type RulesStatus struct {
	Source  string `json:"source"`            // "files", "built-in", "locked" until reboot, or "none": left as they are
	Loaded  int    `json:"loaded"`            // rules in the kernel after loading
	Problem string `json:"problem,omitempty"` // why they were not loaded
}

func socketStatus(s kernel.Stats) SocketStatus {
	return SocketStatus{
		Records: s.Records, Bytes: s.Bytes, ReceiveBuffer: s.ReceiveBuffer, Queued: s.Queued, QueuedMost: s.QueuedMost,
		Overruns: s.Overruns, Stalls: s.Stalls, Pokes: s.Pokes, Foreign: s.Foreign, Malformed: s.Malformed,
		Truncated: s.Truncated, Duplicates: s.Duplicates, Taken: s.Taken,
	}
}

func kernelStatus(s kernel.Status) *KernelStatus {
	return &KernelStatus{
		Enabled: s.Enabled, PID: s.PID, Lost: s.Lost, Backlog: s.Backlog,
		BacklogLimit: s.BacklogLimit, RateLimit: s.RateLimit,
	}
}

func trailStatus(w *trail.Writer) *TrailStatus {
	if w == nil {
		return nil
	}
	s := w.Stats()
	return &TrailStatus{
		Path: w.Path(), Records: s.Records, Bytes: s.Bytes, Writes: s.Writes, WriteErrors: s.WriteErrors,
		Rotations: s.Rotations, Syncs: s.Syncs, SyncErrors: s.SyncErrors, Segment: s.Segment, Size: s.Size,
	}
}
