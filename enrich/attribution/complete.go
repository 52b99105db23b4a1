package attribution

import (
	"bytes"
	"slices"

	"vigil/audit"
	"vigil/audit/tables"
)

// DefaultKnown is how many containers a Completer remembers if it is not told.
const DefaultKnown = 8192

// Completer completes records that bear a container's id, but none of its names, from the CONTAINER record that the trail
// has of it. Whoever reads a trail shows it each record (Observe) and then completes the events made of them. A Completer
// belongs to one goroutine.
type Completer struct {
	max        int
	containers map[string]told
	ids        []string // in the order in which they were learned, the oldest at next
	next       int

	left    Container // what of the last one a record lacks
	pod     Pod
	scratch []byte
	buf     []byte
	was     [2][]byte // the enrichments before Complete
	at      [2]int
	done    int
}

// told is what the CONTAINER record of a container says.
type told struct {
	*Container
	at audit.ID
}

// NewCompleter returns a Completer that remembers at most known containers, those told of last; 0 is DefaultKnown.
func NewCompleter(known int) *Completer {
	if known <= 0 {
		known = DefaultKnown
	}
	return &Completer{max: known, containers: map[string]told{}}
}

// Share returns a Completer for another goroutine, which knows what c knows. Neither may Observe any more.
func (c *Completer) Share() *Completer {
	return &Completer{max: c.max, containers: c.containers, ids: c.ids}
}

// Bearing returns the ids of the containers whose CONTAINER records have one of needles in their text: events that bear one
// of these have it too when they have been completed.
func (c *Completer) Bearing(needles [][]byte) [][]byte {
	var ids [][]byte
	var text []byte
	for id, known := range c.containers {
		text = AppendContainer(text[:0], known.Container)
		if slices.ContainsFunc(needles, func(needle []byte) bool { return bytes.Contains(text, needle) }) {
			ids = append(ids, []byte(id))
		}
	}
	return ids
}

// Observe learns from a CONTAINER record, unless it is older than one that it has learned from; others cost nothing. Nothing
// of r is kept.
func (c *Completer) Observe(r audit.Record) {
	if r.Type != tables.TypeContainer {
		return
	}
	found, ok := ParseContainer(r)
	if !ok {
		return
	}
	old, known := c.containers[found.ID]
	if known && r.ID.Time().Before(old.at.Time()) {
		return
	}
	if !known {
		if len(c.ids) < c.max {
			c.ids = append(c.ids, found.ID)
		} else {
			delete(c.containers, c.ids[c.next])
			c.ids[c.next] = found.ID
			c.next = (c.next + 1) % c.max
		}
	}
	c.containers[found.ID] = told{found, r.ID}
}

// Complete adds what is known of their containers to the records of ev that bear a container's id: the keys that they lack,
// behind those that they have. The event is as it was again after Restore, which must come before the next Complete; what
// Complete has added is not valid any more then.
func (c *Completer) Complete(ev *audit.Event) {
	c.done, c.buf = 0, c.buf[:0]
	if len(c.containers) == 0 {
		return
	}
	for i := range ev.Records {
		r := &ev.Records[i]
		if len(r.Enrichment) == 0 || c.done == len(c.at) {
			continue
		}
		found := c.of(r)
		if found == nil {
			continue
		}
		start := len(c.buf)
		c.buf = append(c.buf, r.Enrichment...)
		w := writer{dst: c.buf, limit: len(c.buf) + maxRecord, fields: AllFields, begun: true}
		w.container(&Attribution{Container: found})
		c.buf = w.dst
		c.was[c.done], c.at[c.done] = r.Enrichment, i
		c.done++
		r.Enrichment = c.buf[start:len(c.buf):len(c.buf)]
	}
}

// Restore makes ev, which Complete was given last, as it was before.
func (c *Completer) Restore(ev *audit.Event) {
	for i := range c.done {
		ev.Records[c.at[i]].Enrichment = c.was[i]
		c.was[i] = nil
	}
	c.done = 0
}

// of returns what is known of the container whose id r bears and r does not tell itself, nil if there is nothing. It is
// valid until the next call.
func (c *Completer) of(r *audit.Record) *Container {
	var found *Container
	var said [len(containerKeys)]bool
	fs := r.Extra()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if string(f.Name) == KeyContainerID {
			if found == nil {
				found = c.containers[string(c.text(f))].Container
			}
		} else if i := slices.Index(containerKeys[:], string(f.Name)); i >= 0 {
			said[i] = true
		}
	}
	if found == nil {
		return nil
	}
	c.left, c.pod = *found, Pod{}
	if found.Pod != nil {
		c.pod = *found.Pod
		c.left.Pod = &c.pod
	}
	c.left.ID = "" // is there
	for i, value := range [...]*string{&c.left.Runtime, &c.left.Name, &c.left.Image, &c.left.Digest, &c.pod.Namespace, &c.pod.Name,
		&c.pod.UID, &c.pod.Account, &c.pod.Sandbox, &c.pod.Node} {
		if said[i] {
			*value = ""
		}
	}
	if said[saidPrivileged] {
		c.left.Privileged = Unknown
	}
	if said[saidLabels] {
		c.left.Labels = nil
	}
	if said[saidPodLabels] {
		c.pod.Labels = nil
	}
	return &c.left
}

// containerKeys are the keys that tell of a container, in the order of the fields in of.
var containerKeys = [...]string{KeyContainerRuntime, KeyContainerName, KeyContainerImage, KeyContainerDigest, KeyPodNamespace, KeyPodName,
	KeyPodUID, KeyPodAccount, KeyPodSandbox, KeyPodNode, KeyContainerPriv, KeyContainerLabels, KeyPodLabels}

// Where in containerKeys stands what is no text.
const (
	saidPrivileged = 10 + iota
	saidLabels
	saidPodLabels
)

// text decodes a value.
func (c *Completer) text(f audit.Field) []byte {
	p := parser{scratch: c.scratch}
	text := p.text(f)
	c.scratch = p.scratch
	return text
}
