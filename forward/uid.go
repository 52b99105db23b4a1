package forward

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"

	"vigil/audit"
)

// UID tells events apart everywhere and for ever, so that a receiver can drop what
// it has. It is made of the host, the boot, the time and the serial: whoever reads
// the same trail again, another instance too, comes to the same. Those of one boot
// sort by time.
type UID [20]byte

// String returns the UID as 40 hexadecimal digits.
func (u UID) String() string { return hex.EncodeToString(u[:]) }

// AppendTo appends what String returns.
func (u UID) AppendTo(dst []byte) []byte { return hex.AppendEncode(dst, u[:]) }

// Draw returns a number from 0 to below 1 that is the UID's own: those of many events
// are spread evenly, and that of one is the same for ever. A sample of a tenth is those
// whose draw is below 0.1, whoever takes it and how often; a larger sample holds the
// smaller one.
func (u UID) Draw() float64 {
	n := binary.BigEndian.Uint64(u[:])
	for _, word := range [...]uint64{binary.BigEndian.Uint64(u[8:]), uint64(binary.BigEndian.Uint32(u[16:]))} {
		n = stir(n ^ word)
	}
	return float64(n>>11) / (1 << 53)
}

// stir is the finish of SplitMix64: each bit of n sways each bit of what it returns.
func stir(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// Origin is where events come from: what the UIDs of one boot share.
type Origin struct {
	Host string // the machine's id, machine-id(5)
	Boot string // the boot's id, of the LEDGER records; empty if not known
}

// UID returns the UID of an event from this origin.
func (o Origin) UID(e *audit.Event) UID {
	var u uids
	u.set(o)
	return u.of(e.Node, e.ID)
}

// uids makes the UIDs of one Origin.
type uids struct {
	origin Origin
	sum    uint64 // of the origin
	node   []byte // of the event before, and with it
	both   uint64
}

func (u *uids) set(o Origin) {
	u.origin = o
	u.sum = spread(spread(fnvOffset, []byte(o.Host)), []byte(o.Boot))
	u.node, u.both = u.node[:0], spread(u.sum, nil)
}

// boot says from which boot the events are that follow.
func (u *uids) boot(id []byte) {
	if string(id) != u.origin.Boot {
		u.set(Origin{Host: u.origin.Host, Boot: string(id)})
	}
}

// of returns the UID of an event.
func (u *uids) of(node []byte, id audit.ID) (uid UID) {
	if string(node) != string(u.node) {
		u.node = append(u.node[:0], node...)
		u.both = spread(u.sum, node)
	}
	binary.BigEndian.PutUint64(uid[:], u.both)
	binary.BigEndian.PutUint64(uid[8:], uint64(id.Sec)*1000+uint64(id.Milli))
	binary.BigEndian.PutUint32(uid[16:], id.Serial)
	return uid
}

const fnvOffset uint64 = 14695981039346656037 // of FNV-1a, 64 bits

// spread goes on with a hash over a text and its end. It keeps no secret: it only
// has to differ where the text does.
func spread(sum uint64, text []byte) uint64 {
	var state [8]byte
	binary.BigEndian.PutUint64(state[:], sum)
	h := fnv.New64a()
	_, _ = h.Write(state[:])
	_, _ = h.Write(text)
	_, _ = h.Write([]byte{0})
	return h.Sum64()
}
