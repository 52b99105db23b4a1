package date

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFromEnv(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"de_DE.utf8", "en_DK.utf8", "C.utf8"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	archive := []byte("\x00en_US.utf8\x00ja_JP.utf8\x00cs_CZ.utf8\x00ar_AE.utf8\x00eu_ES.utf8\x00")
	if err := os.WriteFile(filepath.Join(root, "locale-archive"), archive, 0o600); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2021, time.July, 8, 12, 29, 23, 0, time.UTC)
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, "07/08/21"},
		{map[string]string{"LANG": "C.UTF-8"}, "07/08/21"},
		{map[string]string{"LANG": "en_US.UTF-8"}, "07/08/2021"},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_TIME": "de_DE.UTF-8"}, "08.07.2021"},
		{map[string]string{"LC_ALL": "C", "LC_TIME": "de_DE.UTF-8"}, "07/08/21"},
		{map[string]string{"LC_TIME": "en_DK.utf8"}, "2021-07-08"},
		{map[string]string{"LC_TIME": "cs_CZ.UTF-8"}, "8.7.2021"},
		{map[string]string{"LC_TIME": "ja_JP.UTF-8"}, "2021年07月08日"},
		{map[string]string{"LC_TIME": "fr_FR.UTF-8"}, "07/08/21"}, // not installed
		{map[string]string{"LC_TIME": "eu_ES.UTF-8"}, "07/08/21"}, // names of months
		{map[string]string{"LC_TIME": "../../etc"}, "07/08/21"},
		{map[string]string{"LC_TIME": "*"}, "07/08/21"},
	} {
		f := FromEnv(func(key string) string { return test.env[key] }, root)
		if got := string(f.Append(nil, day)); got != test.want {
			t.Errorf("%v: got %q, want %q", test.env, got, test.want)
		}
	}
}

func TestAppend(t *testing.T) {
	day := time.Date(1999, time.December, 3, 0, 0, 0, 0, time.UTC)
	for format, want := range map[Format]string{
		"": "12/03/99", "%e.%m.%Y": " 3.12.1999", "%-d/%-m/%y": "3/12/99", "%": "%", "%-": "%-", "%q": "%q", "%%": "%%",
	} {
		if got := string(format.Append([]byte("x"), day)); got != "x"+want {
			t.Errorf("%q: got %q, want %q", format, got, "x"+want)
		}
	}
}
