package kernel_test

import (
	"bytes"
	"testing"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
)

// FuzzDatagram puts any datagram into a Source's and a Control's sockets: only
// what the kernel sent as a record comes out, byte for byte, and requests are
// answered nevertheless.
func FuzzDatagram(f *testing.F) {
	f.Add(uint32(0), datagram)
	f.Add(uint32(4711), datagram)
	f.Add(uint32(0), datagram[:17])
	f.Add(uint32(0), datagram[:15])
	f.Add(uint32(0), append([]byte("\x14\x00\x00\x00\x31\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 1, 0, 0, 0))             // AUDIT_REPLACE
	f.Add(uint32(0), append([]byte("\x14\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"), 0xea, 0xff, 0xff, 0xff)) // NLMSG_ERROR
	f.Add(uint32(0), []byte("\x10\x00\x00\x00\xed\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00audit(1.000:1): msg='op=vigil-wake seq=99999999999'"))
	f.Add(uint32(0), make([]byte, 1<<20))
	f.Fuzz(func(t *testing.T, port uint32, data []byte) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{Gather: -1, KeepEnabled: true})
		ctl := k.Control(t)
		k.Inject(port, data)
		var got []kernel.Message
		for before := s.Stats().Datagrams; s.Stats().Datagrams == before; {
			batch, err := s.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, batch...)
		}
		if len(got) > 1 || len(got) == 1 && (port != 0 || !bytes.Equal(got[0].Payload, data[16:])) {
			t.Errorf("got %d records", len(got))
		}
		if st, err := ctl.Status(t.Context()); err != nil || st.BacklogLimit != kernel.DefaultBacklogLimit {
			// A forged answer from the kernel itself would be believed.
			if port != 0 || len(data) < 16 {
				t.Errorf("status: got %+v, %v", st, err)
			}
		}
	})
}
