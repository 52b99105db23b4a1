package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"math"
	"strconv"
)

// maxLedger is the longest line that can be a LEDGER line. It bounds what must
// be read to recognise one.
const maxLedger = 4096

// maxNode is the most that may stand before its "type=", a "node=NAME ". Host
// names have at most 253 bytes.
const maxNode = 512

// The parts of a LEDGER line that the chain relies on (docs/format/ledger.md).
const (
	ledgerStart  = "type=LEDGER msg=audit("
	ledgerOp     = "op="
	fieldSegment = " segment="
	fieldBytes   = " bytes="
	fieldChain   = " chain="
)

// chainLength is the length of " chain=" and 64 digits.
const chainLength = len(fieldChain) + 2*sha256.Size

// maxCount bounds the numbers of a LEDGER line, so that counting on from them
// cannot overflow.
const maxCount = math.MaxInt64 / 2

// link is what the trail reads from a LEDGER line.
type link struct {
	number uint64            // segment=
	bytes  int64             // bytes=, the stream offset of the line
	sum    [sha256.Size]byte // chain=
	hashed int               // how much of the line, from its start, the chain covers
}

// parseLink reads a LEDGER line, without or with its newline. Anything that is
// not exactly one is false.
func parseLink(line []byte) (l link, ok bool) {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	if len(line) < chainLength || len(line) > maxLedger || !isLedger(line) {
		return link{}, false
	}
	l.hashed = len(line) - chainLength
	rest, tail := line[:l.hashed], line[l.hashed:]
	if string(tail[:len(fieldChain)]) != fieldChain || !decodeSum(&l.sum, tail[len(fieldChain):]) {
		return link{}, false
	}
	stream, rest, ok := cutNumber(rest, fieldBytes)
	if !ok || stream > maxCount {
		return link{}, false
	}
	number, _, ok := cutNumber(rest, fieldSegment)
	if !ok || number == 0 || number > maxCount {
		return link{}, false
	}
	l.number, l.bytes = number, int64(stream)
	return l, true
}

// isLedger reports whether a line begins as LEDGER lines of the trail's owner
// do. What programs send through the kernel begins with pid= and so never
// passes for one.
func isLedger(line []byte) bool {
	if rest, ok := bytes.CutPrefix(line, []byte("node=")); ok {
		i := bytes.IndexByte(rest[:min(len(rest), maxNode)], ' ')
		if i < 0 || i+len("node= ") > maxNode {
			return false
		}
		line = rest[i+1:]
	}
	rest, ok := bytes.CutPrefix(line, []byte(ledgerStart))
	if !ok {
		return false
	}
	i := 0
	for i < len(rest) && (isDigit(rest[i]) || rest[i] == '.' || rest[i] == ':') {
		i++
	}
	rest, ok = bytes.CutPrefix(rest[i:], []byte("): "))
	return ok && bytes.HasPrefix(rest, []byte(ledgerOp))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// cutNumber cuts field and the decimal number after it from the end of b.
func cutNumber(b []byte, field string) (v uint64, rest []byte, ok bool) {
	i := len(b)
	for i > 0 && isDigit(b[i-1]) {
		i--
	}
	digits, rest := b[i:], b[:i]
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' {
		return 0, nil, false
	}
	rest, ok = bytes.CutSuffix(rest, []byte(field))
	if !ok {
		return 0, nil, false
	}
	for _, c := range digits {
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			return 0, nil, false
		}
		v = v*10 + d
	}
	return v, rest, true
}

// decodeSum reads 64 lower-case hexadecimal digits. Upper case is refused, so
// that there is one way to write a sum.
func decodeSum(sum *[sha256.Size]byte, digits []byte) bool {
	for _, c := range digits {
		if 'A' <= c && c <= 'F' {
			return false
		}
	}
	n, err := hex.Decode(sum[:], digits)
	return err == nil && n == len(sum)
}

// chain is the running hash since the last LEDGER line.
type chain struct {
	hash   hash.Hash
	number uint64 // of the segment being hashed
	stream int64  // stream offset of the next byte
	since  int64  // bytes hashed since the last link
}

// newChain returns a chain at its beginning.
func newChain() chain {
	c := chain{hash: sha256.New(), number: 1}
	c.restart([sha256.Size]byte{})
	return c
}

// restart makes sum the value that the next link builds on.
func (c *chain) restart(sum [sha256.Size]byte) {
	c.hash.Reset()
	c.hash.Write(sum[:])
	c.since = 0
}

// write takes bytes of the trail that are not a link.
func (c *chain) write(b []byte) {
	c.hash.Write(b)
	c.stream += int64(len(b))
	c.since += int64(len(b))
}

// clone returns an independent copy, to be thrown away if a write fails.
func (c *chain) clone() chain {
	copied := *c
	// The hashes of crypto/sha256 implement hash.Cloner and do not fail.
	copied.hash = cloneHash(c.hash)
	return copied
}

func cloneHash(h hash.Hash) hash.Hash {
	cloner, ok := h.(hash.Cloner)
	if !ok {
		panic("BUG: sha256 hash cannot be cloned")
	}
	cloned, err := cloner.Clone()
	if err != nil {
		panic("BUG: clone sha256: " + err.Error())
	}
	return cloned
}

// seal appends the LEDGER line that prefix begins, with newline, to dst and
// moves the chain behind it.
func (c *chain) seal(dst, prefix []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, prefix...)
	dst = append(dst, fieldSegment...)
	dst = strconv.AppendUint(dst, c.number, 10)
	dst = append(dst, fieldBytes...)
	dst = strconv.AppendInt(dst, c.stream, 10)
	if !isLedger(prefix) || bytes.IndexByte(prefix, '\n') >= 0 || len(dst)-start+chainLength > maxLedger {
		return dst[:start], errNotLedger
	}
	c.hash.Write(dst[start:])
	var sum [sha256.Size]byte
	c.hash.Sum(sum[:0])
	dst = append(dst, fieldChain...)
	dst = hex.AppendEncode(dst, sum[:])
	dst = append(dst, '\n')
	c.stream += int64(len(dst) - start)
	c.restart(sum)
	return dst, nil
}

// follow takes a whole LEDGER line that is in the trail already.
func (c *chain) follow(l link, line []byte) {
	c.number = l.number
	c.stream = l.bytes + int64(len(line))
	c.restart(l.sum)
}
