package whose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// kubelet is a client of the Container Runtime Interface, with as much of it as starts a pod
// (k8s.io/cri-api pkg/apis/runtime/v1/api.proto).
type kubelet struct {
	t    *testing.T
	http *http.Client
}

func newKubelet(t *testing.T, socket string) *kubelet {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	return &kubelet{t: t, http: &http.Client{Timeout: patience, Transport: &http.Transport{Protocols: &protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}}}}
}

// message makes a message of fields by their numbers: texts and messages, or numbers.
func message(parts ...any) string {
	var b []byte
	for i := 0; i < len(parts); i += 2 {
		number := uint64(parts[i].(int)) << 3
		switch value := parts[i+1].(type) {
		case int:
			b = binary.AppendUvarint(binary.AppendUvarint(b, number), uint64(value))
		case string:
			b = binary.AppendUvarint(binary.AppendUvarint(b, number|2), uint64(len(value)))
			b = append(b, value...)
		}
	}
	return string(b)
}

// call makes a call and returns the first field of its answer, which is an id.
func (k *kubelet) call(method, body string) (string, error) {
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body)))
	r, err := http.NewRequest(http.MethodPost, "http://localhost/runtime.v1.RuntimeService/"+method, bytes.NewReader(append(head, body...)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	answer, err := k.http.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if status := answer.Trailer.Get("Grpc-Status") + answer.Header.Get("Grpc-Status"); err != nil || status != "0" {
		return "", fmt.Errorf("%s: %v, status %s: %s%s", method, err, status, answer.Trailer.Get("Grpc-Message"), answer.Header.Get("Grpc-Message"))
	}
	if len(text) < 7 || len(text) < 7+int(text[6]) {
		return "", nil
	}
	return string(text[7 : 7+int(text[6])]), nil
}

func (k *kubelet) must(method, body string) string {
	k.t.Helper()
	id, err := k.call(method, body)
	if err != nil {
		k.t.Fatal(err)
	}
	return id
}

// image makes an archive of the host's root file system as an image, as `docker save` does.
func (b *bed) image(name string) string {
	b.t.Helper()
	dir := filepath.Join(b.root, "image")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.run("tar", "-C", b.rootfs, "-cf", filepath.Join(dir, "layer.tar"), ".")
	layer, err := os.ReadFile(filepath.Join(dir, "layer.tar"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("image/config.json", fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/sleep","1000"]},"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`,
		sha256.Sum256(layer)))
	b.write("image/manifest.json", `[{"Config":"config.json","RepoTags":["`+name+`"],"Layers":["layer.tar"]}]`)
	b.run("tar", "-C", dir, "-cf", filepath.Join(b.root, "image.tar"), "manifest.json", "config.json", "layer.tar")
	return filepath.Join(b.root, "image.tar")
}

// A pod, as the kubelet has containerd start it. What no bundle tells, the pod's labels, containerd tells on its socket; the
// service account is in the pod's token.
func TestPod(t *testing.T) {
	b := layOut(t)
	need(t, "containerd", "ctr", "runc", "tar")
	b.write("containerd.toml", `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/vigil-test:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
`)
	ctr := b.containerd()
	b.run(append(slices.Clone(ctr), "-n", "k8s.io", "images", "import", "--snapshotter", "native", b.image("localhost/vigil-test:1"))...)
	b.write("var/lib/kubelet/pods/"+podUID+"/volumes/kubernetes.io~projected/kube-api-access-x/token", serviceToken)
	b.watch()
	k := newKubelet(t, filepath.Join(b.root, "run/containerd/containerd.sock"))
	label := func(name, value string) string { return message(1, name, 2, value) }
	sandbox := message(1, message(1, "web-0", 2, podUID, 3, "shop"), 3, filepath.Join(b.root, "log"),
		6, label("app", "shop"), 6, label("other", "x"), 6, label("io.kubernetes.pod.name", "web-0"),
		6, label("io.kubernetes.pod.namespace", "shop"), 6, label("io.kubernetes.pod.uid", podUID),
		8, message(1, "/kubepods/burstable/pod"+podUID, 2, message(1, message(1, 2, 2, 1))))
	// The runtime interface is the last that containerd makes ready.
	var pod string
	b.eventually("containerd's runtime interface", func() bool {
		_, err := k.call("ListContainers", "")
		return err == nil
	})
	pod = k.must("RunPodSandbox", message(1, sandbox))
	t.Cleanup(func() {
		_, _ = k.call("StopPodSandbox", message(1, pod))
		_, _ = k.call("RemovePodSandbox", message(1, pod))
	})
	container := k.must("CreateContainer", message(1, pod, 2, message(1, message(1, "web"), 2, message(1, "localhost/vigil-test:1"),
		3, "/bin/sh", 3, "-c", 3, work, 9, label("io.kubernetes.container.name", "web"), 9, label("io.kubernetes.pod.name", "web-0"),
		9, label("io.kubernetes.pod.namespace", "shop"), 9, label("io.kubernetes.pod.uid", podUID)), 3, sandbox))
	k.must("StartContainer", message(1, container))
	b.known(container, "POD_LABELS=")
	argv := []any{1, container}
	for _, word := range inside("probe") {
		argv = append(argv, 2, word)
	}
	k.must("ExecSync", message(append(argv, 3, int(patience/time.Second))...))
	list := b.events()

	mains(t, list, container)
	different(t, entered(t, list, "probe", "kubernetes", container))
	for _, mark := range []string{"main", "probe-child"} {
		e := of(t, list, "true", mark)
		if e.Container.Name != "web" || e.Container.Image.Name != "localhost/vigil-test" || e.Container.Runtime != "containerd" ||
			e.Orchestrator.Namespace != "shop" || e.Orchestrator.Resource.Name != "web-0" || e.Orchestrator.Resource.ID != podUID {
			t.Errorf("%s: container %+v, pod %+v", mark, e.Container, e.Orchestrator)
		}
	}
	e := of(t, list, "true", "probe")
	if !slices.Equal(e.Orchestrator.Resource.Label, []string{"app:shop"}) || e.Vigil.Pod.Sandbox != pod || e.Vigil.Pod.Account != "cart" || e.Vigil.Pod.Node != "node-7" {
		t.Errorf("the pod's labels %q, sandbox %s, account %q, node %q", e.Orchestrator.Resource.Label, e.Vigil.Pod.Sandbox, e.Vigil.Pod.Account, e.Vigil.Pod.Node)
	}
}

// serviceToken is a service account's token, whose claims say: pod web-0 of podUID in shop, account cart, on node-7.
const serviceToken = "eyJhbGciOiJSUzI1NiJ9.eyJrdWJlcm5ldGVzLmlvIjp7Im5hbWVzcGFjZSI6InNob3AiLCJub2RlIjp7Im5hbWUiOiJub2RlLTcifSwicG9kIjp7Im5hbWUiOiJ3ZWItMCIsInVpZCI6IjBmN2U2ZDVjLTFhMmItM2M0ZC01ZTZmLTcwODE5MmEzYjRjNSJ9LCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoiY2FydCIsInVpZCI6IjEifX0sInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpzaG9wOmNhcnQifQ.c2lnbmF0dXJl"
