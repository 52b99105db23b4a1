package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// errnoSynonyms share their number with the name that the audit tools print.
var errnoSynonyms = map[string]bool{
	"EDEADLOCK": true, "EFSBADCRC": true, "EFSCORRUPTED": true, "ENOTSUP": true, "EWOULDBLOCK": true,
}

// buildErrnos writes the errnos of asm-generic/errno.h, which every
// architecture but MIPS, SPARC, PA-RISC and Alpha uses.
func buildErrnos(in *inputs) ([]byte, error) {
	byName := make(map[string]int)
	last := 0
	for _, file := range []string{"zerrors_linux.go", "zerrors_linux_amd64.go"} {
		all, err := in.constants(file, "", "Errno")
		if err != nil {
			return nil, err
		}
		for name, n := range all {
			byName[name] = int(n)
			last = max(last, int(n))
		}
	}
	set := newNames(slices.Collect(maps.Keys(byName)))

	var b bytes.Buffer
	b.WriteString(header)
	set.emit(&b, "errnoNames", "holds the names of the errnos and their synonyms.")
	numbers := make([]int, len(set.sorted))
	index := make([]int, last+1)
	for i, name := range set.sorted {
		numbers[i] = byName[name]
		if errnoSynonyms[name] {
			continue
		}
		if at := index[byName[name]]; at != 0 {
			return nil, fmt.Errorf("errno %d is both %s and %s", byName[name], set.sorted[at-1], name)
		}
		index[byName[name]] = i + 1
	}
	b.WriteString("\n// errnoNumbers is parallel to errnoNames.\nvar errnoNumbers = [...]uint8{\n")
	emitInts(&b, numbers)
	b.WriteString("}\n\n// errnoIndex is, for each errno, one more than its place in errnoNames, or 0.\nvar errnoIndex = [...]uint8{\n")
	emitInts(&b, index)
	b.WriteString("}\n")
	return finish(&b)
}
