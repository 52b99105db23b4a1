// Package metrics shows what a daemon counts to Prometheus.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Kind says what a value does.
type Kind uint8

// The kinds of values.
const (
	Counter Kind = iota // rises, until the daemon starts anew
	Gauge               // goes up and down
)

// Metric is something that is counted. Its name is part of what users build on: it
// does not change.
type Metric struct {
	Name   string // without the prefix "vigil_"
	Help   string
	Kind   Kind
	Labels []string // names
	Values []Value
}

// Value is one value of a Metric.
type Value struct {
	Labels []string // in the order of the metric's
	Value  float64
}

// One makes a Metric that has a single value.
func One(name, help string, kind Kind, value float64) Metric {
	return Metric{Name: name, Help: help, Kind: kind, Values: []Value{{Value: value}}}
}

// collector asks for all metrics at each scrape.
type collector struct{ gather func() []Metric }

// Describe says nothing: which metrics there are depends on the configuration.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect is for [prometheus.Collector].
func (c collector) Collect(to chan<- prometheus.Metric) {
	for _, m := range c.gather() {
		desc := prometheus.NewDesc("vigil_"+m.Name, m.Help, m.Labels, nil)
		kind := prometheus.CounterValue
		if m.Kind == Gauge {
			kind = prometheus.GaugeValue
		}
		for _, v := range m.Values {
			metric, err := prometheus.NewConstMetric(desc, kind, v.Value, v.Labels...)
			if err != nil {
				metric = prometheus.NewInvalidMetric(desc, err)
			}
			to <- metric
		}
	}
}

// Handler answers a scrape with what gather returns, and with what the process itself
// uses.
func Handler(gather func() []Metric) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{gather}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Server answers scrapes at http://ADDRESS/metrics, and whether the daemon is well at
// /healthz.
type Server struct {
	listener net.Listener
	server   http.Server
}

// Listen opens an address, like 127.0.0.1:9464. healthy says why the daemon is not
// well, nil if it is.
func Listen(address string, gather func() []Metric, healthy func() error) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w: choose another address with metrics.listen", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Handler(gather))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return &Server{listener: listener, server: http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 15 * time.Second}}, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.server.Close() }) //nolint:errcheck // nothing to do about it at the end
	defer stop()
	if err := s.server.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// Close gives back the address; for a Server that does not run.
func (s *Server) Close() error {
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
