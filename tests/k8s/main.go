// Command k8s checks what `vigil run` has said on a node of Kubernetes against what the cluster says of itself:
//
//	k8s OUT      OUT is what run.sh's virtual machine has left: events.ndjson, pods.json
//
// It prints a line for each promise. Exit status: 0 all are kept, 1 one is broken or OUT cannot be read.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// event is what is looked at of an event in the Elastic Common Schema.
type event struct {
	Event struct {
		Action, Outcome, ID string
	}
	Process struct {
		PID        int
		Executable string
		Args       []string
		Parent     process
	}
	Container struct {
		ID, Name, Runtime string
		Image             struct {
			Name string
			Tag  []string
		}
	}
	Orchestrator struct {
		Namespace string
		Resource  struct{ Type, Name, ID string }
	}
	Vigil struct {
		Session struct {
			ID, Via string
		} `json:"exec_session"`
		Process struct{ Ancestors []process }
	}
}

type process struct {
	PID         int
	Name        string
	Executable  string
	CommandLine string `json:"command_line"`
}

// mark is the word of its arguments by which the job tells who a program is.
func (e *event) mark() string {
	for _, arg := range e.Process.Args {
		if mark, ok := strings.CutPrefix(arg, "mark="); ok && !strings.ContainsAny(mark, " ;") {
			return mark
		}
	}
	return ""
}

// pods are what the cluster says.
type pods struct {
	Items []struct {
		Metadata struct{ Name, Namespace, UID string }
		Status   struct {
			Containers []status `json:"containerStatuses"`
			Ephemeral  []status `json:"ephemeralContainerStatuses"`
		}
	}
}

type status struct {
	Name, Image string
	ContainerID string
}

// place is where an execution belongs.
type place struct{ namespace, pod, uid, container, id, image string }

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: k8s OUT")
		os.Exit(1)
	}
	ok, err := check(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "k8s:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func check(dir string) (bool, error) {
	places, err := readPods(filepath.Join(dir, "pods.json"))
	if err != nil {
		return false, err
	}
	events, err := readEvents(filepath.Join(dir, "events.ndjson"))
	if err != nil {
		return false, err
	}
	c := &checker{places: places, marks: map[string][]*event{}, ok: true}
	for i := range events {
		if mark := events[i].mark(); mark != "" && events[i].Event.Action == "executed" {
			c.marks[mark] = append(c.marks[mark], &events[i])
		}
	}
	fmt.Printf("%d executions, %d of them with a mark\n", count(events), total(c.marks))
	c.containers()
	c.every(events)
	c.sessions()
	c.probes()
	c.debug()
	c.node()
	return c.ok, nil
}

func readPods(file string) (map[string]place, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list pods
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	places := map[string]place{}
	for _, p := range list.Items {
		for _, s := range slices.Concat(p.Status.Containers, p.Status.Ephemeral) {
			_, id, _ := strings.Cut(s.ContainerID, "://")
			places[p.Metadata.Name+"/"+s.Name] = place{p.Metadata.Namespace, p.Metadata.Name, p.Metadata.UID, s.Name, id, s.Image}
		}
	}
	return places, nil
}

func readEvents(file string) ([]event, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []event
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read %s: %w in %.200s", file, err, lines.Bytes())
		}
		list = append(list, e)
	}
	return list, lines.Err()
}

func count(events []event) int {
	n := 0
	for i := range events {
		if events[i].Event.Action == "executed" {
			n++
		}
	}
	return n
}

func total(marks map[string][]*event) int {
	n := 0
	for _, list := range marks {
		n += len(list)
	}
	return n
}

type checker struct {
	places map[string]place
	marks  map[string][]*event
	ok     bool
}

// say prints whether a promise is kept.
func (c *checker) say(kept bool, format string, args ...any) {
	verdict := "PASS"
	if !kept {
		verdict, c.ok = "FAIL", false
	}
	fmt.Println(verdict, fmt.Sprintf(format, args...))
}

// where each mark is executed, as pod/container.
var where = map[string]string{
	"one-main": "one/main", "one-side": "one/side", "two-main": "two/main", "two-side": "two/side", "two-probe": "two/main",
	"exec-plain": "one/main", "exec-plain-child": "one/main", "exec-plain-end": "one/main",
	"exec-tty": "two/side", "exec-tty-child": "two/side", "exec-tty-end": "two/side",
	"exec-a": "one/side", "exec-a-end": "one/side", "exec-b": "one/side", "exec-b-end": "one/side",
	"debug": "one/dbg", "debug-end": "one/dbg",
}

// containers checks that each execution is said to be in its container and pod.
func (c *checker) containers() {
	for _, mark := range sorted(where) {
		want, known := c.places[where[mark]]
		list := c.marks[mark]
		right, named := 0, 0
		var wrong *event
		for _, e := range list {
			got := place{e.Orchestrator.Namespace, e.Orchestrator.Resource.Name, e.Orchestrator.Resource.ID, e.Container.Name, e.Container.ID, image(e)}
			switch {
			case got == want:
				right++
				named++
			case got == place{uid: want.uid, id: want.id} && named == 0: // the runtime's data were not read yet
				right++
			default:
				wrong = e
			}
		}
		c.say(known && len(list) > 0 && right == len(list) && named > 0, "%s: %d executions in %s/%s, container %s of image %s: %d right, %d named in full",
			mark, len(list), want.namespace, want.pod, want.container, want.image, right, named)
		if wrong != nil {
			fmt.Printf("     got %+v %+v, want %+v\n", wrong.Container, wrong.Orchestrator, want)
		}
	}
}

