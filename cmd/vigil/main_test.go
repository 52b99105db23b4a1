package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vigil": main, "auditctl": main, "augenrules": main})
}

// TestScripts runs testdata/script: one file a command, which says what people who
// use it see. Beside testscript's own, the scripts have these commands:
//
//	exits 1 vigil ...    runs a command and wants this exit status, or one of 0|1
//	usage vigil ...      wants a usage error: status 2, one line, nothing printed
//	isjson stdout        wants JSON: a document, or one a line
//	compress FILE        makes FILE.gz
//
// $LOG is a directory of audit logs, $WORK/trail a trail without damage.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			logs, err := filepath.Abs("../../audit/testdata")
			if err != nil {
				return err
			}
			e.Setenv("LOG", logs)
			return os.CopyFS(filepath.Join(e.WorkDir, "trail"), os.DirFS("../../trail/testdata/golden"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"usage":    usage,
			"isjson":   isJSON,
			"compress": compress,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS[|STATUS] COMMAND...")
	}
	if got := status(ts, args[1:]); !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func status(ts *testscript.TestScript, argv []string) int {
	err := ts.Exec(argv[0], argv[1:]...)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%v", err)
	return -1
}

// message is what every error reads like: what failed, why, what to do.
var message = regexp.MustCompile(`^vigil: .*[^.]\n$`)

func usage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: usage COMMAND...")
	}
	if got := status(ts, args); got != exitUsage {
		ts.Fatalf("exit status %d, want %d", got, exitUsage)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("a usage error prints %q", out)
	}
	if text := ts.ReadFile("stderr"); !message.MatchString(text) {
		ts.Fatalf("the error is not one line in the form of all: %q", text)
	}
}

func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: isjson FILE")
	}
	text := []byte(ts.ReadFile(args[0]))
	if json.Valid(text) {
		return
	}
	for line := range bytes.Lines(text) {
		if !json.Valid(line) {
			ts.Fatalf("not JSON: %s", line)
		}
	}
}

func compress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: compress FILE")
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(errors.Join(err, w.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".gz"), packed.Bytes(), 0o600))
}
