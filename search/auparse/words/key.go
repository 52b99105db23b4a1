package words

// key is what a key of a terminal sends, and its name.
type key struct {
	sent, name string
}

// FindKey returns the name of the key that has sent the bytes at the head of b, the longest there is, and their number,
// 0 if it is no key.
func FindKey(b []byte) (name string, n int) {
	if len(b) == 0 || b[0] >= ' ' && b[0] < 0x7f {
		return "", 0
	}
	for i := range keys {
		k := &keys[i]
		if len(b) >= len(k.sent) && string(b[:len(k.sent)]) == k.sent {
			return k.name, len(k.sent)
		}
	}
	return "", 0
}
