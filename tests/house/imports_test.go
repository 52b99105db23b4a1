package house

import (
	"strings"
	"testing"
)

// law says which rooms of ours a room may import. A room is the longest listed prefix of a package's path; its own
// sub-packages belong to it. Small helpers under internal are open to all. The graph has no cycles.
var law = map[string][]string{
	"audit/tables":    nil,
	"audit":           {"audit/tables"},
	"audit/kernel":    {"audit", "audit/tables"},
	"audit/audittest": {"audit", "audit/kernel", "audit/tables"},
	"trail":           nil,
	"ledger":          {"audit", "audit/tables"},
	"enrich":          {"audit", "audit/tables", "enrich/attribution"},
	// The words of attribution: whoever reads a trail completes names with them.
	"enrich/attribution": {"audit", "audit/tables"},
	"rulesd":             {"audit", "audit/tables"},
	"filter":             {"audit", "audit/tables"},
	"search":             {"audit", "audit/tables", "filter", "trail", "enrich/attribution"},
	"detect":             {"audit", "audit/tables", "filter", "enrich/attribution"},
	"forward":            {"audit", "audit/tables", "filter", "enrich/attribution"},
	"bpf":                nil,
	"daemon": {"audit", "audit/tables", "audit/kernel", "trail", "ledger", "enrich", "enrich/attribution", "rulesd", "filter", "search",
		"detect", "forward", "bpf"},
	"cmd": {"audit", "audit/tables", "audit/kernel", "trail", "ledger", "enrich", "enrich/attribution", "rulesd", "filter", "search",
		"detect", "forward", "bpf", "daemon"},
	"internal": nil,
	// The generators run at development time: they may look at what they generate for.
	"internal/gen": {"audit", "audit/tables"},
	"tests":        {},
	// Attribution is judged on the real kernel with the loader itself, since no command shows it by itself.
	"tests/identity": {"audit", "audit/tables", "audit/kernel", "bpf"},
	// The oracle measures our parts beside other people's, so it is not black box.
	"tests/oracle": {"audit", "audit/tables", "audit/kernel", "audit/audittest", "trail", "forward", "enrich", "ledger"},
}

// testsMay is what _test.go files may import above their room's law.
var testsMay = []string{"audit/audittest"}

// doors are foreign modules that these rooms alone may import, with the reason.
var doors = []struct {
	module string
	rooms  []string
	reason string
}{
	{"github.com/mdlayher/netlink", []string{"audit/kernel"}, "the only room that opens the audit socket"},
	{"github.com/vishvananda/netns", []string{"audit/kernel"}, "the only room that enters a network namespace"},
	{"github.com/spf13/cobra", []string{"cmd"}, "commands are the outermost layer"},
	{"github.com/cilium/ebpf", []string{"bpf"}, "the only room that loads programs"},
	{"github.com/elastic/go-libaudit", []string{"tests/oracle", "internal/gen"}, "names to generate from, an oracle to compare with"},
}

func room(dir string) string {
	for name := dir; name != "."; {
		if _, ok := law[name]; ok {
			return name
		}
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			break
		}
		name = name[:slash]
	}
	return ""
}

func TestImportLaw(t *testing.T) {
	for _, s := range load(t).files {
		from := room(s.dir)
		if from == "" {
			t.Errorf("%s: room %s is not in the import law: add it there, acyclic", s.path, s.dir)
			continue
		}
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			for _, d := range doors {
				if (path == d.module || strings.HasPrefix(path, d.module+"/")) && !allowed(d.rooms, from) {
					t.Errorf("%s imports %s, which is for %v: %s", s.path, path, d.rooms, d.reason)
				}
			}
			ours, ok := strings.CutPrefix(path, "vigil/")
			if !ok {
				continue
			}
			to := room(ours)
			if to == from || to == "internal" || allowed(law[from], to) || s.test && allowed(testsMay, to) {
				continue
			}
			t.Errorf("%s imports %s: %s may import %v", s.path, path, from, law[from])
		}
	}
}

func allowed(rooms []string, room string) bool {
	for _, r := range rooms {
		if r == room {
			return true
		}
	}
	return false
}

func TestImportLawIsAcyclic(t *testing.T) {
	state := map[string]int{} // 1 on the way, 2 done
	var visit func(room string, way []string)
	visit = func(room string, way []string) {
		way = append(way, room)
		switch state[room] {
		case 1:
			t.Errorf("cycle: %s", strings.Join(way, " -> "))
			return
		case 2:
			return
		}
		state[room] = 1
		for _, next := range law[room] {
			visit(next, way)
		}
		state[room] = 2
	}
	for room := range law {
		visit(room, nil)
	}
}
