package proxy

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/session"
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
	"stream": true, "features": true, "proceed": true, "challenge": true, "success": true, "continue": true,
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
	if r.waited {
		return
	}
	waiting := ""
	dir := session.NoDir
	switch {
	case r.phase == securing && !r.header:
		waiting, dir = "the client speaks TLS from the first byte, and the handshake with the server is not done", session.S2C
	case r.phase == securing:
		waiting, dir = "TLS has begun, and the handshakes are not done", session.C2S
	case r.phase == asked:
		waiting, dir = "the client has asked for TLS and waits for the server's answer", session.S2C
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
