package daemon

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"vigil/audit/tables"
	"vigil/forward"
)

func TestMetrics(t *testing.T) {
	server := listenSyslog(t, "127.0.0.1:0")
	b := newBed(t)
	b.withSink(server.Addr().String())
	b.settings.Metrics.Listen = "127.0.0.1:0"
	b.start()
	b.record(tables.TypeUserLogin, login)
	server.next(t, "USER_LOGIN")
	get := func(path string) string {
		t.Helper()
		response, err := http.Get("http://" + b.d.metrics.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v: %s", path, response.Status, err, text)
		}
		return string(text)
	}
	text := get("/metrics")
	for _, want := range []string{
		`vigil_info{mode="daemon",version="0.0.1"} 1`, "# TYPE vigil_records_received_total counter", "vigil_serials_missing_total 0",
		`vigil_sink_events_rejected_total{sink="siem",type="syslog"} 0`, `vigil_sink_state{sink="siem",state=`, "vigil_kernel_backlog_limit_records 65536",
		"process_resident_memory_bytes ", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if got := get("/healthz"); got != "ok\n" {
		t.Errorf("health: %s", got)
	}
}

// TestPackagedMetrics: the dashboard and the alerts ask for metrics that there are.
func TestPackagedMetrics(t *testing.T) {
	known := map[string]bool{}
	s := Status{Mode: "daemon", Kernel: &KernelStatus{}, Trail: &TrailStatus{}, Attribution: &AttributionStatus{}, Sinks: []forward.Status{{}}}
	for _, m := range s.metrics() {
		known["vigil_"+m.Name] = true
	}
	for _, file := range []string{"../packaging/grafana/vigil.json", "../packaging/prometheus/vigil.rules.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`vigil_[a-z_]+`).FindAllString(string(text), -1)
		if len(found) < 5 {
			t.Errorf("%s asks for %v", file, found)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
}
