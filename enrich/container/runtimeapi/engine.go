package runtimeapi

import (
	"context"
	"errors"
	"net/url"
	"strings"
)

// Engine asks for a container through Docker's HTTP interface, which podman has too. Without a version before them, paths
// are those of the newest that the daemon knows.
func (c *Client) Engine(ctx context.Context, id string) (*Answer, error) {
	var container struct {
		Name   string
		Image  string // id of the image
		Config struct {
			Image  string
			Labels map[string]string
		}
		HostConfig struct{ Privileged bool }
	}
	if err := c.get(ctx, "/containers/"+url.PathEscape(id)+"/json", &container); err != nil {
		return nil, err
	}
	a := &Answer{
		Name: strings.TrimPrefix(container.Name, "/"), Image: container.Config.Image, Labels: container.Config.Labels,
		Privileged: &container.HostConfig.Privileged,
	}
	if pod := a.Labels[labelPod]; pod != "" { // of cri-dockerd
		a.Pod = &Pod{Name: pod, Namespace: a.Labels[labelNamespace], UID: a.Labels[labelUID], Sandbox: a.Labels["io.kubernetes.sandbox.id"]}
		a.Name = a.Labels[labelContainer]
	}
	var image struct{ RepoDigests []string }
	switch err := c.get(ctx, "/images/"+url.PathEscape(container.Image)+"/json", &image); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return nil, err
	case len(image.RepoDigests) > 0:
		a.Digest = digestOf(image.RepoDigests[0])
	}
	return a, nil
}
