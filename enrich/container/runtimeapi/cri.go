package runtimeapi

import (
	"context"
	"errors"
)

// The Container Runtime Interface, k8s.io/cri-api pkg/apis/runtime/v1/api.proto. All that the kubelet tells a runtime are
// texts, in fields that have not changed their numbers since v1alpha2.
const cri = "/runtime.v1.RuntimeService/"

// The kubelet's labels of every container and sandbox (k8s.io/kubelet pkg/types).
const (
	labelPod       = "io.kubernetes.pod.name"
	labelNamespace = "io.kubernetes.pod.namespace"
	labelUID       = "io.kubernetes.pod.uid"
	labelContainer = "io.kubernetes.container.name"
)

// CRI asks for a container, or for a pod's sandbox.
func (c *Client) CRI(ctx context.Context, id string) (*Answer, error) {
	a, err := c.criContainer(ctx, id)
	sandbox := id
	switch {
	case err == nil:
		sandbox = a.Pod.Sandbox
	case errors.Is(err, ErrNotFound):
		a = &Answer{Pod: &Pod{Sandbox: id}}
	default:
		return nil, err
	}
	if sandbox == "" {
		return a, nil
	}
	if podErr := c.criPod(ctx, sandbox, a.Pod); podErr != nil && (err != nil || !errors.Is(podErr, ErrNotFound)) {
		return nil, podErr
	}
	return a, nil
}

// criContainer asks for a container: its list entry names the sandbox, its status the image.
func (c *Client) criContainer(ctx context.Context, id string) (*Answer, error) {
	filter := appendText(nil, 1, id)
	list, err := c.call(ctx, cri+"ListContainers", nil, appendText(nil, 1, string(filter)))
	if err != nil {
		return nil, err
	}
	a := &Answer{Pod: &Pod{}}
	found := false
	err = fields(list, func(number uint64, entry []byte) error {
		if number != 1 || found {
			return nil
		}
		var entryID, sandbox string
		if err := fields(entry, texts{1: &entryID, 2: &sandbox}.take); err != nil {
			return err
		}
		if entryID == id { // a filter takes the beginning of an id too
			found, a.Pod.Sandbox = true, sandbox
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, ErrNotFound
	}
	answer, err := c.call(ctx, cri+"ContainerStatus", nil, appendText(nil, 1, id))
	if err != nil {
		return nil, err
	}
	return a, fields(answer, func(number uint64, status []byte) error {
		if number != 1 {
			return nil
		}
		return a.criStatus(status)
	})
}

// criStatus reads a ContainerStatus.
func (a *Answer) criStatus(status []byte) error {
	var image, asked, reference string
	err := fields(status, func(number uint64, value []byte) error {
		switch number {
		case 2: // metadata
			return fields(value, texts{1: &a.Name}.take)
		case 8:
			return fields(value, texts{1: &image, 18: &asked}.take)
		case 9:
			reference = string(value)
		case 12:
			return put(&a.Labels, value)
		}
		return nil
	})
	// What the pod's specification says, if it is told; an image that was pulled without a tag goes by its digest.
	if a.Image = asked; a.Image == "" {
		a.Image = image
	}
	a.Digest = digestOf(reference)
	a.Pod.Name, a.Pod.Namespace, a.Pod.UID = a.Labels[labelPod], a.Labels[labelNamespace], a.Labels[labelUID]
	if name := a.Labels[labelContainer]; name != "" {
		a.Name = name
	}
	return err
}

// criPod asks for a sandbox.
func (c *Client) criPod(ctx context.Context, id string, p *Pod) error {
	answer, err := c.call(ctx, cri+"PodSandboxStatus", nil, appendText(nil, 1, id))
	if err != nil {
		return err
	}
	return fields(answer, func(number uint64, status []byte) error {
		if number != 1 {
			return nil
		}
		return fields(status, func(number uint64, value []byte) error {
			switch number {
			case 2: // metadata
				return fields(value, texts{1: &p.Name, 2: &p.UID, 3: &p.Namespace}.take)
			case 7:
				return put(&p.Labels, value)
			}
			return nil
		})
	})
}
