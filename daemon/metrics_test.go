package daemon

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"vigil/audit/tables"
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
