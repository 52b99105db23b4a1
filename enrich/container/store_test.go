package container

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// disk is a finder that counts.
type disk struct {
	mu    sync.Mutex
	names map[string]string
	asked map[string]int
}

// set gives a container a name; "" removes it.
func (d *disk) set(id, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[id] = name; name == "" {
		delete(d.names, id)
	}
}

// count is how often a container was looked for.
func (d *disk) count(id string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[id]
}

func (d *disk) find(k Key) (*attribution.Container, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[k.ID]++
	if name, ok := d.names[k.ID]; ok {
		return &attribution.Container{ID: k.ID, Name: name}, nil
	}
	return nil, errNone
}

// bed runs a Store over a disk. prepare, if any, is given it before.
func bed(t *testing.T, cfg Config, names map[string]string, prepare ...func(*Store)) (*Store, *disk, *[]string) {
	found := new([]string)
	cfg.Found = func(c *attribution.Container) { *found = append(*found, c.Name) }
	s := NewStore(cfg)
	d := &disk{names: names, asked: map[string]int{}}
	s.find = d.find
	for _, f := range prepare {
		f(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go s.Run(ctx)
	return s, d, found
}

func get(s *Store, id string) string {
	if c := s.Get(Key{ID: id}, time.Now().UnixNano()); c != nil {
		return c.Name
	}
	return ""
}

func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, found := bed(t, Config{Tail: time.Minute, AbsentFor: 5 * time.Second}, map[string]string{"a": "web"})
		if got := get(s, "a"); got != "" {
			t.Errorf("got %q before it was looked up", got)
		}
		get(s, "a")
		get(s, "b")
		synctest.Wait()
		if got := get(s, "a"); got != "web" || d.count("a") != 1 || len(*found) != 1 {
			t.Errorf("got %q after %d look-ups, told %q", got, d.count("a"), *found)
		}
		// One that is not there is looked for again after a while, not at once.
		for range 10 {
			get(s, "b")
			synctest.Wait()
		}
		if d.count("b") != 1 {
			t.Errorf("looked %d times for what is not there, want once", d.count("b"))
		}
		time.Sleep(6 * time.Second)
		d.set("b", "late")
		get(s, "b")
		synctest.Wait()
		if got := get(s, "b"); got != "late" {
			t.Errorf("got %q of one that came late", got)
		}
		// Gone from disk: known until the tail after its last event.
		d.set("a", "")
		time.Sleep(45 * time.Second)
		if got := get(s, "a"); got != "web" {
			t.Errorf("got %q of one that is gone, within the tail", got)
		}
		d.set("b", "renamed")
		time.Sleep(3 * time.Minute)
		if got, all := get(s, "a"), s.All(); got != "" || len(all) != 1 || all[0].Name != "renamed" {
			t.Errorf("got %q after the tail, all %v", got, all)
		}
		if got := fmt.Sprint(*found); got != "[web late renamed]" {
			t.Errorf("told %s", got)
		}
		if got, want := s.Stats(), (Stats{Known: 1, Found: 2, Absent: 1}); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
}

func TestStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := bed(t, Config{Max: 10}, map[string]string{})
		for i := range 100 {
			id := fmt.Sprint(i)
			d.set(id, id)
			get(s, id)
			synctest.Wait()
			time.Sleep(time.Second)
			get(s, "0") // in use
		}
		if n := s.Stats().Known; n != 10 {
			t.Errorf("%d remembered, want 10", n)
		}
		if got := get(s, "0"); got != "0" {
			t.Error("the one in use was forgotten")
		}
	})
}

func TestStoreReportsFailures(t *testing.T) {
	s := NewStore(Config{})
	s.find = func(Key) (*attribution.Container, error) { return nil, errors.New("broken") }
	s.look(Key{ID: "a"}, time.Now())
	if got := s.Stats(); got.Failed != 1 || got.Known != 1 {
		t.Errorf("stats %+v", got)
	}
}

func BenchmarkGet(b *testing.B) {
	s := NewStore(Config{})
	s.find = func(k Key) (*attribution.Container, error) { return &attribution.Container{ID: k.ID}, nil }
	now := time.Now()
	keys := make([]Key, 100)
	for i := range keys {
		keys[i] = Key{Runtime: cgroup.Containerd, ID: fmt.Sprintf("%064x", i)}
		s.look(keys[i], now)
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if s.Get(keys[i%len(keys)], now.UnixNano()) == nil {
			b.Fatal("not known")
		}
		i++
	}
}
