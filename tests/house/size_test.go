package house

import (
	"go/ast"
	"testing"
)

const (
	maxFileLines     = 500
	maxFunctionLines = 80
	maxPackageFiles  = 15
)

// longFiles, longFunctions and bigPackages are excused, each with its reason. Names: path, path:Function, folder.
var (
	longFiles     = except(map[string]string{})
	longFunctions = except(map[string]string{})
	bigPackages   = except(map[string]string{
		"cmd/vigil": "a table of commands, one file each",
	})
)

func TestSizes(t *testing.T) {
	tr := load(t)
	sources := map[string]int{}
	for _, s := range tr.files {
		if s.made {
			continue // nobody reads generated files; the generator is read
		}
		if s.lines > maxFileLines && !longFiles.excused(s.path) {
			t.Errorf("%s has %d lines, more than %d: give one of its two subjects a file", s.path, s.lines, maxFileLines)
		}
		if !s.test {
			sources[s.dir]++
		}
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := tr.fset.Position(f.End()).Line - tr.fset.Position(f.Pos()).Line + 1
			if lines > maxFunctionLines && !longFunctions.excused(s.path+":"+f.Name.Name) {
				t.Errorf("%s: %s has %d lines, more than %d", tr.at(s, f), f.Name.Name, lines, maxFunctionLines)
			}
		}
	}
	for dir, n := range sources {
		if n > maxPackageFiles && !bigPackages.excused(dir) {
			t.Errorf("%s has %d source files, more than %d: it is two packages", dir, n, maxPackageFiles)
		}
	}
	longFiles.stale(t)
	longFunctions.stale(t)
	bigPackages.stale(t)
}
