package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"sync"

	"vigil/audit"
	"vigil/enrich/attribution"
	"vigil/search"
)

// containers completes events from the CONTAINER records of the logs that are
// searched. Those are read once more for it: before the search if the condition asks
// for what they tell, otherwise when the first event comes that lacks it.
type containers struct {
	ctx   context.Context
	known *attribution.Completer
}

// asksContainers reports whether a condition may ask for what CONTAINER records tell.
func asksContainers(condition string) bool {
	for _, prefix := range []string{"container.", "k8s.", "vigil.pod"} {
		if strings.Contains(condition, prefix) {
			return true
		}
	}
	return false
}

// learn reads the CONTAINER records of the logs that can be read twice: those of the
// files in which the search is, since each begins with one for every container that
// lives. What cannot be read is not known: the search itself will say so.
func (f *finder) learn(ctx context.Context) {
	if f.known != nil {
		return
	}
	f.known = attribution.NewCompleter(0)
	var files []search.Log
	for _, l := range f.logs {
		if l.Stream == nil && !slices.ContainsFunc(l.Files, isOdd) {
			files = append(files, l)
		}
	}
	var mu sync.Mutex
	_, _ = search.Blocks(ctx, files, search.Options{Range: f.options.Range, WholeFiles: true}, func(_ int, b search.Block) error {
		for text := b.Bytes; ; {
			at := bytes.Index(text, []byte("type=CONTAINER "))
			if at < 0 {
				return nil
			}
			begin := bytes.LastIndexByte(text[:at], '\n') + 1
			line, rest, _ := bytes.Cut(text[begin:], []byte{'\n'})
			if r, err := audit.ParseLine(line); err == nil {
				mu.Lock()
				f.known.Observe(r)
				mu.Unlock()
			}
			text = rest
		}
	})
}

// isOdd reports whether a file is none that can be read twice, such as a pipe.
func isOdd(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular()
}

// complete adds to an event what is known of its container.
func (f *finder) complete(ev *audit.Event) {
	if f.known == nil {
		if !lacksNames(ev) {
			return
		}
		f.learn(f.ctx)
	}
	f.known.Complete(ev)
}

// lacksNames reports whether an event bears the id of a container and not its name.
func lacksNames(ev *audit.Event) bool {
	for i := range ev.Records {
		extra := ev.Records[i].Enrichment
		if bytes.Contains(extra, []byte(attribution.KeyContainerID+"=")) && !bytes.Contains(extra, []byte(attribution.KeyContainerName+"=")) {
			return true
		}
	}
	return false
}
