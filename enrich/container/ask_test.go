package container

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// What a runtime tells completes what it has left on disk, and is told again.
func TestStoreAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Duration
		begun := time.Now()
		ask := func(_ context.Context, k Key, disk *attribution.Container) (*attribution.Container, error) {
			asked = append(asked, time.Since(begun))
			if len(asked) < 3 {
				return nil, errors.New("not now")
			}
			if disk == nil || disk.Name != "web" {
				t.Errorf("asked of %v, of which is known %+v", k, disk)
			}
			return &attribution.Container{ID: k.ID, Name: "another", Digest: "sha256:12", Runtime: "containerd"}, nil
		}
		s, _, found := bed(t, Config{}, map[string]string{"a": "web"}, func(s *Store) { s.ask = ask })
		get(s, "a")
		synctest.Wait()
		if got := get(s, "a"); got != "web" {
			t.Errorf("got %q before the runtime has answered", got)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		c := s.Get(Key{ID: "a"}, time.Now().UnixNano())
		if diff := cmp.Diff(c, &attribution.Container{ID: "a", Name: "web", Digest: "sha256:12"}); diff != "" {
			t.Errorf("got - want +:\n%s", diff)
		}
		if diff := cmp.Diff(asked, []time.Duration{0, time.Second, 5 * time.Second}); diff != "" {
			t.Errorf("times asked, got - want +:\n%s", diff)
		}
		if got := s.Stats(); got.Answers != 1 || got.Silent != 2 || len(*found) != 2 {
			t.Errorf("stats %+v, told %q", got, *found)
		}
	})
}

// A runtime that does not answer keeps nobody waiting but the questions to it, of which there is a bound.
func TestStoreAsksASilentRuntime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ask := func(ctx context.Context, _ Key, _ *attribution.Container) (*attribution.Container, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		s, d, _ := bed(t, Config{Timeout: time.Minute}, map[string]string{}, func(s *Store) { s.ask = ask })
		for i := range 600 {
			id := string(rune('a'+i%26)) + string(rune('a'+i/26))
			d.set(id, id)
			get(s, id)
			synctest.Wait()
			if got := get(s, id); got != id {
				t.Fatalf("got %q of %s", got, id)
			}
		}
		if got := s.Stats(); got.Refused != 600-257 {
			t.Errorf("%d questions refused, want all but those that wait and the one that is asked", got.Refused)
		}
	})
}

// A container is known from the moment at which its runtime begins to make it, and again once it is found for itself.
func TestStoreCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bundle := func(c *Creation) (*attribution.Container, string, error) {
			return &attribution.Container{ID: c.ID, Name: "of " + c.Bundle}, "", nil
		}
		s, d, found := bed(t, Config{Tail: time.Minute}, map[string]string{}, func(s *Store) { s.bundle = bundle })
		s.Create(Creation{ID: "a", Bundle: "bundle"})
		synctest.Wait()
		if got := get(s, "a"); got != "of bundle" {
			t.Errorf("got %q of one that is being made", got)
		}
		if c := s.Get(Key{ID: "a", User: 1000, IsUser: true}, time.Now().UnixNano()); c != nil {
			t.Errorf("got %+v of one of a user's", c)
		}
		synctest.Wait()
		d.set("a", "web")
		time.Sleep(time.Second) // its first look-up came too early
		get(s, "a")
		synctest.Wait()
		if got, all := get(s, "a"), s.All(); got != "web" || len(all) != 1 || all[0].Name != "web" {
			t.Errorf("got %q, all %+v", got, all)
		}
		if diff := cmp.Diff(*found, []string{"of bundle", "web"}); diff != "" {
			t.Errorf("told, got - want +:\n%s", diff)
		}
		d.set("a", "")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if got := s.Stats().Known; got != 0 {
			t.Errorf("%d remembered after the tail", got)
		}
	})
}

func TestCreated(t *testing.T) {
	root := t.TempDir()
	write(t, root, "b/plain/config.json", `{"annotations":{"app":"shop"},"linux":{"cgroupsPath":"/docker/`+id("ab")+`"}}`)
	write(t, root, "b/systemd/config.json", `{"linux":{"cgroupsPath":"kubepods-besteffort.slice:cri-containerd:`+id("cd")+`"}}`)
	write(t, root, "b/own/config.json", `{}`)
	f := finder{host: host{root}, labels: []string{"app"}}
	for _, c := range []struct {
		creation Creation
		want     *attribution.Container
		path     string
	}{
		{Creation{"rc1", "/b/plain", "runc"}, &attribution.Container{ID: id("ab"), Name: "rc1", Runtime: "runc",
			Labels: []attribution.Label{{Name: "app", Value: "shop"}}}, ""},
		{Creation{"rc2", "/b/systemd", "crun"}, &attribution.Container{ID: id("cd"), Name: "rc2", Runtime: "crun"}, ""},
		{Creation{"rc3", "/b/own", "runc"}, &attribution.Container{ID: "rc3", Name: "rc3", Runtime: "runc"}, "/rc3"},
		{Creation{"rc4", "/b/none", "runc"}, nil, ""},
		{Creation{"../x", "/b/own", "runc"}, nil, ""},
		{Creation{"rc5", "", "runc"}, nil, ""},
	} {
		got, path, err := f.created(&c.creation)
		if diff := cmp.Diff(got, c.want); diff != "" || path != c.path || (err == nil) != (c.want != nil) {
			t.Errorf("%+v: %v, got - want +:\n%s", c.creation, err, diff)
		}
	}
}

