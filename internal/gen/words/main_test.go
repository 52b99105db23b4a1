package main

import (
	"bytes"
	"os"
	"testing"
)

// TestGenerated: the committed file is what the generator makes.
func TestGenerated(t *testing.T) {
	got, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../../search/auparse/words/zwords.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("search/auparse/words/zwords.go is not what the generator makes: run go generate ./search/auparse/words")
	}
}
