package main

import "testing"

func TestPromises(t *testing.T) {
	b := bench{storms: []load{{name: "open"}}, samples: map[key][]sample{}}
	daemons := []subject{{"vigil", "ENRICHED", false}, {"auditd", "RAW", false}, {"auditd", "ENRICHED", false}}
	for i, cpu := range []float64{10, 20, 40} {
		k := key{daemons[i], "open"}
		// One round was disturbed: the median passes it over.
		b.samples[k] = []sample{{cpu: cpu, rate: 100, rss: 20}, {cpu: 1000, rate: 100, rss: 20}, {cpu: cpu, rate: 100, rss: 20}}
	}
	got := map[string]promise{}
	r := b.report(daemons)
	for _, p := range r.Promises {
		got[p.What] = p
	}
	for what, want := range map[string]float64{
		"vigil ENRICHED / auditd RAW: CPU per event, open storm":      0.5,
		"vigil ENRICHED / auditd ENRICHED: CPU per event, open storm": 0.25,
		"vigil ENRICHED / auditd RAW: storm throughput, open storm":   1,
		"vigil ENRICHED: peak memory, MiB":                            20,
	} {
		if p, ok := got[what]; !ok || p.Value != want || !p.OK {
			t.Errorf("%s: %+v, want %v, kept", what, p, want)
		}
	}
	if !r.OK {
		t.Error("not all promises are kept")
	}
	b.samples[key{daemons[0], "open"}][1].lost = 1
	if b.report(daemons).OK {
		t.Error("a lost event goes unnoticed")
	}
}
