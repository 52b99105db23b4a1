package setting

import (
	"fmt"
	"os/user"
	"strconv"
)

// GroupID finds a group by name or number. The error says what to do.
func GroupID(name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil && id >= 0 {
		return id, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("find group %q: %w: name one that exists, or root", name, err)
	}
	return strconv.Atoi(g.Gid)
}
