package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source is one parsed Go file; path is relative to the repository, with slashes.
type source struct {
	path  string
	dir   string
	lines int
	test  bool
	made  bool // says "Code generated ... DO NOT EDIT."
	file  *ast.File
	text  []byte
}

type tree struct {
	fset  *token.FileSet
	files []source
}

// load parses every Go file of the repository, those of its nested modules too.
func load(t *testing.T) tree {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	tr := tree{fset: token.NewFileSet()}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (name == "testdata" || name == "bin" || name == "dist" || name[0] == '.' || name[0] == '_') {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(tr.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		tr.files = append(tr.files, source{
			path: filepath.ToSlash(rel), dir: filepath.ToSlash(filepath.Dir(rel)),
			lines: strings.Count(string(text), "\n"), test: strings.HasSuffix(name, "_test.go"),
			made: ast.IsGenerated(file), file: file, text: text,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.files) < 3 {
		t.Fatalf("found %d Go files under %s", len(tr.files), root)
	}
	return tr
}

// at says where a node is: path:line.
func (tr tree) at(s source, n ast.Node) string {
	p := tr.fset.Position(n.Pos())
	p.Filename = s.path
	p.Column = 0
	return p.String()
}

// excused reports whether list names the thing, and notes that it was used.
func (e exceptions) excused(name string) bool {
	if _, ok := e.reasons[name]; ok {
		e.used[name] = true
		return true
	}
	return false
}

// exceptions are names with the reason why a rule does not hold for them.
type exceptions struct {
	reasons map[string]string
	used    map[string]bool
}

func except(reasons map[string]string) exceptions {
	return exceptions{reasons, map[string]bool{}}
}

// stale fails the test for exceptions that nothing needs any more.
func (e exceptions) stale(t *testing.T) {
	t.Helper()
	for name := range e.reasons {
		if !e.used[name] {
			t.Errorf("the exception for %s is not needed any more: remove it", name)
		}
	}
}
