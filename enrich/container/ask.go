package container

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
	"vigil/enrich/container/runtimeapi"
)

// question is a container of which a runtime is asked, and then what it has told.
type question struct {
	key    Key
	disk   *attribution.Container // what is known, nil if nothing
	answer *attribution.Container
	tries  int
	due    time.Time // of the next try
}

// wonder has the runtimes asked for a container, of which c is known, unless too many are waiting.
func (s *Store) wonder(k Key, c *attribution.Container) {
	if s.ask == nil || k.Runtime == cgroup.LXC || k.Runtime == cgroup.Nspawn {
		return
	}
	select {
	case s.asked <- question{key: k, disk: c}:
	default:
		s.refused.Add(1)
	}
}

// A runtime that does not answer is asked again, a second later at first, then four times as long each time. Podman, for
// one, does not tell of a container while it is about to start it.
const (
	firstRetry = time.Second
	maxTries   = 5
	maxRetries = 256 // containers that wait for that
)

// askRuntimes asks for one container after the other until ctx ends. A runtime that does not answer thus delays what the
// runtimes tell of others, and nothing else.
func (s *Store) askRuntimes(ctx context.Context) {
	var retries []question // the next first
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if len(retries) > 0 {
			timer.Reset(time.Until(retries[0].due))
		}
		var q question
		select {
		case <-ctx.Done():
			return
		case q = <-s.asked:
		case <-timer.C:
			if len(retries) == 0 || time.Now().Before(retries[0].due) {
				continue
			}
			q, retries = retries[0], retries[1:]
		}
		if s.question(ctx, &q) || q.tries >= maxTries || len(retries) >= maxRetries {
			continue
		}
		q.due = time.Now().Add(firstRetry << (2 * (q.tries - 1)))
		at, _ := slices.BinarySearchFunc(retries, q, func(a, b question) int { return a.due.Compare(b.due) })
		retries = slices.Insert(retries, at, q)
	}
}

// question asks once, and reports whether that was enough.
func (s *Store) question(ctx context.Context, q *question) bool {
	asking, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	q.tries++
	c, err := s.ask(asking, q.key, q.disk)
	switch {
	case errors.Is(err, errNone):
		return true
	case err != nil:
		s.silent.Add(1)
		s.cfg.Logger.Debug("a container's runtime does not tell of it", "container", q.key.ID+q.key.Path, "err", err)
		return false
	}
	s.answers.Add(1)
	q.answer = c
	select {
	case s.told <- *q:
	case <-ctx.Done():
	}
	return true
}

// learn takes over what a runtime has told.
func (s *Store) learn(q *question, now time.Time) {
	old := (*s.known.Load())[q.key]
	if old == nil { // forgotten meanwhile
		return
	}
	c := q.answer
	if old.container != nil {
		c = complete(old.container, c)
		if equal(c, old.container) {
			return
		}
	}
	e := &entry{container: c}
	e.used.Store(max(old.used.Load(), 1))
	s.put(q.key, e)
	s.tell(c)
}

// complete returns c with what it lacks taken from more; c itself if it lacks nothing.
func complete(c, more *attribution.Container) *attribution.Container {
	if more == nil {
		return c
	}
	made := *c
	fill := func(s *string, with string) {
		if *s == "" {
			*s = with
		}
	}
	fill(&made.Name, more.Name)
	fill(&made.Image, more.Image)
	fill(&made.Digest, more.Digest)
	if made.Privileged == attribution.Unknown {
		made.Privileged = more.Privileged
	}
	if len(made.Labels) == 0 {
		made.Labels = more.Labels
	}
	if q := more.Pod; q != nil {
		p := attribution.Pod{}
		if made.Pod != nil {
			p = *made.Pod
		}
		fill(&p.Name, q.Name)
		fill(&p.Namespace, q.Namespace)
		fill(&p.UID, q.UID)
		fill(&p.Account, q.Account)
		fill(&p.Sandbox, q.Sandbox)
		fill(&p.Node, q.Node)
		if len(p.Labels) == 0 {
			p.Labels = q.Labels
		}
		made.Pod = &p
	}
	if equal(&made, c) {
		return c
	}
	return &made
}

// socket is where a runtime is asked, and how.
type socket struct {
	path string // below the host's root
	of   []cgroup.Runtime
	rpc  bool
	ask  func(*runtimeapi.Client, context.Context, string) (*runtimeapi.Answer, error)
}

