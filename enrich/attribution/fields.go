package attribution

import (
	"fmt"
	"slices"
	"strings"
)

// Fields is a set of groups of keys.
type Fields uint16

// The groups.
const (
	ContainerIDs    Fields = 1 << iota // CONTAINER_ID, CONTAINER_RUNTIME, POD_ID
	ContainerNames                     // CONTAINER_NAME, CONTAINER_IMAGE, POD_NAME, POD_NS
	ContainerDetail                    // CONTAINER_DIGEST, CONTAINER_PRIVILEGED, POD_ACCOUNT, POD_SANDBOX, POD_NODE
	Labels                             // CONTAINER_LABELS, POD_LABELS
	Entries                            // EXEC_SESSION, EXEC_VIA
	Logins                             // LOGIN_*
	Units                              // UNIT, SLICE
	Processes                          // PROC_START, VPID
	Scripts                            // SCRIPT
	Cgroups                            // CGROUP
	Ancestors                          // P1_PID, P1_COMM, P1_EXE and on
	AncestorArgs                       // P1_ARGS and on
	end

	// AllFields is every group.
	AllFields = end - 1
	// DefaultFields leaves out what a CONTAINER record tells for the whole life of a container.
	DefaultFields = AllFields &^ ContainerDetail
)

var fieldNames = [...]string{"container", "names", "detail", "labels", "exec", "login", "unit", "process", "script", "cgroup",
	"parents", "parent_args"}

// ParseFields makes a set of the names of groups, as a configuration lists them: container, names, detail, labels, exec,
// login, unit, process, script, cgroup, parents, parent_args, and all.
func ParseFields(names []string) (Fields, error) {
	var f Fields
	for _, name := range names {
		if name == "all" {
			f |= AllFields
			continue
		}
		i := slices.Index(fieldNames[:], name)
		if i < 0 {
			return 0, fmt.Errorf("parse attribution field %q: none of %s, all", name, strings.Join(fieldNames[:], ", "))
		}
		f |= 1 << i
	}
	return f, nil
}

// Names lists the groups in f.
func (f Fields) Names() []string {
	var names []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
