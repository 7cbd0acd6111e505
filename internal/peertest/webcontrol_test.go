package peertest

import (
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestWebControl: what can be done to streams can be done in WebSocket.
func TestWebControl(t *testing.T) {
	s := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, s)
	for _, c := range []struct{ library, scheme string }{{"xmpp.js", "ws"}, {"stanza", "ws"}, {"xmpp.js", "wss"}, {"stanza", "wss"}} {
		t.Run(c.library+" "+c.scheme, func(t *testing.T) {
			xmpptest.Need(t, c.library)
			upstream := "ws://" + s.HTTP
			if c.scheme == "wss" {
				upstream = "tls://" + s.HTTPS
			}
			says := "in WebSocket, held, " + t.Name()
			controlled(t, s, upstream, bob, says, func(scope *scope) xmpptest.Ran {
				return xmpptest.WebClient(t, c.library, "ws", c.scheme+"://"+scope.Addr+"/xmpp-websocket", xmpptest.Login{CAFile: scope.CAFile, Says: says})
			})
		})
	}
}
