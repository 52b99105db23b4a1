package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"vigil/rulesd"
	"vigil/rulesd/explain"
)

// Explain says what each rule of a set catches and costs; with loaded, of those
// that the kernel has. trails are log files, oldest first, from which events are
// counted; those that do not exist are passed over.
func Explain(ctx context.Context, src Source, loaded bool, trails []string, opt Options) error {
	counts, err := countTrails(trails)
	if err != nil {
		return err
	}
	how := explain.Options{
		Names: explain.Names{User: userName, Group: groupName, Machine: src.machine()}, Counts: counts,
	}
	var rules []explain.Rule
	if loaded {
		engine, _, err := opt.connect(ctx)
		if err != nil {
			return err
		}
		defer engine.Close()
		have, err := rulesd.KernelRules(ctx, engine)
		if err != nil {
			return err
		}
		rules = explain.Rules(have, how)
	} else {
		set, _, err := src.load(rulesd.Host{})
		if err == nil {
			err = set.Err()
		}
		if err != nil {
			return err
		}
		rules = explain.Set(set, how)
	}
	if opt.JSON {
		return opt.encode(append([]explain.Rule{}, rules...))
	}
	for _, r := range rules {
		if _, err := fmt.Fprint(opt.Out, explanation(r)); err != nil {
			return err
		}
	}
	return nil
}

// explanation is one rule's paragraph.
func explanation(r explain.Rule) string {
	var text strings.Builder
	if r.File != "" {
		fmt.Fprintf(&text, "%s:%d\n", r.File, r.Line)
	}
	fmt.Fprintf(&text, "  %s\n    %s\n    engine %s, evaluated %s", r.Text, r.Words, r.Engine, r.Evaluated)
	if r.PerSecond != nil {
		fmt.Fprintf(&text, "; %s events a second", strconv.FormatFloat(*r.PerSecond, 'g', 3, 64))
		if r.SharedBy > 1 {
			fmt.Fprintf(&text, " with this key, which %d rules share", r.SharedBy)
		}
	}
	text.WriteByte('\n')
	if len(r.Twin) > 0 {
		text.WriteString("    old-style watch: every system call of the host is the slower for it. The same for less:\n")
		for _, line := range r.Twin {
			text.WriteString("      " + line + "\n")
		}
	}
	text.WriteByte('\n')
	return text.String()
}

// countTrails counts the events of all files, nil if there is none.
func countTrails(files []string) (*explain.Counts, error) {
	var counts explain.Counts
	for _, file := range files {
		f, err := os.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("count events: %w", err)
		}
		err = errors.Join(counts.Add(f), f.Close())
		if err != nil {
			return nil, err
		}
	}
	if counts.Lines == 0 {
		return nil, nil
	}
	return &counts, nil
}

func userName(id uint32) (string, bool) {
	u, err := user.LookupId(strconv.FormatUint(uint64(id), 10))
	if err != nil {
		return "", false
	}
	return u.Username, true
}

func groupName(id uint32) (string, bool) {
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(id), 10))
	if err != nil {
		return "", false
	}
	return g.Name, true
}
