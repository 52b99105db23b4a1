package runtimeapi

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reply is what a fake runtime answers: a message, or a status.
type reply struct{ message, status string }

// serve starts a runtime that speaks HTTP/2 without encryption, and HTTP/1, and returns a client of it.
func serve(t *testing.T, rpc bool, handler http.Handler) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP1(true)
	server := &http.Server{Handler: handler, Protocols: &protocols}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	c := New(func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}, rpc)
	t.Cleanup(c.Close)
	return c
}

// rpc answers gRPC calls: by path, and "|" with the namespace that is asked, if any, and "|" with the first text asked for.
func rpc(answers map[string]reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key := r.URL.Path
		if namespace := r.Header.Get(namespaceHeader); namespace != "" {
			key += "|" + namespace
		}
		if len(body) > 5 {
			_ = fields(body[5:], func(_ uint64, value []byte) error {
				key += "|" + strings.TrimLeft(string(value), "\x0a\x02")
				return nil
			})
		}
		answer, ok := answers[key]
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
		if !ok {
			answer.status = rpcNotFound
		}
		if answer.status == "" {
			answer.status = rpcOK
			head := make([]byte, 5)
			binary.BigEndian.PutUint32(head[1:], uint32(len(answer.message)))
			_, _ = w.Write(append(head, answer.message...))
		}
		w.Header().Set("Grpc-Status", answer.status)
		w.Header().Set("Grpc-Message", "as the test wants")
	})
}

func labels(number int, pairs ...string) string {
	var all string
	for i := 0; i < len(pairs); i += 2 {
		all += message(number, message(1, pairs[i], 2, pairs[i+1]))
	}
	return all
}

// criAnswers are a runtime's that knows the container c1 in the sandbox s1.
func criAnswers() map[string]reply {
	return map[string]reply{
		cri + "ListContainers|c1": {message: message(1, message(1, "c1-longer", 2, "s0"), 1, message(1, "c1", 2, "s1"))},
		cri + "ContainerStatus|c1": {message: message(1, message(1, "c1", 2, message(1, "web")+"\x10\x02", 8, message(1, "sha256:1234", 18, "shop/web:1.4"),
			9, "registry.example/shop/web@sha256:abcd")+
			labels(12, labelPod, "web-0", labelNamespace, "shop", labelUID, "u-1", labelContainer, "web", "app", "x"))},
		cri + "PodSandboxStatus|s1": {message: message(1, message(1, "s1", 2, message(1, "web-0", 2, "u-1", 3, "shop"))+labels(7, "app", "shop"))},
		cri + "ListContainers|s1":   {},
	}
}

func TestCRI(t *testing.T) {
	web := &Answer{
		Name: "web", Image: "shop/web:1.4", Digest: "sha256:abcd",
		Labels: map[string]string{labelPod: "web-0", labelNamespace: "shop", labelUID: "u-1", labelContainer: "web", "app": "x"},
		Pod:    &Pod{Name: "web-0", Namespace: "shop", UID: "u-1", Sandbox: "s1", Labels: map[string]string{"app": "shop"}},
	}
	f := func(name, id string, change func(map[string]reply), want *Answer, failure string) {
		t.Helper()
		answers := criAnswers()
		if change != nil {
			change(answers)
		}
		got, err := serve(t, true, rpc(answers)).CRI(t.Context(), id)
		if diff := cmp.Diff(got, want); diff != "" || (failure == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), failure) {
			t.Errorf("%s: error %v, want %q, got - want +:\n%s", name, err, failure, diff)
		}
	}
	f("a container", "c1", nil, web, "")
	f("a sandbox", "s1", nil, &Answer{Pod: web.Pod}, "")
	f("unknown", "c2", func(a map[string]reply) { a[cri+"ListContainers|c2"] = reply{} }, nil, ErrNotFound.Error())
	gone := *web
	gone.Pod = &Pod{Name: "web-0", Namespace: "shop", UID: "u-1", Sandbox: "s1"}
	f("a sandbox that is gone", "c1", func(a map[string]reply) { delete(a, cri+"PodSandboxStatus|s1") }, &gone, "")
	f("another service", "c1", func(a map[string]reply) { a[cri+"ListContainers|c1"] = reply{status: "12"} }, nil, `gRPC status "12"`)
	f("no message", "c1", func(a map[string]reply) { a[cri+"ContainerStatus|c1"] = reply{message: "\x0a\x7f"} }, nil, "not a message")
	f("too long", "c1", func(a map[string]reply) {
		a[cri+"ContainerStatus|c1"] = reply{message: message(1, strings.Repeat("x", maxAnswer))}
	}, nil, "longer than")
}

