package sinks

import (
	"sync"

	"vigil/daemon/config"
	"vigil/forward"
	"vigil/forward/redact"
)

// redacting is an encoder that sees events without their secrets.
type redacting struct {
	forward.Encoder
	redactor *redact.Redactor
}

// redacted has events redacted before they are encoded, if the sink wants it.
func (c Config) redacted(s config.Sink, e forward.Encoder) forward.Encoder {
	if !s.Redact.Enabled() {
		return e
	}
	log := c.Log
	if log != nil {
		log = log.With("sink", s.Name)
	}
	r := redact.New(s.Redact, log)
	c.redactors.add(s.Name, r)
	return &redacting{e, r}
}

// Append is for [forward.Encoder].
func (r *redacting) Append(dst []byte, e forward.Event) []byte {
	e.Event = r.redactor.Event(e.Event)
	return r.Encoder.Append(dst, e)
}

// Shortened is for [forward.Shortener].
func (r *redacting) Shortened() uint64 {
	if e, ok := r.Encoder.(forward.Shortener); ok {
		return e.Shortened()
	}
	return 0
}

// redactors are those of the sinks that run, by name.
type redactors struct {
	mu sync.Mutex
	m  map[string]*redact.Redactor
}

func (r *redactors) add(sink string, one *redact.Redactor) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = make(map[string]*redact.Redactor)
	}
	r.m[sink] = one
}

// status says in how many events a sink's has redacted, and why it replaces whole
// command lines.
func (r *redactors) status(sink string) (events uint64, fault string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.m[sink]
	if one == nil {
		return 0, ""
	}
	stats := one.Stats()
	return stats.Events, stats.Fault
}
