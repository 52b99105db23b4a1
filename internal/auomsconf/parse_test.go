package auomsconf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/internal/auomsconf"
)

func TestParse(t *testing.T) {
	_, err := auomsconf.Parse("a.conf", `# a comment
  # another
output_format = syslog   # that is all
quoted = "a \"b\" # c"
regex=R"regex(-password (\S+) ")regex"  # secret
lines = R"(one
two)"
filter_record_types = [
"LOGIN", # 
"x]" ]
map = { "a": "}" }
output_format = oms
empty =
crlf = yes`+"\r\n")
	if err == nil || !strings.Contains(err.Error(), "a.conf:9: the value is not JSON") {
		t.Fatalf("a comment in JSON: %v", err)
	}
	f, err := auomsconf.Parse("a.conf", `# a comment
output_format = syslog   # that is all
quoted = "a \"b\" # c"
regex=R"regex(-password (\S+) ")regex"  # secret
lines = R"(one
two)"
filter_record_types = [
"LOGIN",
"x]" ]
map = { "a": "}" }
output_format = oms
empty =
crlf = yes`+"\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := &auomsconf.File{
		Values: []auomsconf.Value{
			{Key: "output_format", Text: "syslog", Line: 2}, {Key: "quoted", Text: `a "b" # c`, Line: 3},
			{Key: "regex", Text: `-password (\S+) "`, Line: 4}, {Key: "lines", Text: "one\ntwo", Line: 5},
			{Key: "filter_record_types", Text: "[\n\"LOGIN\",\n\"x]\" ]", Line: 7, JSON: true}, {Key: "map", Text: `{ "a": "}" }`, Line: 10, JSON: true},
			{Key: "empty", Line: 12}, {Key: "crlf", Text: "yes", Line: 13},
		},
		Again: []auomsconf.Value{{Key: "output_format", Text: "oms", Line: 11}},
	}
	if diff := cmp.Diff(f, want); diff != "" {
		t.Error("(-got +want)", diff)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a\n":                          "x:1: \"a\" is no `key = value`",
		"\n= 1":                        "x:2: there is no key",
		"a = b c":                      `x:1: a: "b c" has blanks`,
		"a = \"b":                      "x:1: there is no quote",
		"a = \"b\" c":                  `x:1: a: "c" behind the value`,
		"a = R\"x(b":                   `x:1: there is no )x"`,
		"a = R\"b c":                   `x:1: a value that begins with R"`,
		"a = [\n1":                     "x:1: there is no bracket",
		"a = [\n1\n2\n]":               "x:3: the value is not JSON",
		"a = [1] ]":                    `x:1: a: "]" behind the value`,
		strings.Repeat("a=b\n", 1<<19): "x:1: larger than 1 MiB",
	} {
		_, err := auomsconf.Parse("x", text)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a = b\nc = [\n1]\nd = R\"x(y\n)x\" # z\ne = \"q\\\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := auomsconf.Parse("x", text)
		if err != nil {
			return
		}
		for _, v := range file.Values {
			if v.Key == "" || v.Line < 1 || v.Line > strings.Count(text, "\n")+1 {
				t.Errorf("%+v of %q", v, text)
			}
		}
	})
}
