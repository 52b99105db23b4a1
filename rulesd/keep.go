package rulesd

import (
	"bytes"
	"context"
	"errors"
	"time"
)

// KeeperConfig says how a Keeper works. Load, Kernel and Report must be set.
type KeeperConfig struct {
	// Load reads the wanted set anew, and says what is wrong with the files.
	Load func(ctx context.Context) (*Set, error)
	// Kernel is where the rules are.
	Kernel Kernel
	// Report is told what happened. It is called by Run, one call at a time.
	Report func(Event)
	// Paths are the directories and files to watch for changes. None: changes of
	// files are found by the poll alone.
	Paths []string
	// Leave leaves changes that somebody else made as they are, and reports them.
	Leave bool
	// Quiet is how long files must rest before a change of theirs is applied.
	// Default: 1 s.
	Quiet time.Duration
	// Settle is how long after a hint the kernel's list is looked at. Default:
	// 200 ms.
	Settle time.Duration
	// Poll is how often the kernel's list and the files are looked at without a
	// hint. Default: 1 min.
	Poll time.Duration
}

// EventKind says what a Keeper reports.
type EventKind uint8

// Kinds of events.
const (
	// Applied: the files had changed, and the kernel has their rules now.
	Applied EventKind = iota + 1
	// Rejected: the files have changed, and Err is what is wrong with them or
	// why the kernel would not have them. The kernel's rules are as they were.
	Rejected
	// Repaired: somebody else had changed the kernel's rules; it was undone.
	Repaired
	// Left: somebody else has changed the kernel's rules; it was left so.
	Left
	// Locked: the kernel's rules differ, and cannot be changed before the next
	// boot.
	Locked
	// Failed: the kernel's rules could not be looked at, or repaired.
	Failed
)

// String returns the kind's name in lower case.
func (k EventKind) String() string {
	switch k {
	case Applied:
		return "applied"
	case Rejected:
		return "rejected"
	case Repaired:
		return "repaired"
	case Left:
		return "left"
	case Locked:
		return "locked"
	case Failed:
		return "failed"
	}
	return "unknown"
}

// Event is something that a Keeper did or saw.
type Event struct {
	Kind EventKind
	Set  *Set  // the wanted set; nil if it could not be read
	Diff *Diff // what was missing in the kernel (Added) and what was too much (Removed); may be nil
	// Change is what was done, nil if nothing was.
	Change *Change
	Err    error
}

// Keeper keeps the kernel's rules as the files say, from the moment that both
// agree. It changes nothing before it is told of a change, or sees one.
type Keeper struct {
	cfg    KeeperConfig
	kernel chan struct{} // hints that the kernel's list has changed
	reload chan struct{} // requests to read the files now
	files  func(ctx context.Context, paths []string) <-chan struct{}

	wanted  *Set      // the last set that could be loaded
	bad     string    // what was said of the files last, so that it is said once
	said    string    // the last Left, Locked or Failed, likewise
	repairs int       // in a row, for the delay of the next one
	last    time.Time // of the last repair
}

