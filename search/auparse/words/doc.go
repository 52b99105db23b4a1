// Package words holds the words that libauparse prints for numbers and flags of system calls and records.
//
// zwords.go is made from internal/gen/words/words.txt, which says where they are from.
package words

//go:generate go run vigil/internal/gen/words -dir .
