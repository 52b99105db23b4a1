//go:build !amd64

package e2e

import "errors"

// unregister puts machine code into a process, which is written for x86-64 alone.
func unregister(int) error { return errors.ErrUnsupported }
