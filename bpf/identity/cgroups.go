package identity

// cgroups are the paths of control groups by the kernel's key. One is kept as long as the cgroup exists and after that
// as long as a process that was in it is remembered.
type cgroups struct {
	byKey map[uint64]int32
	all   pool[cgroup]
}

type cgroup struct {
	key   uint64
	path  string // "" until it is told
	refs  int32
	gone  bool
	stale bool // told before the last loss
}

// hold returns the index of key's path for somebody who will drop it; 0 for no cgroup.
func (c *cgroups) hold(key uint64) int32 {
	if key == 0 {
		return 0
	}
	i := c.find(key)
	c.all.at(i).refs++
	return i
}

func (c *cgroups) find(key uint64) int32 {
	i, ok := c.byKey[key]
	if !ok {
		i = c.all.get()
		*c.all.at(i) = cgroup{key: key}
		c.byKey[key] = i
	}
	return i
}

func (c *cgroups) drop(i int32) {
	if i == 0 {
		return
	}
	g := c.all.at(i)
	g.refs--
	c.release(i, g)
}

func (c *cgroups) release(i int32, g *cgroup) {
	if g.refs > 0 || !g.gone {
		return
	}
	delete(c.byKey, g.key)
	*g = cgroup{}
	c.all.put(i)
}

// tell notes the path of a cgroup, which may be a new one after a rename.
func (c *cgroups) tell(p path) {
	g := c.all.at(c.find(p.key))
	g.gone, g.stale = false, false
	if g.path != p.path {
		g.path = p.path
	}
}

// remove notes that the cgroup does not exist any more.
func (c *cgroups) remove(key uint64) {
	if i, ok := c.byKey[key]; ok {
		g := c.all.at(i)
		g.gone = true
		c.release(i, g)
	}
}

func (c *cgroups) path(i int32) string {
	if i == 0 {
		return ""
	}
	return c.all.at(i).path
}

func (c *cgroups) key(i int32) uint64 {
	if i == 0 {
		return 0
	}
	return c.all.at(i).key
}

// doubt marks every path: removals may have been lost. What is not told again until believe is called, and in which no
// process is remembered, is forgotten then.
func (c *cgroups) doubt() {
	for _, i := range c.byKey {
		c.all.at(i).stale = true
	}
}

func (c *cgroups) believe() {
	for _, i := range c.byKey {
		if g := c.all.at(i); g.stale {
			g.gone = true
			c.release(i, g)
		}
	}
}
