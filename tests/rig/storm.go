package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Storm is one run of the storm generator.
type Storm struct {
	Kind      string // open or exec
	UID       int    // whose calls these are; the rules select it
	GID       int
	Processes int
	Count     int  // calls of each process
	Variants  bool // exec: command lines as Argv says
}

// Result is what the generator reports.
type Result struct {
	Kind    string  `json:"kind"`
	Count   int     `json:"count"`  // calls of all processes
	Failed  int     `json:"failed"` // of them, those that did not succeed
	Seconds float64 `json:"seconds"`
}

// Rule is the audit rule that selects the storm's calls and nothing else on the machine.
func (s Storm) Rule() string {
	call := map[string]string{"open": "openat", "exec": "execve"}[s.Kind]
	return fmt.Sprintf("-a always,exit -F arch=b64 -S %s -F uid=%d -k storm-%s", call, s.UID, s.Kind)
}

// Run makes the storm and waits for its end.
func (s Storm) Run(ctx context.Context, tools Tools) (Result, error) {
	args := []string{s.Kind, "-u", strconv.Itoa(s.UID), "-g", strconv.Itoa(s.GID), "-p", strconv.Itoa(s.Processes),
		"-n", strconv.Itoa(s.Count), "-x", tools.Tiny}
	if s.Variants {
		args = append(args, "-v")
	}
	cmd := exec.CommandContext(ctx, tools.Storm, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return Result{}, fmt.Errorf("run %s storm: %w: %s", s.Kind, err, &stderr)
	}
	var result Result
	if err := json.Unmarshal(out, &result); err != nil {
		return Result{}, fmt.Errorf("read %s storm's report: %w", s.Kind, err)
	}
	if result.Failed > 0 {
		return result, errors.New("run storm: some calls failed")
	}
	return result, nil
}

// Argv is the command line of exec number i of process p, as storm.c makes it.
func Argv(tools Tools, p, i int, variants bool) []string {
	argv := []string{tools.Tiny, fmt.Sprintf("%d.%d", p, i)}
	if !variants {
		return argv
	}
	switch i % 500 {
	case 0:
		return append(argv, "", "after")
	case 1:
		return append(argv, strings.Repeat("L", 7499))
	case 2:
		return append(argv, "gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac \xff")
	case 3:
		for len(argv) < 2048 {
			argv = append(argv, "x")
		}
	case 4:
		return append(argv, "a\nb\"c\x1dd")
	}
	return argv
}
