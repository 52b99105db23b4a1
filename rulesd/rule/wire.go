package rule

import (
	"encoding/binary"
	"fmt"

	"vigil/audit/tables"
)

// The kernel's struct audit_rule_data (<linux/audit.h>), in the host's byte order:
//
//	flags, action, field_count      u32 each
//	mask                            u32[64]
//	fields, values, fieldflags      u32[64] each
//	buflen                          u32
//	buf                             the strings of all text fields, no NULs between
const (
	wireMask    = 3 * 4
	wireFields  = wireMask + 4*maskWords
	wireValues  = wireFields + 4*MaxFields
	wireOps     = wireValues + 4*MaxFields
	wireTextLen = wireOps + 4*MaxFields
	// WireSize is the size of the kernel's form without its strings.
	WireSize = wireTextLen + 4
)

// AppendBinary appends the kernel's form of the rule: struct audit_rule_data with
// its strings, unpadded. Fields beyond MaxFields are left out; Parse and
// UnmarshalBinary never yield them.
func (r *Rule) AppendBinary(dst []byte) []byte {
	order := binary.NativeEndian
	start := len(dst)
	dst = append(dst, make([]byte, WireSize)...)
	head := dst[start:]
	flags := uint32(r.List)
	if r.Prepend {
		flags |= tables.Prepend
	}
	fields := r.Fields[:min(len(r.Fields), MaxFields)]
	order.PutUint32(head, flags)
	order.PutUint32(head[4:], uint32(r.Action))
	order.PutUint32(head[8:], uint32(len(fields)))
	for i, word := range r.Mask {
		order.PutUint32(head[wireMask+4*i:], word)
	}
	text := 0
	for i, f := range fields {
		value := f.Value
		if f.Field.IsText() {
			value = uint32(len(f.Text))
			text += len(f.Text)
		}
		order.PutUint32(head[wireFields+4*i:], uint32(f.Field))
		order.PutUint32(head[wireValues+4*i:], value)
		order.PutUint32(head[wireOps+4*i:], uint32(f.Op))
	}
	order.PutUint32(head[wireTextLen:], uint32(text))
	for _, f := range fields {
		if f.Field.IsText() {
			dst = append(dst, f.Text...)
		}
	}
	return dst
}

// UnmarshalBinary reads the kernel's form of a rule: the payload of an
// AUDIT_LIST_RULES message, padding after the strings allowed. What the kernel
// may say in it and this package has no name for is kept as its number.
func (r *Rule) UnmarshalBinary(data []byte) error {
	if len(data) < WireSize {
		return fmt.Errorf("read kernel rule: %d bytes, want at least %d", len(data), WireSize)
	}
	order := binary.NativeEndian
	flags := order.Uint32(data)
	count := order.Uint32(data[8:])
	if count > MaxFields {
		return fmt.Errorf("read kernel rule: %d fields, limit %d", count, MaxFields)
	}
	length := order.Uint32(data[wireTextLen:])
	if uint64(length) > uint64(len(data)-WireSize) {
		return fmt.Errorf("read kernel rule: %d bytes of strings, have %d", length, len(data)-WireSize)
	}
	text := string(data[WireSize : WireSize+int(length)])
	*r = Rule{
		List:    tables.List(flags &^ tables.Prepend),
		Prepend: flags&tables.Prepend != 0,
		Action:  tables.Action(order.Uint32(data[4:])),
		Fields:  make([]Field, count),
	}
	for i := range r.Mask {
		r.Mask[i] = order.Uint32(data[wireMask+4*i:])
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		f.Field = tables.Field(order.Uint32(data[wireFields+4*i:]))
		f.Op = tables.Op(order.Uint32(data[wireOps+4*i:]))
		f.Value = order.Uint32(data[wireValues+4*i:])
		if !f.Field.IsText() {
			continue
		}
		if uint64(f.Value) > uint64(len(text)) {
			return fmt.Errorf("read kernel rule: field %d: string of %d bytes, %d left", i, f.Value, len(text))
		}
		f.Text, text = text[:f.Value], text[f.Value:]
		f.Value = 0
	}
	if text != "" {
		return fmt.Errorf("read kernel rule: %d bytes of strings belong to no field", len(text))
	}
	return nil
}
