package runtimeapi

import (
	"encoding/binary"
	"errors"
)

// errWire says that bytes are no message in protocol buffers' wire format
// (https://protobuf.dev/programming-guides/encoding).
var errWire = errors.New("decode protocol buffers: not a message")

// Wire types.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// fields calls take with each field of a message that has bytes: texts, and messages in it. Others are passed over.
func fields(message []byte, take func(number uint64, value []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errWire
		}
		message = message[n:]
		size := uint64(0)
		switch tag & 7 {
		case wireVarint:
			if _, n = binary.Uvarint(message); n <= 0 {
				return errWire
			}
			size = uint64(n)
		case wireFixed64:
			size = 8
		case wireFixed32:
			size = 4
		case wireBytes:
			if size, n = binary.Uvarint(message); n <= 0 {
				return errWire
			}
			message = message[n:]
		default: // groups are not used by anybody here
			return errWire
		}
		if size > uint64(len(message)) {
			return errWire
		}
		if tag&7 == wireBytes {
			if err := take(tag>>3, message[:size]); err != nil {
				return err
			}
		}
		message = message[size:]
	}
	return nil
}

// texts says which field of a message is which text.
type texts map[uint64]*string

func (t texts) take(number uint64, value []byte) error {
	if s := t[number]; s != nil {
		*s = string(value)
	}
	return nil
}

// maxLabels is how many entries of a map are read.
const maxLabels = 1024

// put reads an entry of a map from text to text: a message with the key as field 1 and the value as field 2.
func put(m *map[string]string, entry []byte) error {
	var key, value string
	if err := fields(entry, texts{1: &key, 2: &value}.take); err != nil {
		return err
	}
	if *m == nil {
		*m = map[string]string{}
	}
	if len(*m) < maxLabels {
		(*m)[key] = value
	}
	return nil
}

// appendText appends a field that is a text, or a message.
func appendText(dst []byte, number uint64, value string) []byte {
	dst = binary.AppendUvarint(dst, number<<3|wireBytes)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}
