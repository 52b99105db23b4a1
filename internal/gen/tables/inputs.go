package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// inputs is what the generator reads.
type inputs struct {
	unixDir string           // directory of golang.org/x/sys/unix
	audit   map[string]int64 // AUDIT_* constants of the kernel's headers
}

// readInputs locates x/sys in the module cache and reads what all tables share.
func readInputs() (*inputs, error) {
	cmd := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix")
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("locate golang.org/x/sys/unix: %w", err)
	}
	in := &inputs{unixDir: string(bytes.TrimSpace(out))}
	in.audit, err = in.constants("zerrors_linux.go", "AUDIT_", "")
	return in, err
}

// constants returns the integer constants with the prefix that a file of
// x/sys/unix declares: plain literals or, if conversion is not empty, literals
// converted by it, as in syscall.Errno(0x1). The names keep no prefix.
func (in *inputs) constants(file, prefix, conversion string) (map[string]int64, error) {
	path := filepath.Join(in.unixDir, file)
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return nil, fmt.Errorf("parse constants: %w", err)
	}
	found := make(map[string]int64)
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != len(spec.Names) {
			return true
		}
		for i, name := range spec.Names {
			short, ok := strings.CutPrefix(name.Name, prefix)
			if !ok {
				continue
			}
			if v, ok := literal(spec.Values[i], conversion); ok {
				found[short] = v
			}
		}
		return true
	})
	if len(found) == 0 {
		return nil, fmt.Errorf("parse constants: no %s* in %s", prefix, path)
	}
	return found, nil
}

func literal(e ast.Expr, conversion string) (int64, bool) {
	if conversion != "" {
		call, ok := e.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			return 0, false
		}
		if fun, ok := call.Fun.(*ast.SelectorExpr); !ok || fun.Sel.Name != conversion {
			return 0, false
		}
		e = call.Args[0]
	}
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.INT {
		return 0, false
	}
	v, err := strconv.ParseInt(lit.Value, 0, 64)
	return v, err == nil
}
