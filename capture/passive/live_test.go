package passive

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// live reads the connection of a client in a capture as if it happened now. Keys come before the bytes,
// behind them, or none do.
func live(t *testing.T, capture []byte, client, early, late string, end session.Body) (out []session.Event) {
	t.Helper()
	explain := explainers()()
	var l *Live
	inOrder, err := packet.Survey(func() (io.Reader, error) { return bytes.NewReader(capture), nil }, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = packet.Read(bytes.NewReader(capture), packet.Options{Late: inOrder}, func(e *packet.Event) error {
		if e.Conn == nil || e.Conn.Client.String() != client {
			return nil
		}
		if l == nil {
			l = NewLive(LiveOptions{
				Session: 1, Began: e.At, Client: e.Conn.Client.String(), Server: e.Conn.Server.String(), Hint: "do something",
				Emit: func(s session.Seen) { out = append(out, explain.Explain(s)) },
			})
			if early != "" {
				l.Keys(e.At, early)
			}
		}
		switch e.Kind {
		case packet.Data:
			l.Bytes(e.At, e.Dir, e.Bytes)
		case packet.Gap:
			l.Missing(e.At, e.Dir, e.Lost)
		case packet.Ended:
			if late != "" {
				l.Keys(e.At, late)
				late = ""
			}
			l.Ended(e.At, e.Dir)
		case packet.Closed:
			l.Close(session.Seen{At: e.At, Leg: session.ClientLeg, Body: end})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLive: what is seen of a connection as it happens is what a capture of it tells, whenever
// the secrets come; without them it is said, and what to do.
func TestLive(t *testing.T) {
	for name, c := range dumps(t) {
		capture, keys := c.capture, c.keys
		t.Run(name, func(t *testing.T) {
			want, _ := read(t, capture, keys)
			client := want[0].Body.(session.TCPOpened).Peer
			var end session.Body = session.TCPClosed{}
			for i := range want {
				if b, ok := want[i].Body.(session.TCPClosed); ok {
					end = b
				}
			}
			if d := cmp.Diff(told(want), told(live(t, capture, client, keys, "", end))); d != "" {
				t.Errorf("secrets first (-want +got):\n%s", d)
			}
			if d := cmp.Diff(told(want), told(live(t, capture, client, "", keys, end))); d != "" {
				t.Errorf("secrets behind the bytes (-want +got):\n%s", d)
			}
			for _, none := range []string{"", "\n"} {
				var locked []session.TLSLocked
				for _, e := range live(t, capture, client, "", none, end) {
					if b, ok := e.Body.(session.TLSLocked); ok {
						locked = append(locked, b)
					}
				}
				if len(locked) != 1 || locked[0].Reason == "" || locked[0].Hint != "do something" {
					t.Errorf("without secrets: %+v", locked)
				}
			}
		})
	}
}

// TestLiveBOSH: each connection of a session of BOSH is told by itself, whatever it names.
func TestLiveBOSH(t *testing.T) {
	var w weave
	k := newTalk(40000, 5280, true)
	w.asks(k, boshBody(11, "<presence xmlns='jabber:client'/>"))
	w.add(k.bye())
	capture := file(w.packets)
	elements := 0
	for _, e := range live(t, capture, "10.0.0.1:40000", "", "", session.TCPClosed{By: "client"}) {
		if e.Kind() == "stream:element" && e.Session == 1 && e.Conn == 0 && !e.Beside {
			elements++
		}
	}
	if elements != 1 {
		t.Errorf("%d elements are told as of the connection", elements)
	}
}

// TestLiveOther: what is no XMPP is a session all the same, with its beginning and its end.
func TestLiveOther(t *testing.T) {
	capture := pcap(newTalk(40000, 5222, true).say(c2s, "GET / HTTP/1.1\r\n\r\n").say(s2c, "HTTP/1.1 200 OK\r\n\r\n").bye())
	events := live(t, capture, "10.0.0.1:40000", "", "", session.TCPClosed{By: "client"})
	if got := told(events); !strings.HasPrefix(got, "1.1 tcp:opened") || !strings.HasSuffix(got, "tcp:closed client\n") {
		t.Error(got)
	}
}
