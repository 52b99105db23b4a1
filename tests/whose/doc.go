// Package whose judges, on the real kernel and with real container runtimes, whom `vigil run` says that events belong to:
// container, pod, exec session, login, unit, script and forebears.
//
// It knows Vigil as a user does: it starts the binary, starts containers from a root file system that holds busybox and
// nothing else, and reads what `vigil replay` prints. The runtimes keep their files below a folder that the tests name as
// the host's root directory, so that nothing of the machine's own containers is touched.
package whose
