package enrich

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"vigil/audit/tables"
)

// Config says where names come from. Its zero value is good for the host itself.
type Config struct {
	// Etc is the directory of passwd, group and nsswitch.conf; /etc if empty. With
	// another one, names are those in the files and in no directory service.
	Etc string
	// Runtime is systemd's directory, for the users that it makes for the time a
	// service runs; /run/systemd if empty.
	Runtime string
	// Getent asks the host's directory services in Run; the program getent if
	// nil.
	Getent Getent
	// Logger gets what is wrong with the files, once for each change; nothing is
	// logged if nil.
	Logger *slog.Logger
}

// Names knows the names of users and groups. It reads the files of the host, and
// asks a directory service (sssd, LDAP) in the background, in Run.
//
// All methods may be called at once from several goroutines. Looking a name up
// takes no system call and waits for nothing.
type Names struct {
	etc      string
	logger   *slog.Logger
	files    atomic.Pointer[database]
	devices  atomic.Pointer[map[uint32]string]
	remote   *directory
	now      atomic.Int64 // time of the last Refresh, in nanoseconds
	wantLink atomic.Int64 // time when a device was last asked for

	mu     sync.Mutex // guards the rest
	passwd file
	group  file
	nss    file
	failed string // the last error logged
}

// database is what the files held. It does not change.
type database struct {
	users, groups map[uint32]name
}

// NewNames reads the files. What cannot be read is logged and has no names.
func NewNames(cfg Config) *Names {
	if cfg.Etc == "" {
		cfg.Etc = "/etc"
	}
	if cfg.Runtime == "" {
		cfg.Runtime = "/run/systemd"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	n := &Names{
		etc:    cfg.Etc,
		logger: cfg.Logger,
		remote: newDirectory(cfg),
		passwd: file{path: filepath.Join(cfg.Etc, "passwd")},
		group:  file{path: filepath.Join(cfg.Etc, "group")},
		nss:    file{path: filepath.Join(cfg.Etc, "nsswitch.conf")},
	}
	n.files.Store(&database{})
	n.reload(time.Now())
	n.loadDevices()
	return n
}

// refreshEvery is how often Refresh looks at the files.
const refreshEvery = time.Second

// Refresh reads the files again if they changed. It looks at most once a second
// of the clock that now is taken from; call it as often as is convenient, with
// each batch of records or on a timer.
func (n *Names) Refresh(now time.Time) {
	// A clock that was set back must not stop this.
	if since := now.UnixNano() - n.now.Load(); since >= 0 && since < int64(refreshEvery) {
		return
	}
	n.reload(now)
}

// Observe takes note of a record's type: those that tell of changed users or
// groups make Names look at the files at once. AppendSuffix does this itself.
func (n *Names) Observe(t tables.Type) {
	switch t {
	case tables.TypeAddUser, tables.TypeDelUser, tables.TypeAddGroup, tables.TypeDelGroup,
		tables.TypeUserMgmt, tables.TypeGrpMgmt:
		n.remote.forget()
		n.reload(time.Now())
	}
}

// User returns the name of a user: false if there is none, or if a directory
// service that may know it has not answered yet.
func (n *Names) User(uid uint32) (string, bool) {
	found, ok := n.userName(uid)
	return found.text, ok
}

// Group returns the name of a group, as User does.
func (n *Names) Group(gid uint32) (string, bool) {
	found, ok := n.groupName(gid)
	return found.text, ok
}

func (n *Names) userName(uid uint32) (name, bool) {
	if found, ok := n.files.Load().users[uid]; ok {
		return found, true
	}
	return n.remote.find(key{users, uid}, n.now.Load())
}

func (n *Names) groupName(gid uint32) (name, bool) {
	if found, ok := n.files.Load().groups[gid]; ok {
		return found, true
	}
	return n.remote.find(key{groups, gid}, n.now.Load())
}

// reload reads the files that changed.
func (n *Names) reload(now time.Time) {
	n.now.Store(now.UnixNano())
	n.mu.Lock()
	defer n.mu.Unlock()
	old := *n.files.Load()
	users, err := n.readFile(&n.passwd, now, func(text []byte) { old.users = parseNames(text, true) })
	n.report(err)
	groups, err := n.readFile(&n.group, now, func(text []byte) { old.groups = parseNames(text, false) })
	n.report(err)
	if users || groups {
		n.files.Store(&old)
		n.remote.forget()
	}
	_, err = n.readFile(&n.nss, now, n.remote.configure)
	n.report(err)
}

// readFile hands the file's text to use if the file changed.
func (n *Names) readFile(f *file, now time.Time, use func([]byte)) (bool, error) {
	changed, err := f.changed(now)
	if err != nil || !changed {
		return false, err
	}
	text, err := f.load()
	if err != nil {
		f.read = false // look again
		return false, err
	}
	use(text)
	return true, nil
}

// report logs an error unless it is the one logged last.
func (n *Names) report(err error) {
	if err == nil || err.Error() == n.failed {
		return
	}
	n.failed = err.Error()
	n.logger.Warn("cannot read the names of users and groups", "err", err)
}

// device returns the name of a network interface of the host.
func (n *Names) device(index uint32) (string, bool) {
	n.wantLink.Store(n.now.Load())
	name, ok := (*n.devices.Load())[index]
	return name, ok
}

// loadDevices reads the names of the network interfaces.
func (n *Names) loadDevices() {
	found := make(map[uint32]string)
	// Without them, addresses show the number.
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		found[uint32(i.Index)] = i.Name
	}
	n.devices.Store(&found)
}

// devicesEvery is how often the network interfaces are read while records name
// them.
const devicesEvery = 5 * time.Second

// Run asks the host's directory services for names that the files do not have,
// and follows the network interfaces, until ctx is done. Without it, names are
// those in the files.
func (n *Names) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.remote.run(ctx)
	}()
	defer func() { <-done }()
	tick := time.NewTicker(devicesEvery)
	defer tick.Stop()
	var seen int64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if want := n.wantLink.Load(); want != seen {
				seen = want
				n.loadDevices()
			}
		}
	}
}
