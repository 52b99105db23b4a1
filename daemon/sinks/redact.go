package sinks

import (
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
	return &redacting{e, redact.New(s.Redact, log)}
}

// Append is for [forward.Encoder].
func (r *redacting) Append(dst []byte, e forward.Event) []byte {
	e.Event = r.redactor.Event(e.Event)
	return r.Encoder.Append(dst, e)
}
