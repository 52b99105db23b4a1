package setting_test

import (
	"testing"

	"vigil/internal/setting"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		text, want string // "": it is refused
	}{
		{"0.1", "0.1"}, {"10%", "0.1"}, {"0.5%", "0.005"}, {"1", "1"}, {"100%", "1"}, {"0", "0"}, {"1e-3", "0.001"},
		{"10", ""}, {"101%", ""}, {"-0.1", ""}, {"NaN", ""}, {"", ""}, {"%", ""}, {"half", ""}, {"0,1", ""},
	} {
		got, err := setting.ParseShare(c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("%q was taken for %s", c.text, got)
			}
			continue
		}
		if err != nil || got.String() != c.want {
			t.Errorf("%q: got %s, %v, want %s", c.text, got, err, c.want)
		}
		if again, err := setting.ParseShare(got.String()); err != nil || again != got {
			t.Errorf("%q: printed as %s, which reads as %s, %v", c.text, got, again, err)
		}
	}
}
