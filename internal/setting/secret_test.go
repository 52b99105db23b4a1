package setting_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigil/internal/setting"
)

func TestSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret\nnot this\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VIGIL_TEST_TOKEN", "t0ken")
	for _, c := range []struct{ secret, want, fault string }{
		{"file:" + file, "s3cret", ""},
		{"env:VIGIL_TEST_TOKEN", "t0ken", ""},
		{"", "", ""},
		{"env:VIGIL_TEST_NONE", "", "the variable VIGIL_TEST_NONE is not set"},
		{"file:/nonexistent/token", "", "no such file"},
		{"hunter2", "", "write file:/path/to/it or env:NAME"},
	} {
		got, err := setting.Secret(c.secret).Read()
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: got %q, %v, want %q and %q", c.secret, got, err, c.want, c.fault)
		}
	}
}

func TestSecretIsNotShown(t *testing.T) {
	s := setting.Secret("hunter2")
	asJSON, err := json.Marshal(map[string]any{"password": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%#v %+v %q", s, s, s), string(asJSON), s.Check().Error()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("shown: %s", text)
		}
	}
}
