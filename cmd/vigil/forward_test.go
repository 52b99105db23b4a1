package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"vigil/forward"
)

// TestPrintSinks: what was not sent one by one is said, and has its names in JSON.
func TestPrintSinks(t *testing.T) {
	list := []forward.Status{{Name: "siem", Type: "syslog", State: forward.Idle, Counts: forward.Counts{Events: 10, Sampled: 4, Aggregated: 3, Accepted: 3}}}
	var b strings.Builder
	if err := printSinks(&b, list, time.Unix(1700000000, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"siem: 4 events left out by sampling\n", "siem: 3 events told of by others"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"events":10`, `"sampled":4`, `"aggregated":3`, `"accepted":3`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}
