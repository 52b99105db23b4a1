package report

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// maxText is how much of a text a report keeps, in bytes.
const maxText = 512

// clip returns a copy of at most maxText bytes of text.
func clip(text []byte) string {
	if len(text) > maxText {
		return string(text[:maxText-len("…")]) + "…"
	}
	return string(text)
}

// label is a text beside a key, that of the earliest event that has one: so it does
// not depend on the order in which events are added.
type label struct {
	text string
	at   audit.ID
}

func (l *label) offer(text []byte, at audit.ID) {
	if len(text) == 0 {
		return
	}
	if l.text != "" {
		if c := compareIDs(at, l.at); c > 0 || c == 0 && string(text) >= l.text {
			return
		}
	}
	if l.at = at; string(text) != l.text {
		l.text = clip(text)
	}
}

func (l *label) merge(from *label) {
	if from.text == "" {
		return
	}
	if c := compareIDs(from.at, l.at); l.text == "" || c < 0 || c == 0 && from.text < l.text {
		*l = *from
	}
}

// container is what is known of a container beside its id.
type container struct{ name, image, namespace, pod label }

func mergeContainers(into, from *container) {
	into.name.merge(&from.name)
	into.image.merge(&from.image)
	into.namespace.merge(&from.namespace)
	into.pod.merge(&from.pod)
}

// known are names that some records have and others lack: of users by uid, of
// containers by id.
type known struct {
	users      *tally.Counter[label]
	containers *tally.Counter[container]
}

func newKnown(r *Report) known {
	limit := tally.Limit{Entries: 4096, Bytes: 512 << 10}
	return known{
		users:      tally.NewCounter(limit, r.seed, (*label).merge),
		containers: tally.NewCounter(limit, r.seed, mergeContainers),
	}
}

// add takes the names in the enrichment of an event.
func (k *known) add(m *moment) {
	k.user(m, m.AUID, m.AUIDName)
	if !bytes.Equal(m.UID.Value, m.AUID.Value) {
		k.user(m, m.UID, m.UIDName)
	}
	if !bytes.Equal(m.EUID.Value, m.UID.Value) {
		k.user(m, m.EUID, m.EUIDName)
	}
	k.user(m, m.AccountID, m.IDName)
	if m.ContainerID.Name == nil || m.ContainerName.Name == nil && m.Pod.Name == nil && m.Image.Name == nil {
		return
	}
	c := k.containers.Touch(m.Name(m.ContainerID))
	c.name.offer(m.Name(m.ContainerName), m.at)
	c.image.offer(m.Name(m.Image), m.at)
	c.namespace.offer(m.Name(m.PodNS), m.at)
	c.pod.offer(m.Name(m.Pod), m.at)
}

func (k *known) user(m *moment, id, name audit.Field) {
	if name.Name == nil || len(id.Value) == 0 || len(id.Value) > 10 || id.Value[0] > '9' {
		return
	}
	v := m.Text(name)
	if len(v) == 0 || string(v) == "unset" || bytes.HasPrefix(v, []byte("unknown(")) {
		return
	}
	k.users.Touch(id.Value).offer(v, m.at)
}

// container takes the names in a CONTAINER record. The kernel puts pid= before what
// programs send: only Vigil's own begin with op=known.
func (k *known) container(e *audit.Event) {
	var m moment
	var id []byte
	var c container
	fs := e.Records[0].Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if id == nil && string(f.Name) == "op" && string(f.Value) == "known" {
			id = []byte{}
			continue
		}
		if id == nil {
			return
		}
		switch string(f.Name) {
		case "CONTAINER_ID":
			id = m.Name(f)
		case "CONTAINER_NAME":
			c.name.offer(m.Name(f), e.ID)
		case "CONTAINER_IMAGE":
			c.image.offer(m.Name(f), e.ID)
		case "POD_NS":
			c.namespace.offer(m.Name(f), e.ID)
		case "POD_NAME":
			c.pod.offer(m.Name(f), e.ID)
		}
	}
	if len(id) > 0 {
		mergeContainers(k.containers.Touch(id), &c)
	}
}

func (k *known) merge(from *known) {
	k.users.Merge(from.users)
	k.containers.Merge(from.containers)
}

// userName returns the name of a user by the number as it is printed, the number if
// it has none that is known.
func (k *known) userName(r *Report, id string) string {
	if id == strconv.Itoa(facts.Unset) || id == "-1" {
		return "unset"
	}
	if e := k.users.Get(id); e != nil && e.Value.text != "" {
		return e.Value.text
	}
	if r.cfg.Names != nil {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			if name, ok := r.cfg.Names.User(uint32(n)); ok {
				return name
			}
		}
	}
	return id
}

// containerOf returns what is known of a container.
func (k *known) containerOf(id string) container {
	if e := k.containers.Get(id); e != nil {
		return e.Value
	}
	return container{}
}

// shortID is how much of a container's id people see.
const shortID = 12

// containerName returns what people call a container: namespace/pod/name, its name,
// or the first digits of its id; "host" for no container.
func (k *known) containerName(id string) string {
	if id == "" || id == hostKey {
		return "host"
	}
	c := k.containerOf(id)
	switch {
	case c.pod.text != "" && c.name.text != "":
		return c.namespace.text + "/" + c.pod.text + "/" + c.name.text
	case c.name.text != "":
		return c.name.text
	}
	return id[:min(len(id), shortID)]
}

// hostKey is the key of what is known to be in no container. No id is like it.
const hostKey = "\x00host"
