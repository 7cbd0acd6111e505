package proxy

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"

	"xmppscope/decode"
	"xmppscope/session"
)

// excuse answers a client whose server cannot be reached, in the server's place:
// a stream header, the stream error remote-connection-failed (RFC 6120 §4.9.3.15)
// and the end of the stream. It waits for the client's header to be answered.
func (r *Relay) excuse() {
	if r.phase != unreachable {
		return
	}
	if r.requested {
		r.excuseWeb()
		return
	}
	if r.stream.IsOpaque(session.C2S) {
		r.close(ourselves) // whatever it speaks, it is not XMPP
		return
	}
	if !r.header {
		return
	}
	header, failure := errorBytes(r.domain, r.content, "remote-connection-failed", "xmppscope cannot reach the server")
	r.say(&Sending{Dir: session.S2C, XML: header, Reason: "a stream header"})
	r.say(&Sending{Dir: session.S2C, XML: failure, Reason: "the server could not be reached, so the client is told remote-connection-failed"})
	r.close(ourselves)
}

// errorBytes is a stream that is opened in the server's place, and ends with an error.
func errorBytes(domain, content, condition, text string) (header, failure []byte) {
	return headerBytes(domain, content), []byte("<stream:error><" + condition + " xmlns='" + decode.NSStreamError + "'/>" +
		"<text xmlns='" + decode.NSStreamError + "' xml:lang='en'>" + text + "</text></stream:error></stream:stream>")
}

// headerBytes is a stream header in the server's place.
func headerBytes(domain, content string) []byte {
	if content == "" {
		content = decode.NSClient
	}
	var id [12]byte
	rand.Read(id[:])
	var b bytes.Buffer
	b.WriteString("<?xml version='1.0'?><stream:stream")
	attr := func(name, value string) {
		if value != "" {
			b.WriteString(" " + name + "='" + session.EscapeXML(value) + "'")
		}
	}
	attr("from", domain)
	attr("id", hex.EncodeToString(id[:]))
	attr("version", "1.0")
	attr("xml:lang", "en")
	attr("xmlns", content)
	attr("xmlns:stream", decode.NSStreams)
	b.WriteString(">")
	return b.Bytes()
}
