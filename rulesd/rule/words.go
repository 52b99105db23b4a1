package rule

import "strings"

// Word is one word of a line.
type Word struct {
	Text   string // with the escapes undone
	Offset int    // of its first byte in the line
	Length int    // in the line, escapes included
}

// Split splits a line of a rule file into words, as auditctl -R does: at blanks,
// where "\ " is a blank within a word and "\\" a backslash. There is no other
// quoting. A line whose first word begins with # is a comment and has no words.
func Split(line string) []Word {
	var words []Word
	for i := 0; i < len(line); {
		if line[i] == ' ' {
			i++
			continue
		}
		start := i
		var text strings.Builder
		for ; i < len(line) && line[i] != ' '; i++ {
			if line[i] == '\\' && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\\') {
				i++
			}
			text.WriteByte(line[i])
		}
		if len(words) == 0 && line[start] == '#' {
			return nil
		}
		words = append(words, Word{Text: text.String(), Offset: start, Length: i - start})
	}
	return words
}

// Join turns a command line's arguments into the line that Split would read them
// from, and the words of that line.
func Join(args []string) (line string, words []Word) {
	var text strings.Builder
	for i, arg := range args {
		if i > 0 {
			text.WriteByte(' ')
		}
		start := text.Len()
		appendEscaped(&text, arg)
		words = append(words, Word{Text: arg, Offset: start, Length: text.Len() - start})
	}
	return text.String(), words
}

// appendEscaped writes a word as it stands in a rule file.
func appendEscaped(text *strings.Builder, word string) {
	for i := 0; i < len(word); i++ {
		if word[i] == ' ' || word[i] == '\\' {
			text.WriteByte('\\')
		}
		text.WriteByte(word[i])
	}
}
