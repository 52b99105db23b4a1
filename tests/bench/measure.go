package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vigil/tests/rig"
)

const (
	// knownUID is Debian's uucp, which is in every passwd and runs nothing.
	knownUID = 10
	// strangerUID is in nobody's passwd, as the uids of containers are not in the host's.
	strangerUID = 1864211
	// strangerGID is nogroup: only the uid is unknown, which is the easier case for auditd.
	strangerGID = 65534
)

// subject is a daemon in one of its log formats.
type subject struct {
	program, format string
	bare            bool // vigil that does not say whose a record is
}

// String is how tables and JSON name the subject: "auditd RAW".
func (s subject) String() string {
	if s.bare {
		return s.program + " " + s.format + ", no attribution"
	}
	return s.program + " " + s.format
}

// load is one storm with the name that tables use.
type load struct {
	name string
	rig.Storm
}

func storms(o options) []load {
	known := func(kind string, n int) rig.Storm {
		return rig.Storm{Kind: kind, UID: knownUID, GID: knownUID, Processes: 2, Count: n}
	}
	stranger := func(kind string, n int) rig.Storm {
		return rig.Storm{Kind: kind, UID: strangerUID, GID: strangerGID, Processes: 2, Count: n}
	}
	return []load{
		{"open", known("open", o.opens)},
		{"exec", known("exec", o.execs)},
		{"open, unknown uid", stranger("open", o.strangerOpens)},
		{"exec, unknown uid", stranger("exec", o.strangerExecs)},
	}
}

// key tells whose numbers samples are.
type key struct {
	subject subject
	load    string
}

// sample is what one storm cost one daemon in one round.
type sample struct {
	cpu  float64 // µs of the daemon's CPU per event
	rate float64 // storm calls per second
	rss  float64 // MiB resident at the peak, since the daemon's start
	lost float64 // the kernel's lost counter, and events that are not in the log
}

type bench struct {
	tools   rig.Tools
	engine  *rig.Engine
	dir     string
	storms  []load
	samples map[key][]sample
}

// measure runs all storms under one start of s and keeps the samples.
func (b *bench) measure(ctx context.Context, s subject) (err error) {
	if err := b.engine.Reset(ctx); err != nil {
		return err
	}
	o := rig.Options{Dir: filepath.Join(b.dir, "daemon"), Format: s.format}
	if s.program == "vigil" {
		// By itself vigil raises the kernel's queue, which would favour its storm throughput.
		config := filepath.Join(b.dir, "vigil.yaml")
		text := fmt.Sprintf("source: {backlog_limit: %d}\nattribution: {enabled: %v}\n", rig.Backlog, !s.bare)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return err
		}
		o.Args = []string{"--config", config}
	}
	for _, l := range b.storms {
		o.Rules = append(o.Rules, l.Rule())
	}
	defer func() { _ = os.RemoveAll(o.Dir) }()
	var d *rig.Daemon
	if s.program == "vigil" {
		d, err = rig.StartVigil(ctx, b.tools, o)
	} else {
		d, err = rig.StartAuditd(ctx, o)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	total := 0
	for _, l := range b.storms {
		one, err := b.storm(ctx, d, l)
		if err != nil {
			return fmt.Errorf("%s, %s storm: %w", s, l.name, err)
		}
		total += l.Processes * l.Count
		k := key{s, l.name}
		b.samples[k] = append(b.samples[k], one)
	}
	written := 0
	err = rig.Scan(d.Log(), func(line rig.Line) error {
		// auditctl's own calls are logged too when they change the engine; they bear no storm's key.
		if string(line.Type) == "SYSCALL" && bytes.Contains(line.Body, []byte(` key="storm-`)) {
			written++
		}
		return nil
	})
	if err == nil && written != total {
		err = fmt.Errorf("%s: %d of %d events are in the log: the numbers would not compare", s, written, total)
	}
	return err
}

// storm runs one storm and reads the daemon's meters before and after.
func (b *bench) storm(ctx context.Context, d *rig.Daemon, l load) (sample, error) {
	if err := d.Quiet(ctx); err != nil {
		return sample{}, err
	}
	before, err := d.CPU()
	if err != nil {
		return sample{}, err
	}
	result, err := l.Run(ctx, b.tools)
	if err != nil {
		return sample{}, err
	}
	if err := d.Quiet(ctx); err != nil {
		return sample{}, err
	}
	after, err := d.CPU()
	if err != nil {
		return sample{}, err
	}
	rss, err := d.PeakRSS()
	if err != nil {
		return sample{}, err
	}
	state, err := rig.ReadState(ctx)
	return sample{
		cpu:  float64((after - before).Microseconds()) / float64(result.Count),
		rate: float64(result.Count) / result.Seconds,
		rss:  float64(rss) / 1024,
		lost: float64(state.Lost),
	}, err
}
