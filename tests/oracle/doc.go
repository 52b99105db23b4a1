// Package oracle holds what is compared with other people's code. It is a module
// of its own, so that their libraries are no dependency of Vigil's.
//
// Its test says that Vigil and github.com/elastic/go-libaudit read the same from
// the records that both can read; its benchmark says what each needs to turn
// records into JSON.
package oracle
