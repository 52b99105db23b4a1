package enrich

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Getent asks the host's name service for the users ("passwd") or groups
// ("group") with the given ids, as getent(1) does, and returns what it prints:
// lines of the database, none for ids that nobody knows. It must return soon
// after ctx is done.
type Getent func(ctx context.Context, database string, ids []string) ([]byte, error)

// What the directory keeps and how it asks.
const (
	maxRemote   = 16384            // answers kept, some 100 bytes each
	maxWaiting  = 256              // questions waiting; more are asked when seen again
	maxBatch    = 64               // questions in one run of getent
	askTimeout  = 10 * time.Second // of one run
	keepFound   = 10 * time.Minute // before a name is asked for again
	keepAbsent  = time.Minute      // before an absent name is
	askInterval = 100 * time.Millisecond
)

// Dynamic users of systemd (systemd.exec(5), DynamicUser=; UIDS-GIDS.md).
const (
	firstDynamic = 61184
	lastDynamic  = 65519
)

type databaseID uint8

const (
	users databaseID = iota
	groups
)

// String returns the database's name in nsswitch.conf and getent.
func (d databaseID) String() string {
	if d == groups {
		return "group"
	}
	return "passwd"
}

// key is one question.
type key struct {
	database databaseID
	id       uint32
}

// answer is what is known about a key.
type answer struct {
	name       name
	found      bool
	waiting    bool   // the key is in the queue
	generation uint64 // of the directory when it was asked
	until      int64  // when to ask again, in nanoseconds
}

// directory knows the names that are not in the files. It answers from its
// cache, and run asks for what is missing.
type directory struct {
	runtime string
	getent  Getent // nil if nobody is to be asked
	logger  *slog.Logger
	queue   chan key

	// What find needs to know before it takes the lock.
	running atomic.Bool
	remote  [2]atomic.Bool // sources other than files are named, by database
	dynamic atomic.Bool    // systemd is

	mu         sync.Mutex
	generation uint64 // grows when what was asked before no longer counts
	answers    map[key]answer
}

func newDirectory(cfg Config) *directory {
	d := &directory{
		runtime: cfg.Runtime,
		getent:  cfg.Getent,
		logger:  cfg.Logger,
		queue:   make(chan key, maxWaiting),
		answers: make(map[key]answer),
	}
	if d.getent == nil && cfg.Etc == "/etc" {
		d.getent = runGetent
	}
	return d
}

// configure reads nsswitch.conf.
func (d *directory) configure(text []byte) {
	dynamic := false
	for _, database := range []databaseID{users, groups} {
		remote := false
		for _, source := range sources(text, database.String()) {
			switch source {
			case "files", "compat":
			case "systemd":
				dynamic = true
			default:
				remote = true
			}
		}
		d.remote[database].Store(remote && d.getent != nil)
	}
	d.dynamic.Store(dynamic)
	d.forget()
}

// forget makes everything be asked for again.
func (d *directory) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation++
}

// find returns what is known and asks for the rest: an old answer is better than
// none.
func (d *directory) find(k key, now int64) (name, bool) {
	if !d.running.Load() || !d.remote[k.database].Load() && !d.isDynamic(k) {
		return name{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.answers[k]
	if a.waiting || ok && a.generation == d.generation && now < a.until {
		return a.name, a.found
	}
	if !ok && len(d.answers) >= maxRemote {
		clear(d.answers)
	}
	select {
	case d.queue <- k:
		a.waiting = true
		d.answers[k] = a
	default:
	}
	return a.name, a.found
}

func (d *directory) isDynamic(k key) bool {
	return k.id >= firstDynamic && k.id <= lastDynamic && d.dynamic.Load()
}

// run asks for what find has queued until ctx is done.
func (d *directory) run(ctx context.Context) {
	d.running.Store(true)
	defer d.running.Store(false)
	for {
		select {
		case <-ctx.Done():
			return
		case k := <-d.queue:
			d.ask(ctx, d.batch(k))
		}
		// A pause bounds what a flood of strange ids costs.
		select {
		case <-ctx.Done():
			return
		case <-time.After(askInterval):
		}
	}
}

// batch returns k and what else is queued.
func (d *directory) batch(k key) []key {
	batch := []key{k}
	for len(batch) < maxBatch {
		select {
		case k := <-d.queue:
			batch = append(batch, k)
		default:
			return batch
		}
	}
	return batch
}

// ask finds the names of the keys and keeps them, and what was not found.
func (d *directory) ask(ctx context.Context, batch []key) {
	found := make(map[key]name)
	d.mu.Lock()
	generation := d.generation
	d.mu.Unlock()
	d.askSystemd(batch, found)
	for _, database := range []databaseID{users, groups} {
		if err := d.askGetent(ctx, database, batch, found); err != nil && ctx.Err() == nil {
			d.logger.Warn("cannot ask the directory service for names", "err", err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, k := range batch {
		a := answer{generation: generation, until: now.Add(keepAbsent).UnixNano()}
		if a.name, a.found = found[k]; a.found && !d.isDynamic(k) {
			a.until = now.Add(keepFound).UnixNano()
		}
		d.answers[k] = a
	}
}

// askSystemd finds the names of dynamic users: systemd keeps a symbolic link
// from direct:UID to the name (src/core/dynamic-user.c).
func (d *directory) askSystemd(batch []key, found map[key]name) {
	for _, k := range batch {
		if !d.isDynamic(k) {
			continue
		}
		link := filepath.Join(d.runtime, "dynamic-uid", "direct:"+strconv.FormatUint(uint64(k.id), 10))
		if text, err := os.Readlink(link); err == nil && text != "" && len(text) <= 256 {
			found[k] = newName(text)
		}
	}
}

// askGetent asks for those of the batch that belong to the database and are not
// found yet.
func (d *directory) askGetent(ctx context.Context, database databaseID, batch []key, found map[key]name) error {
	if !d.remote[database].Load() {
		return nil
	}
	var ids []string
	for _, k := range batch {
		if _, ok := found[k]; !ok && k.database == database {
			ids = append(ids, strconv.FormatUint(uint64(k.id), 10))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := d.getent(ctx, database.String(), ids)
	if err != nil {
		return err
	}
	for id, text := range parseNames(out, database == users) {
		if k := (key{database, id}); slices.Contains(batch, k) {
			found[k] = text
		}
	}
	return nil
}

// runGetent is the Getent that runs the host's program.
func runGetent(ctx context.Context, database string, ids []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "getent", append([]string{database}, ids...)...)
	out := limited{room: maxFile}
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	// Exit status 2: one or more of the keys could not be found.
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("run getent %s: %w", database, err)
	}
	return out.text, nil
}

// limited keeps what is written to it up to a size, and fails then.
type limited struct {
	text []byte
	room int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.room {
		return 0, errors.New("too much output")
	}
	l.room -= len(p)
	l.text = append(l.text, p...)
	return len(p), nil
}
