package proxy

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// turn is whose turn it is in a login, which is a dialogue; behind it silence
// means nothing.
type turn struct {
	spoke session.Dir // who has said something last
	word  string      // what it was: "auth"
	over  bool        // the login is, as far as can be told from names
}

// loginWords are what a server says in a login and may be silent after, because
// the client has to go on.
var loginWords = map[string]bool{
	"stream": true, "open": true, "features": true, "proceed": true, "challenge": true, "success": true, "continue": true,
	"failure": true, "failed": true, "compressed": true,
}

// heard takes every frame.
func (t *turn) heard(dir session.Dir, f *decode.Frame) {
	if f.Kind != decode.Opened && f.Kind != decode.Element {
		return
	}
	t.spoke, t.word = dir, session.SafeLine(string(f.Local()))
	if dir == session.S2C {
		t.over = t.over || !loginWords[t.word] || t.word == "success" && bytes.Contains(f.Tag, []byte(decode.NSSASL2))
	} else {
		t.over = t.over || t.word == "presence" || t.word == "message"
	}
}

// waiting says who is waiting for whom, and who is silent; "" if nobody is.
func (t *turn) waiting() (string, session.Dir) {
	switch {
	case t.over:
		return "", session.NoDir
	case t.spoke == session.C2S:
		return "the client has sent <" + t.word + "> and waits for the server's answer", session.S2C
	case t.spoke == session.S2C:
		return "the server has sent <" + t.word + "> and waits for the client", session.C2S
	}
	return "", session.NoDir
}

// silence says, once, who keeps whom waiting.
func (r *Relay) silence(in Waited) {
	if r.waited || in.For < waitTime || r.interferes() {
		return
	}
	waiting := ""
	dir := session.NoDir
	switch {
	case r.phase == asked:
		waiting, dir = "the client has asked for TLS and waits for the server's answer", session.S2C
	case r.phase == securing || r.phase == connecting && r.awaits != 0:
		waiting, dir = handshakeWaits(r.awaits)
	case r.phase == relaying && !r.header && r.isWeb(): // it need not have anything to ask
		return
	case r.phase == relaying && !r.header && (r.ended[session.C2S] || r.stream.IsOpaque(session.C2S)):
		return // it will send none
	case r.phase == relaying && !r.header && r.secured:
		waiting, dir = "TLS is up, and the client has sent no stream header: it may be asking its user about the certificate", session.C2S
	case r.phase == relaying && !r.header:
		waiting, dir = "the server waits for the client's stream header", session.C2S
	case r.phase == relaying && !r.answered:
		waiting, dir = "the client waits for the server's stream header", session.S2C
	case r.phase == sniffing, r.phase == addressing:
		waiting, dir = "the server is not connected yet: the client has sent no complete stream header", session.C2S
	case r.phase == relaying && !r.ended[session.C2S] && !r.ended[session.S2C]:
		waiting, dir = r.turn.waiting()
	}
	if waiting == "" {
		return
	}
	r.waited = true
	r.record(dir, session.RelayTimeout{Waiting: waiting, After: in.For}, nil)
}

// handshakeWaits says who keeps a TLS handshake waiting.
func handshakeWaits(what tlsintercept.Wait) (string, session.Dir) {
	switch what {
	case tlsintercept.WaitServer:
		return "the server does not answer the TLS handshake, and the client waits for it", session.S2C
	case tlsintercept.WaitClient:
		return "the client was shown xmppscope's certificate and has not gone on with the TLS handshake: it may be asking its user about it", session.C2S
	}
	return "TLS was agreed on, and the client has not begun the handshake", session.C2S
}