// sockets are where the runtimes listen. containerd is asked through the interface of Kubernetes first, which alone tells
// of pods; it may be switched off.
func sockets() []socket {
	containerd, crio := []cgroup.Runtime{cgroup.Containerd}, []cgroup.Runtime{cgroup.CRIO}
	docker, podman := []cgroup.Runtime{cgroup.Docker}, []cgroup.Runtime{cgroup.Podman}
	var list []socket
	for _, path := range []string{"run/containerd/containerd.sock", "run/k3s/containerd/containerd.sock",
		"var/snap/microk8s/common/run/containerd.sock"} {
		list = append(list, socket{path, containerd, true, (*runtimeapi.Client).CRI},
			socket{path, containerd, true, (*runtimeapi.Client).Containerd})
	}
	return append(list,
		socket{"run/crio/crio.sock", crio, true, (*runtimeapi.Client).CRI},
		socket{"run/docker.sock", docker, false, (*runtimeapi.Client).Engine},
		socket{"run/podman/podman.sock", podman, false, (*runtimeapi.Client).Engine},
	)
}

// rest is how long a runtime that has not answered in time is left alone.
const rest = 500 * time.Millisecond

var errResting = errors.New("ask runtime: it has not answered lately")

// asker asks runtimes.
type asker struct {
	*finder
	sockets []socket

	mu     sync.Mutex
	silent map[string]time.Time // until when a socket is left alone
}

func newAsker(f *finder) *asker {
	return &asker{finder: f, sockets: sockets(), silent: map[string]time.Time{}}
}

// ask asks whichever runtimes a container may be of, nearest first. disk is what is known of it.
func (a *asker) ask(ctx context.Context, k Key, disk *attribution.Container) (*attribution.Container, error) {
	if k.Path != "" && disk != nil {
		k.ID = disk.ID
	}
	if !validID(k.ID) {
		return nil, errNone
	}
	of := k.Runtime
	if disk != nil && of == cgroup.Unknown {
		of = cgroup.Runtime(disk.Runtime)
	}
	err := errNone
	for _, s := range a.of(of, k) {
		answer, e := a.askOne(ctx, &s, k.ID)
		if e == nil {
			return a.container(answer, &s, k), nil
		}
		if !errors.Is(e, runtimeapi.ErrNotFound) && !errors.Is(e, os.ErrNotExist) {
			err = telling(err, e)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// of returns the sockets at which a container of a runtime may be known: all where that is not known.
func (a *asker) of(runtime cgroup.Runtime, k Key) []socket {
	if k.IsUser {
		path := "run/user/" + strconv.FormatUint(uint64(k.User), 10) + "/podman/podman.sock"
		return []socket{{path, []cgroup.Runtime{cgroup.Podman}, false, (*runtimeapi.Client).Engine}}
	}
	if runtime == "runc" || runtime == "crun" {
		return nil // nobody else knows it
	}
	var list []socket
	for _, s := range a.sockets {
		if runtime == cgroup.Unknown || slices.Contains(s.of, runtime) {
			list = append(list, s)
		}
	}
	return list
}

func (a *asker) askOne(ctx context.Context, s *socket, id string) (*runtimeapi.Answer, error) {
	a.mu.Lock()
	resting := time.Now().Before(a.silent[s.path])
	a.mu.Unlock()
	if resting {
		return nil, errResting
	}
	client := runtimeapi.New(func(ctx context.Context) (net.Conn, error) { return a.host.dial(ctx, s.path) }, s.rpc)
	defer client.Close()
	answer, err := s.ask(client, ctx, id)
	if ctx.Err() != nil {
		a.mu.Lock()
		a.silent[s.path] = time.Now().Add(rest)
		a.mu.Unlock()
	}
	return answer, err
}

// container makes a container of an answer.
func (a *asker) container(answer *runtimeapi.Answer, s *socket, k Key) *attribution.Container {
	c := &attribution.Container{ID: k.ID, Runtime: string(s.of[0]), Name: cut(answer.Name), Digest: cut(answer.Digest)}
	digest := c.Digest
	a.image(c, answer.Image)
	if c.Digest == "" {
		c.Digest = digest
	}
	if answer.Privileged != nil {
		c.Privileged = attribution.TruthOf(*answer.Privileged)
	}
	c.Labels = a.choose(answer.Labels)
	if from := answer.Pod; from != nil && (from.Name != "" || from.UID != "") {
		p := a.pod(c)
		p.Name, p.Namespace, p.UID, p.Sandbox = cut(from.Name), cut(from.Namespace), cut(from.UID), cut(from.Sandbox)
		p.Labels = a.choose(from.Labels)
		a.account(p)
	}
	return c
}

// dial connects with a unix socket below the host's root, whatever links are on the way and however long its path is.
func (h host) dial(ctx context.Context, path string) (net.Conn, error) {
	f, err := h.open(path, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var d net.Dialer
	return d.DialContext(ctx, "unix", "/proc/self/fd/"+strconv.Itoa(int(f.Fd())))
}
