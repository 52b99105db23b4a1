package format

import (
	"bytes"
)

// container writes the container that the process is in.
func (j *JSON) container(o *object) {
	a := &j.facts.attr
	if !a.has(attrContainerID, attrContainerLabels) {
		return
	}
	o.key("container")
	start := o.open()
	j.attr(o, "id", attrContainerID)
	j.attr(o, "name", attrContainerName)
	j.attr(o, "runtime", attrRuntime)
	j.image(o)
	j.labels(o)
	if v := a[attrPrivileged]; v != nil {
		v, j.text = attrText(v, j.text)
		o.key("security_context")
		at := o.open()
		switch string(v) {
		case "yes":
			o.raw("privileged", "true")
		case "no":
			o.raw("privileged", "false")
		}
		o.closeUnlessEmpty(at)
	}
	o.closeUnlessEmpty(start)
}

// image writes the image's name, tag and digests. It may have been asked for by
// name, by name:tag or with @digest behind either; a colon before a slash is that
// of a registry's port.
func (j *JSON) image(o *object) {
	a := &j.facts.attr
	var name, tag, digest []byte
	if v := a[attrImage]; v != nil {
		name, j.text = attrText(v, j.text)
		if i := bytes.LastIndexByte(name, '@'); i > 0 {
			name, digest = name[:i], name[i+1:]
		}
		i := bytes.LastIndexByte(name, ':')
		if i > bytes.LastIndexByte(name, '/')+1 && string(name[:i]) != "sha256" {
			name, tag = name[:i], name[i+1:]
		}
	}
	o.key("image")
	start := o.open()
	if len(name) > 0 {
		o.string("name", name)
	}
	if len(tag) > 0 {
		o.key("tag")
		o.list()
		o.item(tag)
		o.closeList()
	}
	if v := a[attrDigest]; v != nil || len(digest) > 0 {
		o.key("hash")
		o.open()
		o.key("all")
		o.list()
		if len(digest) > 0 {
			o.item(digest)
		}
		if v != nil {
			v, j.nameText = attrText(v, j.nameText)
			if !bytes.Equal(v, digest) {
				o.item(v)
			}
		}
		o.closeList()
		o.close()
	}
	o.closeUnlessEmpty(start)
}

// maxLabels is how many labels of a container are written: no name may come twice,
// and each is compared with all before it.
const maxLabels = 64

// labels writes the container's labels. A dot in a name becomes '_', since to
// Elasticsearch it makes an object, and a.b cannot stand beside a. Of names that
// are one then, the first counts.
func (j *JSON) labels(o *object) {
	v := j.facts.attr[attrContainerLabels]
	if v == nil {
		return
	}
	o.key("labels")
	start := o.open()
	v, j.text = attrText(v, j.text)
	var names [maxLabels][2]int // where they stand in o.b
	for n := 0; len(v) > 0 && n < maxLabels; {
		var name, value []byte
		name, value, v = nextLabel(v)
		j.nameText = appendLabel(j.nameText[:0], name)
		for i, c := range j.nameText {
			if c == '.' {
				j.nameText[i] = '_'
			}
		}
		if value == nil || len(bytes.TrimSpace(j.nameText)) == 0 {
			continue // to Elasticsearch a name that is blank is an error
		}
		before := len(o.b)
		o.comma()
		from := len(o.b)
		o.b = appendString(o.b, j.nameText)
		names[n] = [2]int{from, len(o.b)}
		if o.holds(names[:n], o.b[from:]) {
			o.b = o.b[:before]
			continue
		}
		n++
		o.b = append(o.b, ':')
		j.nameText = appendLabel(j.nameText[:0], value)
		o.b = appendString(o.b, j.nameText)
	}
	o.closeUnlessEmpty(start)
}

// holds reports whether one of the spans of what is written is text.
func (o *object) holds(spans [][2]int, text []byte) bool {
	for _, s := range spans {
		if bytes.Equal(o.b[s[0]:s[1]], text) {
			return true
		}
	}
	return false
}

// nextLabel takes the first label from a list; value is nil if there is no '='.
func nextLabel(list []byte) (name, value, rest []byte) {
	label, rest, _ := bytes.Cut(list, []byte{','})
	name, value, _ = bytes.Cut(label, []byte{'='})
	return name, value, rest
}

// appendLabel appends a name or value of a list of labels, in which some bytes are
// percent-encoded.
func appendLabel(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '%')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		switch string(s[:min(len(s), 3)]) {
		case "%25":
			dst, s = append(dst, '%'), s[3:]
		case "%2C":
			dst, s = append(dst, ','), s[3:]
		case "%3D":
			dst, s = append(dst, '='), s[3:]
		default:
			dst, s = append(dst, '%'), s[1:]
		}
	}
}

// orchestrator writes the pod that the container belongs to.
func (j *JSON) orchestrator(o *object) {
	a := &j.facts.attr
	if a[attrPodNamespace] == nil && a[attrPodName] == nil && a[attrPodID] == nil {
		return
	}
	o.key("orchestrator")
	o.open()
	o.raw("type", `"kubernetes"`)
	j.attr(o, "namespace", attrPodNamespace)
	o.key("resource")
	o.open()
	o.raw("type", `"pod"`)
	j.attr(o, "name", attrPodName)
	j.attr(o, "id", attrPodID)
	if v := a[attrPodLabels]; v != nil {
		v, j.text = attrText(v, j.text)
		n := 0
		for len(v) > 0 {
			var name, value []byte
			if name, value, v = nextLabel(v); value == nil {
				continue
			}
			if n++; n == 1 {
				o.key("label")
				o.list()
			}
			j.nameText = append(appendLabel(j.nameText[:0], name), ':')
			j.nameText = appendLabel(j.nameText, value)
			o.item(j.nameText)
		}
		if n > 0 {
			o.closeList()
		}
	}
	o.close()
	o.close()
}
