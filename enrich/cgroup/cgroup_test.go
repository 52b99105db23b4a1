package cgroup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	id    = "3f1c0de5b17e4a0f8d6c2b9a7e5d4c3b2a190807f6e5d4c3b2a1908f7e6d5c4b"
	uid   = "0f7e6d5c-1a2b-3c4d-5e6f-708192a3b4c5"
	under = "0f7e6d5c_1a2b_3c4d_5e6f_708192a3b4c5"
)

func TestParse(t *testing.T) {
	pod := "kubepods-burstable-pod" + under + ".slice"
	for path, want := range map[string]Info{
		"":                                      {},
		"/":                                     {},
		"//":                                    {},
		"/docker/" + id:                         {ContainerID: id, Runtime: Docker},
		"/system.slice/docker-" + id + ".scope": {ContainerID: id, Runtime: Docker, Slice: "system.slice", Unit: "docker-" + id + ".scope"},
		"/docker/" + id + "/init.scope":         {ContainerID: id, Runtime: Docker, Inner: "/init.scope"},
		"/actions_job/" + id:                    {ContainerID: id, Runtime: Docker},
		"/docker/buildkit/" + id:                {ContainerID: id},
		"/ecs/0123456789abcdef0123456789abcdef/" + id: {ContainerID: id},
		"/ecs/t/0123456789abcdef0123456789abcdef-1234567890": {
			ContainerID: "0123456789abcdef0123456789abcdef-1234567890", Runtime: Docker},
		"/kubepods/burstable/pod" + uid + "/" + id:            {ContainerID: id, PodUID: uid},
		"/kubepods/pod" + uid + "/" + id:                      {ContainerID: id, PodUID: uid},
		"/kubepods/besteffort/pod" + uid + "/crio-" + id:      {ContainerID: id, Runtime: CRIO, PodUID: uid},
		"/kubepods/pod" + strings.Repeat("0a", 16) + "/" + id: {ContainerID: id, PodUID: strings.Repeat("0a", 16)},
		"/kubepods.slice/kubepods-burstable.slice/" + pod + "/cri-containerd-" + id + ".scope": {
			ContainerID: id, Runtime: Containerd, PodUID: uid, Slice: pod, Unit: "cri-containerd-" + id + ".scope"},
		"/kubepods.slice/" + pod + "/crio-" + id + ".scope/container": {
			ContainerID: id, Runtime: CRIO, PodUID: uid, Slice: pod, Unit: "crio-" + id + ".scope", Inner: "/container"},
		"/kubepods.slice/" + pod + "/crio-conmon-" + id + ".scope": {
			PodUID: uid, Slice: pod, Unit: "crio-conmon-" + id + ".scope"},
		"/system.slice/containerd.service/" + pod + ":cri-containerd:" + id: {
			ContainerID: id, Runtime: Containerd, PodUID: uid, Slice: "system.slice", Unit: "containerd.service"},
		"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + under + ".slice/cri-containerd-" + id + ".scope": {
			ContainerID: id, Runtime: Containerd, PodUID: uid, Slice: "kubelet-kubepods-pod" + under + ".slice",
			Unit: "cri-containerd-" + id + ".scope"},
		"/default/ctr1":               {},
		"/libpod_parent/libpod-" + id: {ContainerID: id, Runtime: Podman},
		"/machine.slice/libpod-" + id + ".scope/container": {
			ContainerID: id, Runtime: Podman, Inner: "/container", Slice: "machine.slice", Unit: "libpod-" + id + ".scope"},
		"/machine.slice/libpod-conmon-" + id + ".scope": {Slice: "machine.slice", Unit: "libpod-conmon-" + id + ".scope"},
		"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope": {
			ContainerID: id, Runtime: Podman, Slice: "user-1000.slice", Unit: "user@1000.service",
			UserUnit: "libpod-" + id + ".scope", User: 1000, HasUser: true},
		"/user.slice/user-1000.slice/session-3.scope": {Slice: "user-1000.slice", Unit: "session-3.scope"},
		"/system.slice/ssh.service":                   {Slice: "system.slice", Unit: "ssh.service"},
		"/system.slice/ssh.service/x.service":         {Slice: "system.slice", Unit: "ssh.service"},
		"/init.scope":                                 {Unit: "init.scope"},
		"/lxc/web":                                    {ContainerID: "web", Runtime: LXC},
		"/lxc.payload.web/system.slice/a.service":     {ContainerID: "web", Runtime: LXC, Inner: "/system.slice/a.service"},
		"/lxc.monitor.web":                            {},
		`/machine.slice/systemd-nspawn@my\x2dbox.service/payload`: {
			ContainerID: "my-box", Runtime: Nspawn, Inner: "/payload", Slice: "machine.slice", Unit: `systemd-nspawn@my\x2dbox.service`},
		"/machine.slice/machine-box.scope":             {ContainerID: "box", Runtime: Nspawn, Slice: "machine.slice", Unit: "machine-box.scope"},
		`/machine.slice/machine-qemu\x2d1\x2dvm.scope`: {Slice: "machine.slice", Unit: `machine-qemu\x2d1\x2dvm.scope`},
		"/garden/1a2b-3c":                              {ContainerID: "1a2b-3c", Runtime: Garden},
		"libpod-" + id + ".scope":                      {ContainerID: id, Runtime: Podman, Unit: "libpod-" + id + ".scope"}, // its upper part cut

		// Names that are not what they look like.
		"/docker/" + id[1:]:                             {},
		"/docker/" + strings.ToUpper(id):                {},
		"/docker-" + id + "x":                           {},
		"/a\x1dUID=\"root\"/b c":                        {},
		"/pod" + uid[:35] + "g/x":                       {},
		"/user.slice/user@4294967296.service/a.service": {Slice: "user.slice", Unit: "user@4294967296.service"},
		// A container that makes a cgroup named as another's stays the one it is.
		"/docker/" + id + "/docker/" + strings.Repeat("0", 64): {
			ContainerID: id, Runtime: Docker, Inner: "/docker/" + strings.Repeat("0", 64)},
	} {
		if diff := cmp.Diff(want, Parse(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// FuzzParse holds that whatever is found is in the path, in a form that can be trusted.
func FuzzParse(f *testing.F) {
	f.Add("/kubepods/burstable/pod" + uid + "/" + id)
	f.Add("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope/container")
	f.Add(`/machine.slice/systemd-nspawn@my\x2dbox.service/payload`)
	f.Add("/system.slice/x.service/kubepods-pod" + under + ".slice:cri-containerd:" + id)
	f.Fuzz(func(t *testing.T, path string) {
		in := Parse(path)
		for _, part := range []string{in.Inner, in.Slice, in.Unit, in.UserUnit} {
			if !strings.Contains(path, part) {
				t.Errorf("%q is not in %q", part, path)
			}
		}
		for _, name := range []string{in.Slice, in.Unit, in.UserUnit} {
			if strings.Contains(name, "/") {
				t.Errorf("%q is more than a name", name)
			}
		}
		if in.PodUID != "" && !isHex(strings.ReplaceAll(in.PodUID, "-", "")) {
			t.Errorf("pod %q", in.PodUID)
		}
		switch in.Runtime {
		case LXC, Nspawn, Garden:
		default:
			if in.ContainerID != "" && !isID(in.ContainerID) && !isTask(in.ContainerID) {
				t.Errorf("container %q", in.ContainerID)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	path := "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + under + ".slice/cri-containerd-" + id + ".scope"
	b.ReportAllocs()
	for b.Loop() {
		Parse(path)
	}
}
