// Package runtimeapi asks container runtimes, on their unix sockets, what they know of a container: through the Container
// Runtime Interface of Kubernetes (containerd, CRI-O, cri-dockerd), containerd's own interface, and the HTTP interface of
// Docker, which podman has too.
//
// The first two are gRPC: HTTP/2 without encryption, with messages in protocol buffers. Of those a handful of fields are
// read, so they are decoded by hand: the libraries would make the program larger by megabytes.
//
// A runtime is believed in what it says of its containers, but not in how: answers are bounded in size, and in time by the
// caller's context.
package runtimeapi
