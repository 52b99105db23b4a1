package rule

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// FuzzParse: no line makes Parse panic, and a rule that the kernel would take is
// the same rule when its listing is read.
func FuzzParse(f *testing.F) {
	for i := range uint64(200) {
		f.Add(generator{rand.New(rand.NewPCG(i, 2))}.line())
	}
	for _, line := range []string{
		"", "#", "-", "--", "-- -a", "-l -k x", "-D -k x", "-b 1 -e 0", "-q /a,/b", "-m x", "--signal", "--reset-l",
		"-a always,exit -S 2 -F key!=x", "-a always,exit -S , -k \x01", "-W /x -S open", "-SS", `\`, `-w \`, "-a always,exit -F perm=",
		"-a always,exit -F a0=0x -S 2", "-a always,exit -F field_compare=7 -S 2", "-aalways,exit -F\x00",
	} {
		f.Add(line)
	}
	env := testEnv()
	style := Style{Machine: env.Machine, IsDir: env.IsDir}
	f.Fuzz(func(t *testing.T, line string) {
		cmd, ok := ParseLine(line, env)
		if !ok {
			return
		}
		if e := cmd.Err; e != nil {
			_ = e.Error()
			if e.Column() < 1 || e.Column() > len(line)+1 {
				t.Errorf("%q: the fault is at column %d of %d", line, e.Column(), len(line))
			}
			e.Caret(line)
			return
		}
		if cmd.Verb == None {
			return
		}
		wire := cmd.Rule.AppendBinary(nil)
		var back Rule
		if err := back.UnmarshalBinary(wire); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		_ = back.Text(Style{Stock: true, Interpret: true, Machine: env.Machine, IsDir: env.IsDir})
		if problem, _ := back.Refused(); problem != "" || bytes.ContainsAny([]byte(line), "\n\r") {
			return
		}
		text := back.Text(style)
		again, ok := ParseLine(text, env)
		if !ok || again.Err != nil {
			t.Fatalf("%q was listed as %q: %v", line, text, again.Err)
		}
		if !again.Rule.Equal(&back) {
			t.Fatalf("%q was listed as %q, which is %q", line, text, again.Rule.Text(style))
		}
	})
}

// FuzzUnmarshal: no bytes make UnmarshalBinary or the listing panic, and what is
// read is written as it was.
func FuzzUnmarshal(f *testing.F) {
	env := testEnv()
	for i := range uint64(50) {
		cmd, _ := ParseLine(generator{rand.New(rand.NewPCG(i, 3))}.line(), env)
		f.Add(cmd.Rule.AppendBinary(nil))
	}
	f.Add([]byte{})
	f.Add(make([]byte, WireSize))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Rule
		if r.UnmarshalBinary(data) != nil {
			return
		}
		for _, style := range []Style{{IsDir: env.IsDir}, {Stock: true, IsDir: env.IsDir}} {
			_ = r.Text(style)
		}
		r.Refused()
		r.Needs()
		wire := r.AppendBinary(nil)
		var again Rule
		if err := again.UnmarshalBinary(wire); err != nil || again.ID() != r.ID() {
			t.Errorf("written and read again: %v", err)
		}
	})
}
