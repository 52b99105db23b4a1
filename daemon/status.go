package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"vigil/audit/kernel"
	"vigil/daemon/control"
	"vigil/daemon/metrics"
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

// metrics is the status as Prometheus has it. The names are part of what users build
// on.
func (s Status) metrics() []metrics.Metric {
	one, counter, gauge := metrics.One, metrics.Counter, metrics.Gauge
	n := func(v uint64) float64 { return float64(v) }
	list := []metrics.Metric{
		{Name: "info", Help: "1; what runs and as what.", Kind: gauge, Labels: []string{"version", "mode"}, Values: []metrics.Value{{Labels: []string{s.Version, s.Mode}, Value: 1}}},
		one("start_time_seconds", "When the daemon started, in seconds since the epoch.", gauge, float64(s.Since.UnixMilli())/1000),
		one("records_received_total", "Records from the kernel.", counter, n(s.Ledger.Received)),
		one("events_assembled_total", "Events made of them.", counter, n(s.Ledger.Assembled)),
		one("records_written_total", "Records in the trail, the daemon's own included.", counter, n(s.Ledger.Written)),
		one("records_dropped_total", "Records that came and could not be written.", counter, n(s.Ledger.Dropped)),
		one("serials_missing_total", "Serials of the kernel's that never came.", counter, n(s.Ledger.Gaps)),
		one("kernel_lost_records_total", "Rise of the kernel's count of lost records.", counter, n(s.Ledger.Lost)),
		one("losses_total", "Losses of any kind that the ledger tells of.", counter, n(s.Ledger.Losses)),
		one("socket_bytes_total", "Bytes from the kernel.", counter, n(s.Socket.Bytes)),
		one("socket_overruns_total", "Deliveries for which the socket had no room at first.", counter, n(s.Socket.Overruns)),
		one("socket_stalls_total", "Times the reader was late by a second or more.", counter, n(s.Socket.Stalls)),
		one("socket_queued_bytes", "Bytes that wait in the socket.", gauge, float64(s.Socket.Queued)),
		one("rules_loaded", "Rules in the kernel after loading.", gauge, float64(s.Rules.Loaded)),
	}
	if k := s.Kernel; k != nil {
		list = append(list,
			one("kernel_backlog_records", "Records that wait in the kernel.", gauge, float64(k.Backlog)),
			one("kernel_backlog_limit_records", "Records that may wait there; 0: no limit.", gauge, float64(k.BacklogLimit)))
	}
	if t := s.Trail; t != nil {
		list = append(list,
			one("trail_bytes_total", "Bytes appended to the trail.", counter, n(t.Bytes)),
			one("trail_write_errors_total", "Writes that failed.", counter, n(t.WriteErrors)),
			one("trail_sync_errors_total", "Times the disk could not make sure.", counter, n(t.SyncErrors)),
			one("trail_rotations_total", "Segments begun.", counter, n(t.Rotations)))
	}
	if a := s.Attribution; a != nil {
		lookups := metrics.Metric{Name: "attribution_lookups_total", Help: "Records by how they were attributed.", Kind: counter, Labels: []string{"match"}}
		for match, count := range a.Lookups {
			lookups.Values = append(lookups.Values, metrics.Value{Labels: []string{match}, Value: n(count)})
		}
		list = append(list, lookups,
			one("attribution_processes", "Processes known that live.", gauge, float64(a.Living)),
			one("attribution_containers", "Containers of which the runtime's data are known.", gauge, float64(a.Containers)),
			one("attribution_dropped_total", "Reports of processes that the kernel could not hand over.", counter, n(a.Dropped)))
	}
	return append(list, sinkMetrics(s.Sinks)...)
}

// sinkMetrics are the metrics of the sinks, by their names.
func sinkMetrics(sinks []forward.Status) []metrics.Metric {
	if len(sinks) == 0 {
		return nil
	}
	of := func(name, help string, kind metrics.Kind, value func(forward.Status) float64) metrics.Metric {
		m := metrics.Metric{Name: name, Help: help, Kind: kind, Labels: []string{"sink", "type"}}
		for _, s := range sinks {
			m.Values = append(m.Values, metrics.Value{Labels: []string{s.Name, s.Type}, Value: value(s)})
		}
		return m
	}
	states := metrics.Metric{Name: "sink_state", Help: "1 for the state that a sink is in.", Kind: metrics.Gauge, Labels: []string{"sink", "state"}}
	for _, s := range sinks {
		states.Values = append(states.Values, metrics.Value{Labels: []string{s.Name, string(s.State)}, Value: 1})
	}
	return []metrics.Metric{
		states,
		of("sink_events_total", "Events read for a sink.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Events) }),
		of("sink_events_filtered_total", "Events that its filter does not want.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Filtered) }),
		of("sink_events_sampled_out_total", "Events that its filter wants, and that sampling leaves out.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Sampled) }),
		of("sink_events_aggregated_total", "Events that were not sent because another stands for them.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Aggregated) }),
		of("sink_events_accepted_total", "Events that the far end has taken.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Accepted) }),
		of("sink_events_rejected_total", "Events that the far end has refused, or that are too large for it.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Rejected) }),
		of("sink_messages_shortened_total", "Messages cut or split because they were too long.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Shortened) }),
		of("sink_bytes_total", "Bytes of accepted events, encoded.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Bytes) }),
		of("sink_lost_bytes_total", "Bytes of the trail deleted before the sink had them.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Lost) }),
		of("sink_losses_total", "How often that happened.", metrics.Counter, func(s forward.Status) float64 { return float64(s.Counts.Losses) }),
		of("sink_behind_bytes", "Bytes of the trail not read for the sink.", metrics.Gauge, func(s forward.Status) float64 { return float64(s.Behind) }),
		of("sink_open_events", "Events read and not settled.", metrics.Gauge, func(s forward.Status) float64 { return float64(s.Open) }),
		of("sink_failures", "Failures in a row; 0 while the far end takes events.", metrics.Gauge, func(s forward.Status) float64 { return float64(s.Failures) }),
		of("sink_last_event_time_seconds", "When the event was that was settled last.", metrics.Gauge, func(s forward.Status) float64 { return float64(s.Last.Sec) + float64(s.Last.Milli)/1000 }),
	}
}

// unwell says why the daemon is not well: it is for supervisors, so a far end that is
// down does not count.
func (s Status) unwell() error {
	switch {
	case s.Mode == "":
		return errors.New("the daemon is starting or ending")
	case s.Kernel == nil:
		return errors.New("the audit engine does not answer")
	case s.Rules.Problem != "":
		return fmt.Errorf("the rules were not loaded: %s", s.Rules.Problem)
	}
	return nil
}
