package audittest_test

import (
	"encoding/binary"
	"errors"
	"syscall"
	"testing"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
)

// request lays out a netlink request.
func request(t tables.Type, words ...uint32) []byte {
	m := binary.NativeEndian.AppendUint32(nil, uint32(16+4*len(words)))
	m = binary.NativeEndian.AppendUint16(m, uint16(t))
	m = append(m, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0)
	for _, w := range words {
		m = binary.NativeEndian.AppendUint32(m, w)
	}
	return m
}

// dial opens a socket of the fake.
func dial(t *testing.T, k *audittest.Kernel) kernel.Socket {
	t.Helper()
	s, err := k.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// types receives what is queued and returns the types.
func types(t *testing.T, s kernel.Socket) (got []tables.Type) {
	t.Helper()
	batch, _, err := s.Receive()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range batch {
		got = append(got, tables.Type(binary.NativeEndian.Uint16(d.Data[4:])))
	}
	return got
}

// TestKernelProbesTheHolder: whoever asks for the registration is refused, and
// the holder is asked whether it lives.
func TestKernelProbesTheHolder(t *testing.T) {
	k := audittest.NewKernel()
	s, err := kernel.Open(t.Context(), kernel.Config{Dial: k.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other := dial(t, k)
	pid := k.Status().PID
	if err := other.Send(request(tables.TypeSet, 4, 0, 0, pid)); err != nil {
		t.Fatal(err)
	}
	batch, _, err := other.Receive()
	if err != nil || len(batch) != 1 {
		t.Fatalf("got %d datagrams, %v", len(batch), err)
	}
	if code := int32(binary.NativeEndian.Uint32(batch[0].Data[16:])); code != -int32(syscall.EEXIST) {
		t.Errorf("code: got %d, want -EEXIST", code)
	}
	before := s.Stats().Other
	for s.Stats().Other == before {
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKernelRetryQueue: what did not fit comes with the next record, and only
// then.
func TestKernelRetryQueue(t *testing.T) {
	k := audittest.NewKernel()
	s := dial(t, k)
	if err := s.Send(request(tables.TypeSet, 5, 1, 0, uint32(syscall.Getpid()))); err != nil {
		t.Fatal(err)
	}
	types(t, s)
	k.Limit(2)
	for range 5 {
		k.Emit(tables.TypeUser, "x")
	}
	if m, err := s.Meter(); err != nil || m.Overruns == 0 || k.Retrying() != 3 {
		t.Errorf("got %+v, %v, %d to retry", m, err, k.Retrying())
	}
	k.Limit(0)
	if got := types(t, s); len(got) != 2 {
		t.Errorf("first: got %v", got)
	}
	if got := types(t, s); len(got) != 0 {
		t.Errorf("in silence: got %v", got)
	}
	k.Emit(tables.TypeUser, "x")
	if got := types(t, s); len(got) != 4 {
		t.Errorf("with the next: got %v", got)
	}
}

// TestKernelUnregisters: only the holder's process may give up.
func TestKernelUnregisters(t *testing.T) {
	k := audittest.NewKernel()
	k.Change(func(s *kernel.Status) { s.PID = 1 })
	if err := k.Control(t).Unregister(t.Context()); !errors.Is(err, syscall.EACCES) {
		t.Errorf("got %v, want EACCES", err)
	}
}
