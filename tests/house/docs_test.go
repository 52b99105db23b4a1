package house

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

func TestPackageDocs(t *testing.T) {
	docs := map[string][]string{}
	packages := map[string]string{}
	for _, s := range load(t).files {
		if s.test {
			continue
		}
		packages[s.dir] = s.file.Name.Name
		if s.file.Doc == nil {
			continue
		}
		text := s.file.Doc.Text()
		docs[s.dir] = append(docs[s.dir], s.path)
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command " + s.dir[strings.LastIndexByte(s.dir, '/')+1:] + " "
		}
		if !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package comment begins %.40q, want %q", s.path, text, want)
		}
	}
	for dir := range packages {
		if len(docs[dir]) != 1 {
			t.Errorf("%s has %d package comments %v, want one", dir, len(docs[dir]), docs[dir])
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	tr := load(t)
	for _, s := range tr.files {
		if s.test || s.made || s.file.Name.Name == "main" {
			continue
		}
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && !saysItself(d) {
					t.Errorf("%s: %s has no comment", tr.at(s, d), d.Name.Name)
				}
			case *ast.GenDecl:
				undocumented(d, func(name *ast.Ident) {
					t.Errorf("%s: %s has no comment", tr.at(s, name), name.Name)
				})
			}
		}
	}
}

// saysItself reports whether f is a method of the error interface, which has nothing to add to its name.
func saysItself(f *ast.FuncDecl) bool {
	return f.Recv != nil && (f.Name.Name == "Error" || f.Name.Name == "Unwrap")
}

// undocumented calls found for every exported type, constant and variable that no comment explains: neither its
// own, nor one at its line's end, nor the group's.
func undocumented(d *ast.GenDecl, found func(*ast.Ident)) {
	if d.Tok == token.IMPORT {
		return
	}
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if spec.Name.IsExported() && spec.Doc == nil && spec.Comment == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				found(spec.Name)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if name.IsExported() && spec.Doc == nil && spec.Comment == nil && d.Doc == nil {
					found(name)
				}
			}
		}
	}
}

// exportedReceiver reports whether f is a function or a method of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	typ := f.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return true
		}
	}
}
