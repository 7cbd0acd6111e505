package capture

import (
	"bytes"
	"runtime"
	"testing"

	"xmppscope/session"
)

// FuzzRead feeds whatever the fuzzer finds to the readers of all formats: they must end,
// without a panic and without more memory than the input explains.
func FuzzRead(f *testing.F) {
	b := &builder{id: 1, now: start}
	b.add(session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Local: "127.0.0.1:5222", Peer: "127.0.0.1:40000"}}, Said: session.Said{Done: true}})
	b.add(session.Event{Seen: session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.WireBytes{}, Raw: []byte("<a/>"), Size: 4}, Said: session.Said{Done: true}})
	b.add(b.explained(said{dir: session.C2S, raw: "<a p='s3cret'/>", name: "a", step: "sasl-auth", secret: "s3cret", notes: []session.Note{{Name: "x", Value: "\x00"}}}))
	b.add(session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSSecret{Line: "CLIENT_RANDOM 00 00"}}, Said: session.Said{Done: true}})
	for _, format := range those(readable) {
		seed := record(f, format.Ext, Options{Reveal: true}, b.events)
		f.Add(seed)
		f.Add(seed[:len(seed)/2])
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		Read(bytes.NewReader(file), func(e session.Event) error {
			if session.Numbered(e.Body) {
				// What was read can be shown and written again.
				_ = Text(session.Blank(e), nil)
				if _, err := session.EncodeJSON(e); err != nil {
					t.Errorf("event cannot be written again: %v", err)
				}
			}
			return nil
		})
		runtime.ReadMemStats(&after)
		if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+2000*len(file)); used > limit {
			t.Errorf("%d bytes of input took %d bytes of memory", len(file), used)
		}
	})
}
