// Package e2e proves Vigil on the real kernel, from outside: it runs the binary, makes events, and judges what lies in
// the trail with stock ausearch and aureport and with a few lines of its own.
//
// Its tests need root, the kernel's audit engine (which they take under a lock and put back), gcc, and the Debian package
// auditd; where one is missing they skip and name it, but not as root under CI=true. With -short, or with VIGIL_E2E_EVENTS
// set to a number, the storms are smaller. VIGIL_E2E_BINARY names a vigil to test instead of one built from here.
package e2e
