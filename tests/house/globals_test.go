package house

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// globals are package-level variables that no rule below excuses and that stay, each with its reason. Names: path:name.
var globals = except(map[string]string{})

// TestNoGlobals allows what cannot change or is a table by its look: errors.New sentinels, compiled regular expressions,
// embedded files, composite literals of tables, and assertions with a blank name. That nobody writes to such a table is
// held by the second half: no assignment to a package-level variable anywhere in its package.
func TestNoGlobals(t *testing.T) {
	tr := load(t)
	names := map[string]map[string]bool{} // folder -> package-level variables
	for _, s := range tr.files {
		if s.test {
			continue
		}
		for _, decl := range s.file.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if name.Name == "_" {
						continue
					}
					if names[s.dir] == nil {
						names[s.dir] = map[string]bool{}
					}
					names[s.dir][name.Name] = true
					if !constant(d, v, i) && !s.made && !globals.excused(s.path+":"+name.Name) {
						t.Errorf("%s: package-level variable %s: pass it in, or make it a table", tr.at(s, name), name.Name)
					}
				}
			}
		}
	}
	for _, s := range tr.files {
		if !s.test {
			writes(s.file, names[s.dir], func(n ast.Node, name string) {
				t.Errorf("%s: package-level variable %s is written to", tr.at(s, n), name)
			})
		}
	}
	globals.stale(t)
}

// constant reports whether the variable is one that stays as it is made.
func constant(d *ast.GenDecl, v *ast.ValueSpec, i int) bool {
	for _, doc := range []*ast.CommentGroup{d.Doc, v.Doc} {
		if doc != nil {
			for _, c := range doc.List {
				if strings.HasPrefix(c.Text, "//go:embed ") {
					return true
				}
			}
		}
	}
	if i >= len(v.Values) {
		return false
	}
	switch value := v.Values[i].(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		switch f := value.Fun.(type) {
		case *ast.SelectorExpr:
			x, ok := f.X.(*ast.Ident)
			return ok && (x.Name == "errors" && f.Sel.Name == "New" ||
				x.Name == "regexp" && f.Sel.Name == "MustCompile" ||
				x.Name == "strings" && f.Sel.Name == "NewReplacer")
		case *ast.ArrayType: // []byte("...")
			return true
		case *ast.FuncLit: // a table built once, in place
			return true
		}
	case *ast.SelectorExpr: // another name for a value of the standard library, such as binary.NativeEndian
		x, ok := value.X.(*ast.Ident)
		return ok && x.Name == "binary"
	case *ast.UnaryExpr:
		_, ok := value.X.(*ast.CompositeLit)
		return ok
	}
	return false
}

// writes calls found for each assignment in file whose target's root is one of names and is not shadowed. Shadowing
// is judged by function: a name that a function declares is taken as its own throughout.
func writes(file *ast.File, names map[string]bool, found func(ast.Node, string)) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		own := map[string]bool{}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok == token.DEFINE {
					for _, x := range n.Lhs {
						own[root(x)] = true
					}
				}
			case *ast.RangeStmt:
				if n.Tok == token.DEFINE {
					own[root(n.Key)], own[root(n.Value)] = true, true
				}
			case *ast.ValueSpec:
				for _, x := range n.Names {
					own[x.Name] = true
				}
			case *ast.Field:
				for _, x := range n.Names {
					own[x.Name] = true
				}
			}
			return true
		})
		check := func(n ast.Node, x ast.Expr) {
			if name := root(x); names[name] && !own[name] {
				found(n, name)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, x := range n.Lhs {
						check(n, x)
					}
				}
			case *ast.IncDecStmt:
				check(n, n.X)
			}
			return true
		})
	}
}

// root is the identifier that x, a target of an assignment, begins with; "" when it begins otherwise.
func root(x ast.Expr) string {
	for {
		switch e := x.(type) {
		case *ast.Ident:
			return e.Name
		case *ast.IndexExpr:
			x = e.X
		case *ast.SelectorExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.ParenExpr:
			x = e.X
		default:
			return ""
		}
	}
}
