package attribution

import (
	"vigil/audit"
	"vigil/audit/tables"
)

// maxRecord bounds the text of a CONTAINER record, so that its line is shorter than MaxLine with any stamp and node name.
const maxRecord = 8192

// AppendContainer appends the text of a CONTAINER record (tables.TypeContainer): op=known and every key of c. It does not
// allocate if dst has room.
func AppendContainer(dst []byte, c *Container) []byte {
	dst = append(dst, "op=known"...)
	w := writer{dst: dst, limit: len(dst) + maxRecord, fields: AllFields, begun: true, bare: true}
	w.container(&Attribution{Container: c})
	return w.dst
}

// ParseContainer reads a CONTAINER record; false if r is none. What programs send under this type's number is none: the
// kernel puts pid= before it.
func ParseContainer(r audit.Record) (*Container, bool) {
	if r.Type != tables.TypeContainer {
		return nil, false
	}
	fs := r.Fields()
	if first, ok := fs.Next(); !ok || string(first.Name) != "op" || string(first.Value) != "known" {
		return nil, false
	}
	var a Attribution
	parse(&fs, &a)
	if a.Container == nil {
		a.Container = &Container{ID: a.ContainerID, Runtime: a.Runtime}
	}
	if a.Container.Pod == nil && a.PodUID != "" {
		a.Container.Pod = &Pod{UID: a.PodUID}
	}
	return a.Container, a.ContainerID != ""
}
