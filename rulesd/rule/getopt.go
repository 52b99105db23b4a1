package rule

import "strings"

// options are auditctl's one-letter options; a colon says that the letter before
// it takes an argument (auditctl(8)).
const options = "hicslDvtC:e:f:r:b:a:A:d:S:F:m:R:w:W:k:p:q:"

// longOption is one of auditctl's long options.
type longOption struct {
	name     string
	argument bool
	code     byte // what scanner.next returns for it
}

// Codes of the long options, beside the letters of the others.
const (
	optLoginuidImmutable byte = iota + 1
	optBacklogWaitTime
	optResetLost
	optResetWaitActual
	optSignal
	optBad byte = '?'
)

var longOptions = [...]longOption{
	{"loginuid-immutable", false, optLoginuidImmutable},
	{"backlog_wait_time", true, optBacklogWaitTime},
	{"reset-lost", false, optResetLost},
	{"reset_backlog_wait_time_actual", false, optResetWaitActual},
	{"signal", true, optSignal},
}

// scanner hands out the options of a command line in the order of GNU
// getopt_long(3), which moves words that are no options to the end. How far it
// has come (index) decides some of auditctl's checks and messages, so it is kept
// the same step by step.
type scanner struct {
	words []Word // words[0] is the program's name
	index int    // of the next word to look at: optind
	first int    // the words that were skipped, and are to be moved: from first
	last  int    // to last
	rest  string // of a word with several one-letter options
	arg   string // the option's argument
	argAt Word   // the word that holds the argument, or the option if it has none
	skip  int    // bytes of argAt before the argument
}

func newScanner(words []Word) *scanner {
	all := make([]Word, 0, len(words)+1)
	all = append(all, Word{Text: "auditctl"})
	return &scanner{words: append(all, words...), index: 1, first: 1, last: 1}
}

// next returns the next option, optBad for a wrong one, and false after the last.
func (s *scanner) next() (option byte, ok bool) {
	s.arg, s.skip = "", 0
	if s.rest == "" && !s.advance() {
		return 0, false
	}
	word := s.words[s.index]
	s.argAt = word
	if s.rest == "" {
		if name, long := strings.CutPrefix(word.Text, "--"); long {
			return s.long(name), true
		}
		s.rest = word.Text[1:]
	}
	return s.short(word), true
}

// advance moves to the next word that is an option.
func (s *scanner) advance() bool {
	if s.last > s.index {
		s.last = s.index
	}
	if s.first > s.index {
		s.first = s.index
	}
	s.exchange()
	for s.index < len(s.words) && !isOption(s.words[s.index].Text) {
		s.index++
	}
	s.last = s.index
	if s.index < len(s.words) && s.words[s.index].Text == "--" {
		s.index++
		if s.first != s.last && s.last != s.index {
			s.exchange()
		} else if s.first == s.last {
			s.first = s.index
		}
		s.last = len(s.words)
		s.index = len(s.words)
	}
	if s.index == len(s.words) {
		if s.first != s.last {
			s.index = s.first // the moved words are what remains
		}
		return false
	}
	return true
}

// exchange swaps the skipped words with the options that were read after them.
func (s *scanner) exchange() {
	if s.first != s.last && s.last != s.index {
		skipped := append([]Word(nil), s.words[s.first:s.last]...)
		copy(s.words[s.first:], s.words[s.last:s.index])
		copy(s.words[s.first+s.index-s.last:], skipped)
		s.first += s.index - s.last
		s.last = s.index
	} else if s.last != s.index {
		s.first = s.index
	}
}

func isOption(text string) bool { return len(text) > 1 && text[0] == '-' }

// short reads the next letter of the current word.
func (s *scanner) short(word Word) byte {
	letter := s.rest[0]
	s.rest = s.rest[1:]
	at := strings.IndexByte(options, letter)
	if s.rest == "" {
		s.index++
	}
	if letter == ':' || letter == '?' || at < 0 {
		return optBad
	}
	if at+1 == len(options) || options[at+1] != ':' {
		return letter
	}
	if s.rest != "" {
		s.arg, s.skip = s.rest, len(word.Text)-len(s.rest)
		s.rest = ""
		s.index++
		return letter
	}
	return s.argument(letter)
}

// argument takes the next word as the option's argument.
func (s *scanner) argument(option byte) byte {
	if s.index >= len(s.words) {
		return optBad
	}
	s.argAt = s.words[s.index]
	s.arg = s.argAt.Text
	s.index++
	return option
}

// long reads a word that begins with two dashes: a name or the unmistakable
// beginning of one, and perhaps = and the argument.
func (s *scanner) long(text string) byte {
	s.index++
	name, value, attached := strings.Cut(text, "=")
	var found *longOption
	for i := range longOptions {
		o := &longOptions[i]
		if o.name == name {
			found = o
			break
		}
		if !strings.HasPrefix(o.name, name) {
			continue
		}
		if found != nil {
			return optBad // the beginning of two
		}
		found = o
	}
	switch {
	case found == nil, attached && !found.argument:
		return optBad
	case attached:
		s.arg, s.skip = value, len("--")+len(name)+len("=")
		return found.code
	case found.argument:
		return s.argument(found.code)
	}
	return found.code
}