// every checks all executions in containers, marked or not: each is in a container that the cluster knows, or in the pause
// container of one of its pods, and its pod is that container's. The steps of runc after it has joined count too.
func (c *checker) every(events []event) {
	byID := map[string]place{}
	pods := map[string]bool{}
	for _, p := range c.places {
		byID[p.id] = p
		pods[p.uid] = true
	}
	in, pauses := 0, 0
	var wrong *event
	for i := range events {
		e := &events[i]
		if e.Container.ID == "" || e.Event.Action != "executed" {
			continue
		}
		want, known := byID[e.Container.ID]
		switch uid := e.Orchestrator.Resource.ID; {
		case known && uid == want.uid && (e.Container.Name == "" || e.Container.Name == want.container && e.Orchestrator.Resource.Name == want.pod):
			in++
		case !known && pods[uid] && (image(e) == "localhost/pause:1" || e.Container.Image.Name == ""):
			pauses++
		default:
			wrong = e
		}
	}
	c.say(wrong == nil && in > 0, "every execution in a container: %d in the pods' containers, %d pauses", in, pauses)
	if wrong != nil {
		fmt.Printf("     got %+v %+v %+v\n", wrong.Container, wrong.Orchestrator, wrong.Process)
	}
}

func image(e *event) string {
	if len(e.Container.Image.Tag) == 0 {
		return e.Container.Image.Name
	}
	return e.Container.Image.Name + ":" + e.Container.Image.Tag[0]
}

func sorted(m map[string]string) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// session returns the one exec session of marks, "" if they have none or not the same.
func (c *checker) session(marks ...string) (id, via string) {
	for i, mark := range marks {
		for j, e := range c.marks[mark] {
			if i == 0 && j == 0 {
				id, via = e.Vigil.Session.ID, e.Vigil.Session.Via
			} else if e.Vigil.Session.ID != id || e.Vigil.Session.Via != via {
				return "", ""
			}
		}
	}
	return id, via
}

// sessions checks that each kubectl exec has a session of its own, with everything below it, and nothing else has.
func (c *checker) sessions() {
	seen := map[string]string{}
	for name, marks := range map[string][]string{
		"kubectl exec":                {"exec-plain", "exec-plain-child", "exec-plain-end"},
		"kubectl exec -it":            {"exec-tty", "exec-tty-child", "exec-tty-end"},
		"one of two at once":          {"exec-a", "exec-a-end"},
		"the other in this container": {"exec-b", "exec-b-end"},
	} {
		id, via := c.session(marks...)
		c.say(id != "" && via == "kubernetes" && seen[id] == "", "%s: session %.12s via %s, its own (%s)", name, id, via, strings.Join(marks, ", "))
		seen[id] = name
	}
	for _, mark := range []string{"one-main", "one-side", "two-main", "two-side", "debug", "debug-end", "node"} {
		id, _ := c.session(mark)
		all := true
		for _, e := range c.marks[mark] {
			all = all && e.Vigil.Session.ID == ""
		}
		c.say(all && len(c.marks[mark]) > 0, "%s: no exec session %s", mark, id)
	}
}

// probes checks that a probe is told from kubectl exec: its arguments are those of the pod's specification, the runtime has
// made it, and no program of a session has.
func (c *checker) probes() {
	ids := map[string]bool{}
	made := 0
	for _, e := range c.marks["two-probe"] {
		ids[e.Vigil.Session.ID] = true
		ancestors := slices.Concat([]process{e.Process.Parent}, e.Vigil.Process.Ancestors)
		if len(ancestors) > 0 && slices.ContainsFunc(ancestors, func(p process) bool {
			return strings.HasPrefix(p.CommandLine, "runc ") && strings.Contains(p.CommandLine, " exec ")
		}) {
			made++
		}
	}
	list := c.marks["two-probe"]
	c.say(len(list) > 0 && made == len(list), "probes: %d of %d are made by `runc exec`, with the arguments [/bin/true mark=two-probe]", made, len(list))
	c.say(len(ids) == len(list) && !ids[""], "probes: %d sessions of their own in %d probes", len(ids), len(list))
}

func (c *checker) debug() {
	want, known := c.places["one/dbg"]
	c.say(known && want.container == "dbg" && want.id != "", "kubectl debug: the cluster knows container %s %.12s", want.container, want.id)
}

func (c *checker) node() {
	right := 0
	for _, e := range c.marks["node"] {
		if e.Container.ID == "" && e.Orchestrator.Resource.Name == "" {
			right++
		}
	}
	c.say(right > 0 && right == len(c.marks["node"]), "the node itself: %d of %d in no container", right, len(c.marks["node"]))
}
