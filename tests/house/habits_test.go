package house

import (
	"bytes"
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// sleepers are test files that may call time.Sleep, each with its reason.
var sleepers = except(map[string]string{
	"audit/kernel/engine_test.go": "waits for the real kernel, which has a clock of its own",
})

func TestHabits(t *testing.T) {
	tr := load(t)
	for _, s := range tr.files {
		function := ""
		ast.Inspect(s.file, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok {
				function = f.Name.Name
				if f.Recv == nil && function == "init" {
					t.Errorf("%s: init runs before anybody asked: make it a call", tr.at(s, f))
				}
			}
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if name := called(call); forbidden(function, name) {
				t.Errorf("%s: %s is called outside of main", tr.at(s, call), name)
			}
			if called(call) == "time.Sleep" && s.test && !bubbled(s) && !sleepers.excused(s.path) {
				t.Errorf("%s: a test sleeps: use testing/synctest, or wait for the thing itself", tr.at(s, call))
			}
			return true
		})
	}
	sleepers.stale(t)
}

// bubbled reports whether a test file works with testing/synctest, in whose bubbles sleeping costs nothing.
func bubbled(s source) bool {
	for _, imp := range s.file.Imports {
		if imp.Path.Value == `"testing/synctest"` {
			return true
		}
	}
	return false
}

// forbidden reports whether a call of name ends the process behind the caller's back. main and TestMain alone may.
func forbidden(function, name string) bool {
	return function != "main" && function != "TestMain" &&
		(name == "os.Exit" || strings.HasPrefix(name, "log.Fatal") || strings.HasPrefix(name, "log.Panic"))
}

func called(call *ast.CallExpr) string {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := f.X.(*ast.Ident); ok {
		return x.Name + "." + f.Sel.Name
	}
	return ""
}

// TestNothingLeftOver looks for notes to oneself and for prints of somebody who was debugging.
func TestNothingLeftOver(t *testing.T) {
	notes := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	for _, s := range load(t).files {
		for _, at := range notes.FindAllIndex(s.text, -1) {
			if line := 1 + bytes.Count(s.text[:at[0]], []byte("\n")); !s.made {
				t.Errorf("%s:%d: %s: do it, or write an issue", s.path, line, s.text[at[0]:at[1]])
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && (f.Name == "println" || f.Name == "print") {
					t.Errorf("%s: %s left over", s.path, f.Name)
				}
			}
			return true
		})
	}
}
