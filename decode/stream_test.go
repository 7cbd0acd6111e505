package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/session"
)

// heard is what a Cutter makes of chunks, one line an event.
func heard(t *testing.T, chunks []session.Event) string {
	t.Helper()
	var b strings.Builder
	c := NewCutter(func(e session.Event) {
		fmt.Fprintf(&b, "%d %s %s %d+%d %q", e.Seq, e.Dir, e.Kind(), e.Offset, e.Size, e.Raw)
		if o, ok := e.Body.(session.RelayOpaque); ok {
			fmt.Fprintf(&b, " %s", o.Reason)
		}
		b.WriteByte('\n')
	})
	for _, e := range chunks {
		c.Take(e)
	}
	return b.String()
}

func said(dir session.Dir, text string) session.Event {
	return session.Event{Dir: dir, Body: session.StreamBytes{}, Raw: []byte(text)}
}

// cuts cuts what was seen into smaller chunks, in place.
func cuts(chunks []session.Event, size func() int) (out []session.Event) {
	for _, e := range chunks {
		if _, ok := e.Body.(session.StreamBytes); !ok {
			out = append(out, e)
			continue
		}
		for rest := e.Raw; len(rest) > 0; {
			n := min(size(), len(rest))
			part := e
			part.Raw, rest = bytes.Clone(rest[:n]), rest[n:]
			out = append(out, part)
		}
	}
	return out
}

const proceeds = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

// TestStreamDoesNotDependOnCuts: what is told of a stream is the same however its bytes
// are cut, across TLS, compression, and missing bytes.
func TestStreamDoesNotDependOnCuts(t *testing.T) {
	lost := func(dir session.Dir, n int64) session.Event {
		return session.Event{Dir: dir, Body: session.LogLost{Bytes: n}}
	}
	compressed := "<compressed xmlns='http://jabber.org/protocol/compress'/>"
	many := strings.Repeat("<message to='a'><body>hello</body></message>", 500)
	for name, chunks := range map[string][]session.Event{
		"TLS": {
			said(session.C2S, hdr), said(session.S2C, hdr+proceeds),
			{Leg: session.ServerLeg, Body: session.TLSEstablished{}}, {Leg: session.ClientLeg, Body: session.TLSEstablished{}},
			said(session.C2S, hdr+"<iq/> <a"), said(session.S2C, hdr),
			{Dir: session.C2S, Body: session.TCPHalfClosed{}}, said(session.S2C, "<b>"), {Body: session.TCPClosed{}},
		},
		"zlib": {
			said(session.C2S, hdr+"<compress/>"), said(session.S2C, hdr+compressed),
			said(session.C2S, string(deflate(hdr, many, "<r/>"))), said(session.S2C, string(deflate(hdr+many))),
			said(session.S2C, "no zlib <at>all"), {Body: session.TCPClosed{}},
		},
		"lost": {
			said(session.C2S, hdr+"<message><body>x"), lost(session.C2S, 1000),
			said(session.C2S, "</b></message> <presence to='a'/><iq type='get' id='1'/>"), lost(session.C2S, 7),
			said(session.C2S, strings.Repeat("no element ", 3000)+"<presence/>"), {Body: session.TCPClosed{}},
		},
		"lost in zlib": {
			said(session.S2C, hdr+compressed), said(session.S2C, string(deflate(hdr))), lost(session.S2C, 5),
			said(session.S2C, "more"), {Body: session.TCPClosed{}},
		},
		"guessed wrong": {
			lost(session.C2S, 1), said(session.C2S, "<message to='a'></wrong><presence type='x'/>"), {Body: session.TCPClosed{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := heard(t, chunks)
			if name == "lost" && !strings.Contains(whole, "stream:element 1") {
				t.Errorf("offsets do not count what is missing:\n%s", whole)
			}
			random := rand.New(rand.NewPCG(1, 1))
			for _, size := range []func() int{func() int { return 1 }, func() int { return 1 + random.IntN(7) }, func() int { return 1 + random.IntN(3000) }} {
				if got := heard(t, cuts(chunks, size)); got != whole {
					t.Errorf("(-whole +cut):\n%s", cmp.Diff(strings.Split(whole, "\n"), strings.Split(got, "\n")))
				}
			}
		})
	}
}

// TestStreamTurns: the next byte belongs to another layer, exactly.
func TestStreamTurns(t *testing.T) {
	var s Stream
	p := []byte(hdr + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\x16\x03")
	turned := 0
	for {
		n, piece, ok := s.Next(session.C2S, p)
		if !ok {
			break
		}
		p = p[n:]
		if piece.Turn == AsksTLS {
			turned++
			if string(p) != "\x16\x03" || !s.Between(session.C2S) {
				t.Errorf("%q is left", p)
			}
			break
		}
	}
	if turned != 1 {
		t.Error("<starttls/> was not told")
	}
}
