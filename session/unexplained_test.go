package session

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzUnexplained: whatever lies in a file beside a recording, it is read without harm: no byte
// comes that is not there, and none twice.
func FuzzUnexplained(f *testing.F) {
	said := append(appendRecord(nil, recordBytes, ClientLeg, C2S, time.Second, 5), "hello"...)
	f.Add(append(appendRecord(said, recordConn, NoLeg, NoDir, 0, 2), appendRecord(nil, recordLost, ServerLeg, S2C, 0, 7)...), []byte("{}\n"), int64(0), int64(3), uint32(0))
	f.Add(appendRecord(nil, recordEvent, ClientLeg, NoDir, 0, 0), []byte(`{"session":1,"kind":"tcp:closed"}`), int64(5), int64(-1), uint32(1))
	f.Add(appendRecord(nil, recordEvent, ClientLeg, NoDir, 0, math.MinInt64), []byte("{}\n"), int64(0), int64(0), uint32(0))
	f.Fuzz(func(t *testing.T, records, events []byte, begins, reached int64, number uint32) {
		path := filepath.Join(t.TempDir(), "a"+UnexplainedExt)
		head := make([]byte, pageHead)
		h := pageHeader{Session: 1, Number: number, Begins: [2]int64{begins, -begins}}
		h.put(head, records, events)
		file := append(append(head, records...), events...)
		file = append(file, make([]byte, aligned(int64(len(file)))-int64(len(file)))...)
		h.Number++
		h.put(head, records, events)
		file = append(append(append(file, head...), records...), events...)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		u, err := ReadUnexplained(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		count := func(e Seen) {
			n += len(e.Raw)
			if e.Leg > ServerLeg || e.Dir > S2C {
				t.Fatalf("leg %d, direction %d", e.Leg, e.Dir)
			}
		}
		u.Whole(1)
		u.Each(1, Reached{Plain: [3]int64{0, reached, reached}}, count)
		if n > len(file) {
			t.Fatalf("%d bytes come of %d", n, len(file))
		}
		n = 0
		u.Missing(1, time.Unix(0, 0), "it is so", count)
		if n > len(file) {
			t.Fatalf("%d bytes come of %d", n, len(file))
		}
	})
}
