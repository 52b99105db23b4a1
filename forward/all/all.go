// Package all lists the kinds of sinks there are.
package all

import (
	"vigil/forward"
	"vigil/forward/sinks/file"
	"vigil/forward/sinks/http"
	"vigil/forward/sinks/program"
	"vigil/forward/sinks/syslog"
	"vigil/forward/sinks/unix"
)

// Kinds returns every kind, in the order in which they are shown.
func Kinds() forward.Kinds {
	return forward.Kinds{
		syslog.Kind(),
		file.Kind(),
		http.Kind(),
		program.Kind(),
		unix.Kind(),
	}
}
