package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// maxGather keeps the promise that a record is on disk within 20 ms: what is
// left of them pays for reading and writing.
const maxGather = 15 * time.Millisecond

// check finds values that have the right type and still cannot be meant.
func (c *Config) check(file string) error {
	fail := func(format string, args ...any) error {
		return &Error{File: file, What: fmt.Sprintf(format, args...)}
	}
	incremental := c.Trail.Flush.Mode == FlushIncremental || c.Trail.Flush.Mode == FlushIncrementalAsync
	switch {
	case !filepath.IsAbs(c.Trail.Path):
		return fail("trail.path %q is not an absolute path", c.Trail.Path)
	case strings.HasSuffix(c.Trail.Path, "/"):
		return fail("trail.path %q is a directory: name the file, like %saudit.log", c.Trail.Path, c.Trail.Path)
	case c.Trail.Files > 999:
		return fail("trail.files is %d: at most 999", c.Trail.Files)
	case incremental && c.Trail.Flush.Records == 0:
		return fail("trail.flush.records is 0: the %s mode wants a number of records, like 50", c.Trail.Flush.Mode)
	case time.Duration(c.Source.Gather) > maxGather:
		return fail("source.gather is %s: at most %s, because a record is to be on disk within 20 ms", c.Source.Gather, maxGather)
	case c.Source.ReceiveBuffer > 1<<30:
		return fail("source.receive_buffer is %s: the kernel takes at most 1GiB", c.Source.ReceiveBuffer)
	case strings.ContainsAny(c.Node.Name, " \t\n\x1d\"") || c.Node.Name == "":
		return fail("node.name %q has a blank in it or is empty: write none for no name", c.Node.Name)
	case !filepath.IsAbs(c.Node.Root):
		return fail("node.root %q is not an absolute path: write / unless the host's files are mounted elsewhere", c.Node.Root)
	}
	if c.Metrics.Listen != "" {
		if _, port, err := net.SplitHostPort(c.Metrics.Listen); err != nil || port == "" {
			return fail("metrics.listen %q: write it like 127.0.0.1:9464", c.Metrics.Listen)
		}
	}
	if fault := c.checkSinks(); fault != "" {
		return fail("%s", fault)
	}
	for _, dir := range c.Rules.Dirs {
		if !filepath.IsAbs(dir) {
			return fail("rules.dirs: %q is not an absolute path", dir)
		}
	}
	return nil
}
