package container

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"vigil/enrich/attribution"
)

// kubelets are where the kubelet keeps the volumes of pods: by default, in microk8s, in k0s.
var kubelets = []string{"var/lib/kubelet", "var/snap/microk8s/common/var/lib/kubelet", "var/lib/k0s/kubelet"}

const maxVolumes = 64 // of a pod, looked into

// account finds a pod's service account. No runtime is told of it; what the node has is the token that the kubelet puts
// into every container of the pod, in a volume that they cannot write. Its claims are read and nothing else of it is kept.
func (f *finder) account(p *attribution.Pod) {
	if p.Account != "" || !validID(p.UID) {
		return
	}
	for _, kubelet := range kubelets {
		volumes := kubelet + "/pods/" + p.UID + "/volumes/kubernetes.io~projected"
		names := f.host.list(volumes)
		for _, name := range names[:min(len(names), maxVolumes)] {
			token, err := f.host.read(volumes + "/" + name + "/token")
			if err != nil {
				continue
			}
			if f.claims(token, p) {
				return
			}
		}
	}
}

// claims reads the claims of a service account's token (RFC 7519), which the API server makes out to one pod.
func (f *finder) claims(token []byte, p *attribution.Pod) bool {
	parts := bytes.Split(token, []byte("."))
	if len(parts) != 3 {
		return false
	}
	text, err := base64.RawURLEncoding.AppendDecode(nil, parts[1])
	if err != nil {
		return false
	}
	type named struct{ Name, UID string }
	var claims struct {
		Kubernetes struct {
			Namespace string
			Pod, Node named
			Account   named `json:"serviceaccount"`
		} `json:"kubernetes.io"`
	}
	if json.Unmarshal(text, &claims) != nil || claims.Kubernetes.Pod.UID != p.UID || claims.Kubernetes.Account.Name == "" {
		return false
	}
	p.Account = cut(claims.Kubernetes.Account.Name)
	if node := claims.Kubernetes.Node.Name; node != "" { // since Kubernetes 1.30
		p.Node = cut(node)
	}
	return true
}
