package rulesd

import (
	"context"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// watchFiles returns a channel that hears of changes in the given directories and
// files, until the context ends. A directory that does not exist is waited for in
// the nearest one above it that does. What cannot be watched is left to the poll.
func watchFiles(ctx context.Context, paths []string) <-chan struct{} {
	if len(paths) == 0 {
		return nil
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil
	}
	watchAll(watcher, paths)
	changed := make(chan struct{}, 1)
	go func() {
		defer watcher.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case event, ok := <-watcher.Events:
				if !ok {
					return
				}
				// A directory or file may have come, or come back as another.
				if event.Op&(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) != 0 {
					watchAll(watcher, paths)
				}
				hint(changed)
			case _, ok := <-watcher.Errors: // too many changes at once: look at all
				if !ok {
					return
				}
				watchAll(watcher, paths)
				hint(changed)
			}
		}
	}()
	return changed
}

// watchAll watches each path, and the directory of each: editors replace files.
func watchAll(watcher *fsnotify.Watcher, paths []string) {
	for _, path := range paths {
		_ = watcher.Add(path)
		for dir := filepath.Dir(filepath.Clean(path)); ; dir = filepath.Dir(dir) {
			if watcher.Add(dir) == nil || dir == filepath.Dir(dir) {
				break
			}
		}
	}
}
