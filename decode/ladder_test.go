package decode_test

import (
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestFirstHeader: a rung says "anew" of a stream header only where there was one before.
func TestFirstHeader(t *testing.T) {
	const headers = `
C: <stream:stream to='a.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S: <stream:stream from='a.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	const starttls = `
S: <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>
C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
	for name, tt := range map[string]struct{ dialogue, last string }{
		"direct TLS": {"*: tls" + headers, "client opens the stream"},
		"STARTTLS":   {headers[1:] + starttls + "\n*: tls" + headers, "client opens a new stream"},
	} {
		var title string
		for _, e := range xmpptest.Play(t, tt.dialogue) {
			if _, ok := e.Body.(session.StreamOpened); ok && e.Dir == session.C2S {
				title = e.Step.Title
			}
		}
		if title != tt.last {
			t.Errorf("%s: the last header of the client is %q, want %q", name, title, tt.last)
		}
	}
}
