package field

import (
	"net/netip"
	"strconv"
)

// Type is the type of a field's values.
type Type uint8

// The types.
const (
	String Type = iota + 1 // bytes, nearly always readable text
	Int                    // signed, 64 bits
	Uint                   // unsigned, 64 bits
	Bool
	IP    // an IPv4 or IPv6 address
	Net   // an address that is compared with networks
	Bytes // bytes that are no text
)

// String returns the type's name as the handbook has it.
func (t Type) String() string {
	switch t {
	case String:
		return "string"
	case Int:
		return "int"
	case Uint:
		return "uint"
	case Bool:
		return "bool"
	case IP:
		return "ip"
	case Net:
		return "net"
	case Bytes:
		return "bytes"
	}
	return "unknown"
}

// IsNumber reports whether values of the type are ordered numbers.
func (t Type) IsNumber() bool { return t == Int || t == Uint }

// IsText reports whether values of the type are bytes.
func (t Type) IsText() bool { return t == String || t == Bytes }

// Style is how a field's numbers are printed.
type Style uint8

// The styles.
const (
	Decimal Style = iota
	Hex           // 0x7ffd
	Octal         // 0644
)

// Value is one value of a field. Which member counts, the field's type says.
type Value struct {
	B []byte // String, Bytes: a view, valid until the View is loaded again. IP, Net: 4 or 16 bytes, see Addr
	N uint64 // Int (two's complement), Uint, Bool (0, 1)
}

// Addr returns the address of IP and Net.
func (x *Value) Addr() netip.Addr {
	a, _ := netip.AddrFromSlice(x.B)
	return a
}

// AppendTo appends the value as it is printed.
func (x Value) AppendTo(dst []byte, t Type, s Style) []byte {
	switch t {
	case String, Bytes:
		return append(dst, x.B...)
	case Bool:
		return strconv.AppendBool(dst, x.N != 0)
	case IP, Net:
		return x.Addr().AppendTo(dst)
	case Int:
		return strconv.AppendInt(dst, int64(x.N), 10)
	}
	switch s {
	case Hex:
		return strconv.AppendUint(append(dst, "0x"...), x.N, 16)
	case Octal:
		return strconv.AppendUint(append(dst, '0'), x.N, 8)
	}
	return strconv.AppendUint(dst, x.N, 10)
}

// Values collects the values of one field of one event. Its memory is used again.
type Values struct {
	List  []Value
	addrs []byte
}

// Reset empties the list.
func (o *Values) Reset() { o.List, o.addrs = o.List[:0], o.addrs[:0] }

// add adds a value, whose members are those of one that was there before.
func (o *Values) add() *Value {
	n := len(o.List)
	if n == cap(o.List) {
		o.List = append(o.List, Value{})
	} else {
		o.List = o.List[:n+1]
	}
	return &o.List[n]
}

// Bytes adds a string. It is kept as a view.
func (o *Values) Bytes(b []byte) { o.add().B = b }

// Int adds a signed number.
func (o *Values) Int(n int64) { o.add().N = uint64(n) }

// Uint adds an unsigned number.
func (o *Values) Uint(n uint64) { o.add().N = n }

// Bool adds a truth value.
func (o *Values) Bool(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	o.add().N = n
}

// Addr adds an address; one that is no address is left out. An IPv4 address in
// IPv6's clothes is taken for what it is.
func (o *Values) Addr(a netip.Addr) {
	start := len(o.addrs)
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		o.addrs = append(o.addrs, b[:]...)
	case a.Is6():
		b := a.As16()
		o.addrs = append(o.addrs, b[:]...)
	default:
		return
	}
	o.Bytes(o.addrs[start:len(o.addrs):len(o.addrs)])
}
