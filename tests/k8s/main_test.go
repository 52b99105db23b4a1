package main

import (
	"encoding/json"
	"testing"
)

// TestContainers has an execution said to be in the right container, and then in another pod's.
func TestContainers(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		var e event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		c := &checker{ok: true, marks: map[string][]*event{}, places: map[string]place{
			"one/main": {namespace: "demo", pod: "one", uid: "u1", container: "main", id: "c1", image: "localhost/shell:1"}}}
		c.every([]event{e})
		if c.ok != want {
			t.Errorf("%s: got %v", text, c.ok)
		}
		if got := e.mark(); got != "one-main" {
			t.Errorf("got mark %q", got)
		}
	}
	const format = `{"event":{"action":"executed"},"process":{"args":["/bin/true","mark=one-main"]},"container":{"id":"c1","name":"main"},
		"orchestrator":{"namespace":"demo","resource":{"type":"pod","name":"one","id":"`
	f(format+`u1"}}}`, true)
	f(format+`u2"}}}`, false)
}