func TestContainerd(t *testing.T) {
	answers := map[string]reply{
		namespaces + "List":            {message: message(1, message(1, "default"), 1, message(1, "k8s.io"))},
		containers + "Get|k8s.io|c1":   {message: message(1, message(1, "c1", 3, "shop/web:1")+labels(2, labelPod, "web-0", labelNamespace, "shop"))},
		containers + "Get|default|c2":  {message: message(1, message(1, "c2", 3, "bb:1")+labels(2, "nerdctl/name", "cart"))},
		images + "Get|default|bb:1":    {message: message(1, message(1, "bb:1", 3, message(1, "application/x", 2, "sha256:ef01")))},
		containers + "Get|default|bad": {status: "13"},
	}
	c := serve(t, true, rpc(answers))
	f := func(id string, want *Answer, failure error) {
		t.Helper()
		got, err := c.Containerd(t.Context(), id)
		if diff := cmp.Diff(got, want); diff != "" || !errors.Is(err, failure) {
			t.Errorf("%s: error %v, want %v, got - want +:\n%s", id, err, failure, diff)
		}
	}
	f("c1", &Answer{Image: "shop/web:1", Labels: map[string]string{labelPod: "web-0", labelNamespace: "shop"},
		Pod: &Pod{Name: "web-0", Namespace: "shop"}}, nil)
	f("c2", &Answer{Name: "cart", Image: "bb:1", Digest: "sha256:ef01", Labels: map[string]string{"nerdctl/name": "cart"}}, nil)
	f("c3", nil, ErrNotFound)
	if a, err := c.Containerd(t.Context(), "bad"); a != nil || err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("an internal error: %v, %v", a, err)
	}
}

func TestEngine(t *testing.T) {
	yes := true
	c := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := map[string]string{
			"/containers/c1/json":    `{"Name":"/cart","Image":"sha256:12","Config":{"Image":"bb:1","Labels":{"app":"shop"}},"HostConfig":{"Privileged":true}}`,
			"/images/sha256:12/json": `{"RepoDigests":["bb@sha256:34","other@sha256:56"]}`,
			"/containers/c2/json":    `{"Name":"/k8s_web","Image":"sha256:99","Config":{"Labels":{"` + labelPod + `":"web-0","` + labelContainer + `":"web"}}}`,
			"/containers/c3/json":    `[`,
		}[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text)
	}))
	got, err := c.Engine(t.Context(), "c1")
	if diff := cmp.Diff(got, &Answer{Name: "cart", Image: "bb:1", Digest: "sha256:34", Labels: map[string]string{"app": "shop"}, Privileged: &yes}); diff != "" {
		t.Errorf("error %v, got - want +:\n%s", err, diff)
	}
	if got, err := c.Engine(t.Context(), "c2"); err != nil || got.Name != "web" || got.Pod == nil || got.Pod.Name != "web-0" || got.Digest != "" {
		t.Errorf("a container of Kubernetes: %+v, %v", got, err)
	}
	if got, err := c.Engine(t.Context(), "c3"); got != nil || err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("no JSON: %+v, %v", got, err)
	}
	if _, err := c.Engine(t.Context(), "../c1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an odd name: %v", err)
	}
}

// A runtime that takes the question and says nothing is waited for no longer than the context lasts.
func TestSilence(t *testing.T) {
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	c := serve(t, true, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.CRI(ctx, "c1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
}
