package runtimeapi

import (
	"context"
	"errors"
	"net/http"
)

// containerd's own interface, github.com/containerd/containerd/api, with the namespace in a header.
const (
	containers      = "/containerd.services.containers.v1.Containers/"
	images          = "/containerd.services.images.v1.Images/"
	namespaces      = "/containerd.services.namespaces.v1.Namespaces/"
	namespaceHeader = "containerd-namespace"
)

// maxNamespaces is in how many namespaces a container is looked for.
const maxNamespaces = 64

// Containerd asks for a container in any namespace of containerd's. Its labels are containerd's, which for a container of
// Kubernetes are the kubelet's.
func (c *Client) Containerd(ctx context.Context, id string) (*Answer, error) {
	answer, err := c.call(ctx, namespaces+"List", nil, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	err = fields(answer, func(number uint64, namespace []byte) error {
		var name string
		if number == 1 && len(names) < maxNamespaces {
			names = append(names, name)
			return fields(namespace, texts{1: &names[len(names)-1]}.take)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		a, err := c.containerdIn(ctx, name, id)
		if !errors.Is(err, ErrNotFound) {
			return a, err
		}
	}
	return nil, ErrNotFound
}

func (c *Client) containerdIn(ctx context.Context, namespace, id string) (*Answer, error) {
	header := http.Header{namespaceHeader: {namespace}}
	answer, err := c.call(ctx, containers+"Get", header, appendText(nil, 1, id))
	if err != nil {
		return nil, err
	}
	a := &Answer{}
	err = fields(answer, func(number uint64, container []byte) error {
		if number != 1 {
			return nil
		}
		return fields(container, func(number uint64, value []byte) error {
			switch number {
			case 2:
				return put(&a.Labels, value)
			case 3:
				a.Image = string(value)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if pod := a.Labels[labelPod]; pod != "" {
		a.Pod = &Pod{Name: pod, Namespace: a.Labels[labelNamespace], UID: a.Labels[labelUID]}
		a.Name = a.Labels[labelContainer]
	} else {
		a.Name = a.Labels["nerdctl/name"]
	}
	if a.Image == "" {
		return a, nil
	}
	answer, err = c.call(ctx, images+"Get", header, appendText(nil, 1, a.Image))
	if errors.Is(err, ErrNotFound) { // it has been removed, or renamed
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	return a, fields(answer, func(number uint64, image []byte) error {
		if number != 1 {
			return nil
		}
		return fields(image, func(number uint64, target []byte) error {
			if number != 3 {
				return nil
			}
			return fields(target, texts{2: &a.Digest}.take)
		})
	})
}
