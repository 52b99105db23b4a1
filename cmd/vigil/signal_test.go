package main

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Signals that come together are one: timeout(1) sends two, and a daemon that the
// second one ended would leave its rules behind.
func TestSignalsTogether(t *testing.T) {
	// The command that testscript.Main has put on the path for the scripts.
	vigil, err := exec.LookPath("vigil")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), vigil, "replay", "-", "--output", "raw")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It listens to signals once it prints.
	if _, err := in.Write([]byte("type=USER_LOGIN msg=audit(1700000000.000:1): pid=1\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
			return
		case <-tick.C:
			_ = cmd.Process.Signal(syscall.SIGINT) // it may be gone
		}
	}
}
