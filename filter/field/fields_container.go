package field

import "bytes"

var containerFields = []Field{
	{Name: "container.id", Type: String, Help: "first 12 digits of the container's id, host for a process that is known to be in none",
		Example: "container.id != host", Source: fromKeys + keyContainerID, get: getContainerID},
	{Name: "container.full_id", Type: String, Help: "the container's id in full length", Example: "container.full_id startswith 3ad7b26ded6d",
		Source: fromKeys + keyContainerID, get: getKey(keyContainerID)},
	{Name: "container.name", Type: String, Help: "name of the container, host for a process that is known to be in none",
		Example: "container.name = web", Source: fromKeys + keyContainerName, get: getContainerName},
	{Name: "container.image", Type: String, Help: "name of the image with its tag", Example: "container.image = nginx:1.29",
		Source: fromKeys + keyContainerImage, get: getKey(keyContainerImage)},
	{Name: "container.image.repository", Type: String, Help: "name of the image without tag and digest",
		Example: "container.image.repository endswith /nginx", Source: fromKeys + keyContainerImage, get: getRepository},
	{Name: "container.image.tag", Type: String, Help: "tag of the image", Example: "container.image.tag = latest",
		Source: fromKeys + keyContainerImage, get: getTag},
	{Name: "container.image.digest", Type: String, Help: "digest of the image", Example: "container.image.digest startswith sha256:d977",
		Source: fromKeys + keyContainerDigest, get: getKey(keyContainerDigest)},
	{Name: "container.type", Type: String, Help: "runtime of the container", Example: "container.type = containerd",
		Source: fromKeys + keyContainerRuntime, get: getKey(keyContainerRuntime)},
	{Name: "container.privileged", Type: Bool, Help: "whether the container is privileged", Example: "container.privileged = true",
		Source: fromKeys + keyContainerPriv, get: getPrivileged},
	{Name: "container.info", Type: String, Help: "the container's name and id, for output", Example: "container.info contains web",
		Source: fromKeys + keyContainerName + ", " + keyContainerID, get: getContainerInfo},

	{Name: "k8s.pod.name", Type: String, Help: "name of the pod", Example: "k8s.pod.name startswith web-",
		Source: fromKeys + keyPodName, get: getKey(keyPodName)},
	{Name: "k8s.pod.uid", Type: String, Help: "uid of the pod", Example: "k8s.pod.uid exists",
		Source: fromKeys + keyPodUID, get: getKey(keyPodUID)},
	{Name: "k8s.pod.id", Type: String, Help: "uid of the pod, by its old name", Example: "k8s.pod.id exists",
		Source: fromKeys + keyPodUID, get: getKey(keyPodUID)},
	{Name: "k8s.pod.full_sandbox_id", Type: String, Help: "id of the pod's sandbox in full length", Example: "k8s.pod.full_sandbox_id exists",
		Source: fromKeys + keyPodSandbox, get: getKey(keyPodSandbox)},
	{Name: "k8s.pod.sandbox_id", Type: String, Help: "first 12 digits of the id of the pod's sandbox", Example: "k8s.pod.sandbox_id exists",
		Source: fromKeys + keyPodSandbox, get: getSandbox},
	{Name: "k8s.ns.name", Type: String, Help: "namespace of the pod", Example: "k8s.ns.name = kube-system",
		Source: fromKeys + keyPodNamespace, get: getKey(keyPodNamespace)},
	{Name: "k8s.pod.labels", Type: String, Help: "labels of the pod that are recorded, as name:value, separated by comma and space",
		Example: "k8s.pod.labels contains app:web", Source: fromKeys + keyPodLabels, get: getLabels},
	{Name: "k8s.pod.label", Type: String, Arg: ArgKey | ArgSuffix | ArgRequired, Help: "one label of the pod",
		Example: "k8s.pod.label[app.kubernetes.io/name] = web", Source: fromKeys + keyPodLabels, get: getLabel},
}

const shortID = 12 // digits of an id that people see

func getContainerID(v *View, _ *Ref, out *Values) {
	if b, ok := v.attribution(keyContainerID); ok && len(b) > 0 {
		out.Bytes(b[:min(len(b), shortID)])
	} else if v.attributed() {
		out.Bytes(v.own("host"))
	}
}

func getContainerName(v *View, _ *Ref, out *Values) {
	if b, ok := v.attribution(keyContainerName); ok {
		out.Bytes(b)
	} else if _, inside := v.attribution(keyContainerID); !inside && v.attributed() {
		out.Bytes(v.own("host"))
	}
}

func getContainerInfo(v *View, _ *Ref, out *Values) {
	id, ok := v.attribution(keyContainerID)
	if !ok {
		return
	}
	name, ok := v.attribution(keyContainerName)
	if !ok {
		name = []byte("<NA>")
	}
	start := len(v.buf)
	v.buf = append(v.buf, name...)
	v.buf = append(v.buf, " (id="...)
	v.buf = append(v.buf, id[:min(len(id), shortID)]...)
	v.buf = append(v.buf, ')')
	out.Bytes(v.cut(start))
}

func getPrivileged(v *View, _ *Ref, out *Values) {
	switch b, _ := v.attribution(keyContainerPriv); string(b) {
	case "yes", "true", "1":
		out.Bool(true)
	case "no", "false", "0":
		out.Bool(false)
	}
}

func getSandbox(v *View, _ *Ref, out *Values) {
	if b, ok := v.attribution(keyPodSandbox); ok {
		out.Bytes(b[:min(len(b), shortID)])
	}
}

// image splits registry:5000/name:tag@digest.
func (v *View) image() (repository, tag []byte, ok bool) {
	b, ok := v.attribution(keyContainerImage)
	if !ok {
		return nil, nil, false
	}
	b, _, _ = bytes.Cut(b, []byte("@"))
	if i := bytes.LastIndexByte(b, ':'); i > bytes.LastIndexByte(b, '/') {
		return b[:i], b[i+1:], true
	}
	return b, nil, true
}

func getRepository(v *View, _ *Ref, out *Values) {
	if b, _, ok := v.image(); ok {
		out.Bytes(b)
	}
}

func getTag(v *View, _ *Ref, out *Values) {
	if _, tag, ok := v.image(); ok && tag != nil {
		out.Bytes(tag)
	}
}

// labels calls yield with each label until it returns false.
func (v *View) labels(yield func(name, value []byte) bool) bool {
	b, ok := v.attribution(keyPodLabels)
	if !ok {
		return false
	}
	for len(b) > 0 {
		var pair []byte
		pair, b, _ = bytes.Cut(b, []byte(","))
		name, value, _ := bytes.Cut(pair, []byte("="))
		if !yield(name, value) {
			break
		}
	}
	return true
}

func getLabels(v *View, _ *Ref, out *Values) {
	// What labels decodes is in v.buf already, so the text is put together there
	// only after it.
	if _, ok := v.attribution(keyPodLabels); !ok {
		return
	}
	start := -1
	v.labels(func(name, value []byte) bool {
		if start < 0 {
			start = len(v.buf)
		} else {
			v.buf = append(v.buf, ", "...)
		}
		v.buf = append(append(append(v.buf, name...), ':'), value...)
		return true
	})
	if start >= 0 {
		out.Bytes(v.cut(start))
	}
}

func getLabel(v *View, r *Ref, out *Values) {
	v.labels(func(name, value []byte) bool {
		if string(name) != r.Key {
			return true
		}
		out.Bytes(value)
		return false
	})
}
