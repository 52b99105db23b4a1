package rule

import (
	"slices"

	"vigil/audit/tables"
)

// Limits of the kernel's form of a rule, from <linux/audit.h>.
const (
	MaxFields   = 64       // AUDIT_MAX_FIELDS
	MaxKey      = 256      // AUDIT_MAX_KEY_LEN, of all keys of a rule with their separators
	MaxSyscall  = 2048 - 1 // the mask's last bit: AUDIT_BITMASK_SIZE * 32
	maskWords   = 64       // AUDIT_BITMASK_SIZE
	keyBetween  = 0x01     // AUDIT_KEY_SEPARATOR, between the keys of one rule
	maxText     = 4096     // PATH_MAX
	classesBits = 0xffff << 16
)

// Mask has a bit for each system call, or for each io_uring operation. The upper
// 16 bits of its last word are no calls but the kernel's classes of calls, which
// it replaces by what is in them.
type Mask [maskWords]uint32

// Set adds a call. A number beyond MaxSyscall is ignored.
func (m *Mask) Set(nr int) {
	if nr >= 0 && nr <= MaxSyscall {
		m[nr/32] |= 1 << (nr % 32)
	}
}

// Has reports whether the call is in the mask.
func (m *Mask) Has(nr int) bool {
	return nr >= 0 && nr <= MaxSyscall && m[nr/32]&(1<<(nr%32)) != 0
}

// SetAll adds every call.
func (m *Mask) SetAll() {
	for i := range m {
		m[i] = ^uint32(0)
	}
}

// All reports whether every call is in the mask. The last word does not count:
// the kernel clears its classes' bits.
func (m *Mask) All() bool {
	for _, word := range m[:maskWords-1] {
		if word != ^uint32(0) {
			return false
		}
	}
	return true
}

// Empty reports whether no call is in the mask.
func (m *Mask) Empty() bool { return *m == Mask{} }

// Numbers returns the calls in the mask in rising order.
func (m *Mask) Numbers() []int {
	var list []int
	for i, word := range m {
		for bit := 0; word != 0; bit, word = bit+1, word>>1 {
			if word&1 != 0 {
				list = append(list, i*32+bit)
			}
		}
	}
	return list
}

// Count returns how many calls are in the mask.
func (m *Mask) Count() int { return len(m.Numbers()) }

// Field is one condition of a rule.
type Field struct {
	Field tables.Field
	Op    tables.Op
	Value uint32 // the number; unused if Field.IsText
	Text  string // the string; empty unless Field.IsText
}

// Rule is one audit rule. All conditions must hold for it to match.
type Rule struct {
	List    tables.List
	Prepend bool // to the head of its list: -A. A listed rule never has it.
	Action  tables.Action
	Mask    Mask // of lists exit and io_uring; else all calls, but of task none
	Fields  []Field
}

// Clone returns a copy that shares nothing.
func (r *Rule) Clone() Rule {
	c := *r
	c.Fields = slices.Clone(r.Fields)
	return c
}

// Keys returns the rule's keys, nil if it has none.
func (r *Rule) Keys() []string {
	for _, f := range r.Fields {
		if f.Field == tables.FieldKey {
			return splitKeys(f.Text)
		}
	}
	return nil
}

// splitKeys splits the kernel's form of several keys; empty ones are no keys.
func splitKeys(text string) []string {
	var keys []string
	start := 0
	for i := 0; i <= len(text); i++ {
		if i == len(text) || text[i] == keyBetween {
			if i > start {
				keys = append(keys, text[start:i])
			}
			start = i + 1
		}
	}
	return keys
}

// Find returns the first condition on a field, nil if there is none.
func (r *Rule) Find(field tables.Field) *Field {
	for i := range r.Fields {
		if r.Fields[i].Field == field {
			return &r.Fields[i]
		}
	}
	return nil
}

// Arch returns the architecture whose table the rule's system calls are of: that
// of its last arch condition, 0 if it has none.
func (r *Rule) Arch() tables.Arch {
	var arch tables.Arch
	for _, f := range r.Fields {
		if f.Field == tables.FieldArch {
			arch = tables.Arch(f.Value)
		}
	}
	return arch
}

// HasSyscalls reports whether the rule's mask means anything: lists task, user,
// exclude and filesystem do not look at it.
func (r *Rule) HasSyscalls() bool {
	return r.List == tables.ListExit || r.List == tables.ListIOUring
}

// ID is a rule's identity: two rules with the same ID are one and the same to the
// kernel (audit_compare_rule in kernel/auditfilter.c). It is no text.
type ID string

// ID returns the rule's identity. The place in the list (Prepend) is no part of
// it, and neither are the mask's class bits, which the kernel clears when it
// takes a rule.
func (r *Rule) ID() ID {
	c := *r
	c.Prepend = false
	c.Mask[maskWords-1] &^= classesBits
	return ID(c.AppendBinary(nil))
}

// Equal reports whether two rules are one to the kernel.
func (r *Rule) Equal(other *Rule) bool { return r.ID() == other.ID() }
