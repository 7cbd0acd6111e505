package session_test

import (
	"context"
	"sync"
	"testing"

	"xmppscope/session"
)

// perEvent reports what one of n events took.
func perEvent(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
}

// BenchmarkBinary writes and reads events, in the binary form and as JSON.
func BenchmarkBinary(b *testing.B) {
	events := everyday(b, 1000)
	w, lines := session.NewBinary(), [][]byte(nil)
	size := 0
	for i := range events {
		if err := w.Append(&events[i]); err != nil {
			b.Fatal(err)
		}
		line, err := session.EncodeJSON(events[i])
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, line)
		size += len(line)
	}
	file := w.B
	w.B = nil
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.B = w.B[:0]
			for i := range events {
				w.Append(&events[i])
			}
		}
		perEvent(b, len(events))
		b.ReportMetric(float64(len(file)/len(events)), "bytes/event")
	})
	b.Run("write-json", func(b *testing.B) {
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			out = out[:0]
			for i := range events {
				out, _ = session.AppendJSON(out, events[i])
			}
		}
		perEvent(b, len(events))
		b.ReportMetric(float64(size/len(events)), "bytes/event")
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for p := file; len(p) > 0; {
				_, n, err := w.Read(p)
				if err != nil {
					b.Fatal(err)
				}
				p = p[n:]
			}
		}
		perEvent(b, len(events))
	})
	b.Run("read-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				if _, err := session.DecodeJSON(line); err != nil {
					b.Fatal(err)
				}
			}
		}
		perEvent(b, len(events))
	})
}

// BenchmarkLog appends events, one by one and many at once, while readers take them.
func BenchmarkLog(b *testing.B) {
	events := everyday(b, 256)
	for _, test := range []struct {
		name    string
		readers int
		all     bool
	}{{"append", 0, false}, {"append-all", 0, true}, {"append-2-readers", 2, false}, {"append-all-2-readers", 2, true}} {
		b.Run(test.name, func(b *testing.B) {
			l := session.NewLogOf(b, 32<<20)
			defer l.Close()
			var readers sync.WaitGroup
			for range test.readers {
				readers.Go(func() {
					for got, next := l.Since(context.Background(), 0); len(got) > 0; {
						got, next = l.Since(context.Background(), next)
					}
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				if test.all {
					l.AppendAll(events)
					continue
				}
				for _, e := range events {
					l.Append(e)
				}
			}
			l.End()
			readers.Wait()
			perEvent(b, len(events))
		})
	}
}

// BenchmarkSpill reads events back that lie in the file: in order, and one here and one
// there.
func BenchmarkSpill(b *testing.B) {
	events := everyday(b, 2000)
	l := session.NewLogOf(b, 4<<20)
	defer l.Close()
	for range 20 {
		l.AppendAll(events)
	}
	b.Run("in-order", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for at := 0; at < l.InFile(); {
				_, at = l.Read(at)
			}
		}
		perEvent(b, l.InFile())
	})
	b.Run("anywhere", func(b *testing.B) {
		b.ReportAllocs()
		at := 0
		for b.Loop() {
			at = (at + 7919) % l.InFile()
			l.Read(at)
		}
	})
}
