package report

import (
	"cmp"
	"slices"
	"strings"

	"vigil/search/report/document"
	"vigil/search/report/tally"
)

// grouping says what places are put together by.
type grouping uint8

const (
	byContainer grouping = iota
	byPod
	byNamespace
)

// places counts events by container. What pod a container is of is known at the
// end only, so pods and namespaces are put together then.
type places struct {
	by      grouping
	counter *tally.Counter[activity]
	unknown uint64 // events of processes whose place is not known
}

func makePlaces(by grouping) func(*Report) section {
	return func(r *Report) section {
		return &places{by: by, counter: tally.NewCounter(r.cfg.Bound, r.seed, (*activity).merge)}
	}
}

func (s *places) add(m *moment) {
	switch {
	case m.baseline:
	case m.ContainerID.Name != nil:
		id := m.Name(m.ContainerID)
		s.counter.Add(id[:min(len(id), maxText)]).add(m)
	case m.Attributed:
		s.counter.Add([]byte(hostKey)).add(m)
	case m.PID.Name != nil:
		s.unknown++
	}
}

func (s *places) merge(from section) {
	s.counter.Merge(from.(*places).counter)
	s.unknown += from.(*places).unknown
}

func (s *places) table(_ *Report, k *known) document.Table {
	if s.by == byContainer {
		return s.containers(k)
	}
	t := document.Table{Empty: "no event is of a pod", Chart: 1}
	if s.by == byPod {
		t.Columns = activityColumns(document.Column{Name: "pod"}, document.Column{Name: "namespace"}, document.Column{Name: "containers", Kind: document.Number})
		t.Chart = 3
	} else {
		t.Columns = activityColumns(document.Column{Name: "namespace"}, document.Column{Name: "pods", Kind: document.Number},
			document.Column{Name: "containers", Kind: document.Number})
		t.Chart = 3
	}
	type group struct {
		namespace, pod string
		pods           map[string]bool
		containers     uint64
		missing        uint64
		activity
	}
	groups := map[string]*group{}
	var order []*group
	for _, e := range s.counter.List() {
		c := k.containerOf(e.Key)
		if c.namespace.text == "" && c.pod.text == "" {
			continue
		}
		key := c.namespace.text
		if s.by == byPod {
			key += "\x00" + c.pod.text
		}
		g := groups[key]
		if g == nil {
			g = &group{namespace: c.namespace.text, pod: c.pod.text, pods: map[string]bool{}}
			groups[key] = g
			order = append(order, g)
		}
		g.containers++
		g.pods[c.pod.text] = true
		g.missing += e.Missing
		g.activity.merge(&e.Value)
	}
	slices.SortFunc(order, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.events, a.events), strings.Compare(a.namespace, b.namespace), strings.Compare(a.pod, b.pod))
	})
	for _, g := range order {
		first := []document.Value{document.TextValue(g.pod), document.TextValue(g.namespace), document.NumberValue(g.containers)}
		if s.by == byNamespace {
			first = []document.Value{document.TextValue(g.namespace), document.NumberValue(uint64(len(g.pods))), document.NumberValue(g.containers)}
		}
		t.Rows = append(t.Rows, g.values(g.missing, first...))
	}
	t.Total = document.Amount{N: uint64(len(t.Rows)), About: !distinct(s.counter).Exact()}
	return t
}

func (s *places) containers(k *known) document.Table {
	t := document.Table{Columns: activityColumns(document.Column{Name: "container"}, document.Column{Name: "id", Aside: true},
		document.Column{Name: "image", Kind: document.Wide}, document.Column{Name: "pod"}), Chart: 4,
		Empty: "no event says where it happened: attribution is written by vigil run"}
	for _, e := range s.counter.List() {
		name, id, image, pod := "host", "", "", ""
		if e.Key != hostKey {
			c := k.containerOf(e.Key)
			name, id, image = c.name.text, e.Key[:min(len(e.Key), shortID)], c.image.text
			if name == "" {
				name = id
			}
			if c.pod.text != "" {
				pod = c.namespace.text + "/" + c.pod.text
			}
		}
		t.Rows = append(t.Rows, e.Value.values(e.Missing, document.TextValue(name), document.TextValue(id), document.TextValue(image), document.TextValue(pod)))
	}
	t.Total = distinct(s.counter)
	return t
}

func (s *places) notes() []string {
	if s.unknown == 0 {
		return nil
	}
	return []string{document.Group(s.unknown) + " events do not say in which container they happened, or whether in any"}
}
