package filter

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"vigil/filter/field"
)

// TestWorkloadAsSysdigSaysIt holds our answers against sysdig's on one run of a
// scripted workload: programs with odd names and arguments, files opened, made,
// renamed and removed, failures, sockets of three families, three users, with a
// terminal and without. `vigil run` recorded it (workload.txt). The kernel that it
// ran on loads no modules and Debian's sysdig has no BPF probe in it, so what
// sysdig reads is what strace(1) saw of the same run, written in sysdig's form
// (workload.scap). The answers are those of sysdig 0.41.4; those of 0.29.3 are the
// same wherever its older language is.
//
// Both have all fields in the conditions. What only one side can see is kept out
// of them: the name of a file that could not be made (audit then has the directory
// alone), the address of a connect that failed and which end of a connection
// within the host is the remote one (sysdig does not tell). So are oneof, anyof,
// allof, \xHH and hexadecimal numbers, which Falco has and this sysdig not yet.
func TestWorkloadAsSysdigSaysIt(t *testing.T) {
	events := numberedEvents(t, "testdata/workload.txt")
	text, err := os.ReadFile("testdata/workload.want")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' {
			continue
		}
		n++
		want, condition, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		p, err := compileText(condition)
		if err != nil {
			if want != "error" {
				t.Errorf("%s: got %v, want events %s", condition, err, want)
			}
			continue
		}
		m := p.Matcher(field.Config{Location: time.UTC})
		var numbers []int
		for _, ev := range events {
			if m.Match(ev.event) {
				numbers = append(numbers, ev.num)
			}
		}
		if got := ranges(numbers); got != want {
			t.Errorf("%s: got events %s, want %s", condition, got, want)
		}
	}
	if n < 600 {
		t.Errorf("got %d conditions, want 600", n)
	}
}

// ranges writes ascending numbers as 1-3,7.
func ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); i++ {
		from := i
		for i+1 < len(numbers) && numbers[i+1] == numbers[i]+1 {
			i++
		}
		if part := fmt.Sprint(numbers[from]); from == i {
			parts = append(parts, part)
		} else {
			parts = append(parts, fmt.Sprintf("%s-%d", part, numbers[i]))
		}
	}
	if parts == nil {
		return "-"
	}
	return strings.Join(parts, ",")
}
