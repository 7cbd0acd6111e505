package tlsintercept

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"

	"xmppscope/session"
)

// ReadFailed says what it means that reading from a leg failed before any
// application data had come on it: NSS finishes the handshake and then sends its
// alert, Node finishes it and hangs up, and with TLS 1.3 a server that misses a
// client certificate says so only now. It is nil if the error has nothing to do
// with TLS: our own closing, or a server that just hangs up.
func (s *Secured) ReadFailed(leg session.Leg, err error) *session.TLSFailed {
	if err == nil || errors.Is(err, net.ErrClosed) || isTimeout(err) {
		return nil
	}
	f := failure{leg: leg, facts: s.serverFacts, err: err, last: session.NoAlert}
	if leg == session.ClientLeg {
		f.facts, f.asked, f.shown = s.clientFacts, true, true
	}
	var notTLS tls.RecordHeaderError
	if leg == session.ClientLeg && errors.As(err, &notTLS) {
		out := f.classify()
		f.distrust(&out, fmt.Sprintf("the client sends plaintext where TLS has to be, as some do when they have given up on our certificate for %q and say goodbye", f.facts.Domain))
		return &out
	}
	got := RemoteAlert(err)
	if leg == session.ServerLeg && got == session.NoAlert {
		if !f.facts.Mutual || !isClosed(err) {
			return nil
		}
		got = session.AlertCertificateRequired // it asked for a certificate, got none, and hung up
		out := f.classify()
		f.serverAlerted(&out, got)
		return &out
	}
	if got == session.NoAlert && !isClosed(err) {
		return nil
	}
	out := f.classify()
	if leg == session.ClientLeg && got == session.NoAlert {
		f.distrust(&out, fmt.Sprintf("the client hung up right after the handshake, without an alert and before its stream header, as some do when they do not trust our certificate for %q, or look for another name, such as the address they connect to", f.facts.Domain))
	}
	if errors.Is(err, io.EOF) {
		out.Err = ""
	}
	return &out
}