// listen serves answers on a socket below root.
func listen(t *testing.T, root, path string, answers map[string]string) {
	t.Helper()
	write(t, root, path, "")
	if err := os.Remove(filepath.Join(root, path)); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text)
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
}

func TestAsker(t *testing.T) {
	root, err := os.MkdirTemp("", "vigil-ask-") // a socket's path has 107 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	listen(t, root, "real/docker.sock", map[string]string{
		"/containers/" + id("aa") + "/json": `{"Name":"/cart","Image":"sha256:12","Config":{"Image":"bb:1","Labels":{"app":"shop","other":"x"}},"HostConfig":{}}`,
		"/images/sha256:12/json":            `{"RepoDigests":["bb@sha256:34"]}`,
	})
	// An absolute link is one within the host's root.
	if err := errors.Join(os.Mkdir(filepath.Join(root, "run"), 0o755), os.Symlink("/real/docker.sock", filepath.Join(root, "run/docker.sock"))); err != nil {
		t.Fatal(err)
	}
	a := newAsker(&finder{host: host{root}, labels: []string{"app"}, node: "n1"})
	f := func(k Key, disk, want *attribution.Container) {
		t.Helper()
		got, err := a.ask(t.Context(), k, disk)
		if diff := cmp.Diff(got, want); diff != "" || (want == nil) != errors.Is(err, errNone) {
			t.Errorf("%+v: %v, got - want +:\n%s", k, err, diff)
		}
	}
	cart := &attribution.Container{ID: id("aa"), Name: "cart", Image: "bb:1", Digest: "sha256:34", Runtime: "docker", Privileged: attribution.No,
		Labels: []attribution.Label{{Name: "app", Value: "shop"}}}
	f(Key{Runtime: cgroup.Docker, ID: id("aa")}, nil, cart)
	f(Key{ID: id("aa")}, nil, cart)
	f(Key{ID: id("aa")}, &attribution.Container{Runtime: "docker"}, cart)
	f(Key{ID: id("aa")}, &attribution.Container{Runtime: "runc"}, nil)
	f(Key{Runtime: cgroup.Podman, ID: id("aa")}, nil, nil)
	f(Key{Runtime: cgroup.Docker, ID: id("bb")}, nil, nil)
	f(Key{Runtime: cgroup.Docker, ID: "../images"}, nil, nil)
	f(Key{Runtime: cgroup.Podman, ID: id("aa"), IsUser: true, User: 1000}, nil, nil)
}

func TestComplete(t *testing.T) {
	pod := &attribution.Pod{Name: "web-0", Namespace: "shop", UID: podUID, Labels: []attribution.Label{{Name: "app", Value: "shop"}}}
	disk := &attribution.Container{ID: "a", Name: "web", Runtime: "containerd"}
	if got := complete(disk, &attribution.Container{Name: "other", Runtime: "docker"}); got != disk {
		t.Errorf("got %+v of what lacks nothing that is told", got)
	}
	got := complete(disk, &attribution.Container{Name: "other", Image: "bb:1", Privileged: attribution.Yes, Pod: pod})
	want := &attribution.Container{ID: "a", Name: "web", Image: "bb:1", Runtime: "containerd", Privileged: attribution.Yes, Pod: pod}
	if diff := cmp.Diff(got, want); diff != "" || disk.Image != "" {
		t.Errorf("got - want +:\n%s", diff)
	}
}

// token makes a service account's token of its claims.
func token(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(claims)) + ".c2lnbmF0dXJl"
}

func TestAccount(t *testing.T) {
	claims := func(uid string) string {
		return `{"aud":["https://kubernetes.default.svc"],"kubernetes.io":{"namespace":"shop","node":{"name":"node-7"},"pod":{"name":"web-0","uid":"` + uid +
			`"},"serviceaccount":{"name":"cart","uid":"1"}},"sub":"system:serviceaccount:shop:cart"}`
	}
	f := func(name, text string, want attribution.Pod) {
		t.Helper()
		root := t.TempDir()
		volumes := "var/lib/kubelet/pods/" + podUID + "/volumes/kubernetes.io~projected/"
		write(t, root, volumes+"other/ca.crt", "")
		write(t, root, volumes+"kube-api-access-x/token", text)
		got := attribution.Pod{UID: podUID, Node: "n1"}
		f := finder{host: host{root}}
		f.account(&got)
		want.UID = podUID
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: got - want +:\n%s", name, diff)
		}
	}
	f("a token", token(claims(podUID)), attribution.Pod{Account: "cart", Node: "node-7"})
	f("of another pod", token(claims("another")), attribution.Pod{Node: "n1"})
	f("no token", "hello", attribution.Pod{Node: "n1"})
	f("no claims", "a.%%%.c", attribution.Pod{Node: "n1"})
	f("no JSON", token("[]"), attribution.Pod{Node: "n1"})
}