// NewKeeper makes a Keeper of a set that the kernel has already. Nothing runs
// before Run.
func NewKeeper(cfg KeeperConfig, loaded *Set) *Keeper {
	setDefault(&cfg.Quiet, time.Second)
	setDefault(&cfg.Settle, 200*time.Millisecond)
	setDefault(&cfg.Poll, time.Minute)
	return &Keeper{
		cfg: cfg, wanted: loaded, files: watchFiles,
		kernel: make(chan struct{}, 1), reload: make(chan struct{}, 1),
	}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// ConcernsRules reports whether a CONFIG_CHANGE record says that a rule came or
// went. text is the record's, after the stamp.
func ConcernsRules(text []byte) bool {
	return bytes.Contains(text, []byte("op=add_rule")) || bytes.Contains(text, []byte("op=remove_rule"))
}

// KernelChanged tells the Keeper that the kernel's list may have changed: see
// ConcernsRules. It never waits.
func (k *Keeper) KernelChanged() { hint(k.kernel) }

// Reload tells the Keeper to read the files at once. It never waits.
func (k *Keeper) Reload() { hint(k.reload) }

func hint(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run keeps the rules until the context ends, and returns its error.
func (k *Keeper) Run(ctx context.Context) error {
	files := k.files(ctx, k.cfg.Paths)
	poll := time.NewTicker(k.cfg.Poll)
	defer poll.Stop()
	quiet := stoppedTimer()
	settle := stoppedTimer()
	changing := false // the files have changed, and are not at rest yet
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-files:
			changing = true
			quiet.Reset(k.cfg.Quiet)
		case <-k.reload:
			changing = false
			quiet.Stop()
			k.check(ctx)
		case <-quiet.C:
			changing = false
			k.check(ctx)
		case <-k.kernel:
			settle.Reset(k.pause())
		case <-settle.C:
			if changing {
				k.compare(ctx, k.wanted, false) // the files are being written
			} else {
				k.check(ctx)
			}
		case <-poll.C:
			k.check(ctx)
		}
	}
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// pause is how long to wait after a hint: longer and longer, up to the poll's
// time, while somebody undoes every repair at once.
func (k *Keeper) pause() time.Duration {
	if time.Since(k.last) > k.cfg.Poll {
		k.repairs = 0
	}
	const patience = 3 // repairs in a row at full speed
	pause := k.cfg.Settle
	for n := patience; n < k.repairs && pause < k.cfg.Poll; n++ {
		pause *= 2
	}
	return min(pause, k.cfg.Poll)
}

// check reads the files and compares.
func (k *Keeper) check(ctx context.Context) {
	set, err := k.cfg.Load(ctx)
	if err == nil {
		err = set.Err()
	}
	if err != nil {
		if k.bad != err.Error() {
			k.bad = err.Error()
			k.cfg.Report(Event{Kind: Rejected, Set: set, Err: err})
		}
		set = k.wanted // the kernel keeps what was good
	} else {
		k.bad = ""
	}
	k.compare(ctx, set, set != nil && (k.wanted == nil || !sameRules(k.wanted, set)))
}

// compare looks at the kernel and mends what differs from a set, which may have
// changed since the last time.
func (k *Keeper) compare(ctx context.Context, set *Set, changed bool) {
	if set == nil || ctx.Err() != nil {
		return
	}
	diff, err := set.Diff(ctx, k.cfg.Kernel)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		k.say(Event{Kind: Failed, Set: set, Err: err})
	case diff.Empty():
		k.agree(set, changed, diff)
	case changed:
		k.apply(ctx, set, diff)
	case k.cfg.Leave:
		k.say(Event{Kind: Left, Set: set, Diff: diff})
	default:
		k.repair(ctx, set, diff)
	}
}

// agree notes that the kernel has what it should.
func (k *Keeper) agree(set *Set, changed bool, diff *Diff) {
	if changed || !sameSettings(&k.wanted.Settings, &set.Settings) {
		k.cfg.Report(Event{Kind: Applied, Set: set, Diff: diff})
	}
	k.wanted, k.said = set, ""
}

// apply loads changed files.
func (k *Keeper) apply(ctx context.Context, set *Set, diff *Diff) {
	change, err := set.Apply(ctx, k.cfg.Kernel)
	switch {
	case errors.Is(err, ErrLocked):
		k.say(Event{Kind: Locked, Set: set, Diff: diff, Err: err})
	case err != nil:
		k.say(Event{Kind: Rejected, Set: set, Diff: diff, Err: err})
	default:
		k.wanted, k.said = set, ""
		k.cfg.Report(Event{Kind: Applied, Set: set, Diff: diff, Change: change})
	}
}

// repair undoes what somebody else did.
func (k *Keeper) repair(ctx context.Context, set *Set, diff *Diff) {
	change, err := set.Apply(ctx, k.cfg.Kernel)
	switch {
	case errors.Is(err, ErrLocked):
		k.say(Event{Kind: Locked, Set: set, Diff: diff, Err: err})
	case err != nil:
		k.say(Event{Kind: Failed, Set: set, Diff: diff, Err: err})
	case change.Requests == 0:
		k.said = "" // what is missing this host cannot have
	default:
		k.repairs++
		k.last = time.Now()
		k.said = ""
		k.cfg.Report(Event{Kind: Repaired, Set: set, Diff: diff, Change: change})
	}
}

// say reports what stays true until something changes, once.
func (k *Keeper) say(e Event) {
	text := e.Kind.String()
	if e.Err != nil {
		text += e.Err.Error()
	}
	if e.Diff != nil {
		for _, added := range e.Diff.Added {
			text += "\n" + string(added.Rule.ID())
		}
		for _, r := range e.Diff.Removed {
			text += "\n" + string(r.ID())
		}
	}
	if text != k.said {
		k.said = text
		k.cfg.Report(e)
	}
}

// sameRules reports whether two sets load the same rules in the same order.
func sameRules(a, b *Set) bool {
	if len(a.Entries) != len(b.Entries) {
		return false
	}
	for i := range a.Entries {
		if !a.Entries[i].Rule.Equal(&b.Entries[i].Rule) {
			return false
		}
	}
	return true
}

// sameSettings reports whether two sets set the same.
func sameSettings(a, b *Settings) bool {
	same := func(x, y *uint32) bool { return (x == nil) == (y == nil) && (x == nil || *x == *y) }
	return same(a.Backlog, b.Backlog) && same(a.Failure, b.Failure) && same(a.Rate, b.Rate) &&
		same(a.BacklogWait, b.BacklogWait) && same(a.Enabled, b.Enabled) && a.LoginuidImmutable == b.LoginuidImmutable
}
