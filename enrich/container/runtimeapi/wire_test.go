package runtimeapi

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// message makes a message of texts by their numbers.
func message(parts ...any) string {
	var b []byte
	for i := 0; i < len(parts); i += 2 {
		b = appendText(b, uint64(parts[i].(int)), parts[i+1].(string))
	}
	return string(b)
}

func TestFields(t *testing.T) {
	f := func(text string, want []string, failure error) {
		t.Helper()
		var got []string
		err := fields([]byte(text), func(number uint64, value []byte) error {
			got = append(got, string(rune('0'+number))+string(value))
			return nil
		})
		if diff := cmp.Diff(got, want); diff != "" || !errors.Is(err, failure) {
			t.Errorf("%q: error %v, want %v, got - want +:\n%s", text, err, failure, diff)
		}
	}
	f("", nil, nil)
	f("\x0a\x03abc", []string{"1abc"}, nil)
	f("\x0a\x00\x12\x01x", []string{"1", "2x"}, nil)
	// Numbers of each kind are passed over.
	f("\x08\x96\x01\x11abcdefgh\x1dabcd\x22\x01y", []string{"4y"}, nil)
	f("\x0a\x03ab", nil, errWire)
	f("\x0a", nil, errWire)
	f("\x0b", nil, errWire) // a group
	f("\x08\x80", nil, errWire)
	f("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", nil, errWire)
	f("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", nil, errWire)
}

func FuzzFields(f *testing.F) {
	f.Add([]byte(message(1, "id", 2, message(1, "web"), 12, message(1, "app", 2, "shop"))))
	f.Add([]byte("\x08\x96\x01\x11abcdefgh\x1dabcd"))
	f.Fuzz(func(t *testing.T, text []byte) {
		size := 0
		_ = fields(text, func(_ uint64, value []byte) error {
			size += len(value)
			return nil
		})
		if size > len(text) {
			t.Errorf("%d bytes of fields in %d", size, len(text))
		}
		a := Answer{Pod: &Pod{}}
		_ = a.criStatus(text)
	})
}
