package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// sight says whether checks of the order of things can still be made. Once
// something was lost, or can no longer be read, what seems to be missing may have
// been there.
type sight struct{ lost bool }

// clear takes every event and says whether all before it was seen.
func (v *sight) clear(s *decode.Seen) bool {
	switch s.Event.Body.(type) {
	case session.LogLost, session.RelayOpaque:
		v.lost = true
	case session.StreamElement:
		v.lost = v.lost || s.Root == nil
	}
	return !v.lost
}

// attempt follows one SASL exchange. Clients that pipeline (XEP-0305) open the
// next stream, and go on in it, before the server has let them in.
type attempt struct{ going, reopened bool }

// see takes every event.
func (a *attempt) see(s *decode.Seen) {
	if _, opened := s.Event.Body.(session.StreamOpened); opened && s.Event.Dir == session.C2S {
		a.reopened = a.going
	}
	if !isElement(s) || !decode.IsSASL(s.Root.Name.Space) {
		return
	}
	switch s.Root.Name.Local {
	case "auth", "authenticate":
		*a = attempt{going: true}
	case "success", "failure":
		a.going = false
	}
}

// ahead says whether the client already lives in the stream after the login.
func (a *attempt) ahead() bool { return a.going && a.reopened }

func isElement(s *decode.Seen) bool {
	_, ok := s.Event.Body.(session.StreamElement)
	return ok && s.Root != nil
}

// role is what kind of stream it is.
type role uint8

const (
	clientStream role = iota // between a client and its server, or nothing says otherwise
	serverStream             // between two servers
	componentStream
)

// roleOf tells by the content namespace of the headers (RFC 6120 §4.8.3).
func roleOf(state *decode.State) role {
	for _, h := range state.Header {
		switch {
		case h == nil:
		case h.Content == decode.NSServer:
			return serverStream
		case component(h):
			return componentStream
		}
	}
	if state.Assumed == decode.NSServer && state.Header == [3]*decode.Header{} {
		return serverStream
	}
	return clientStream
}

// domainOf is the domain of a JID.
func domainOf(jid string) string {
	jid = session.BareJID(jid)
	for i := range len(jid) {
		if jid[i] == '@' {
			return jid[i+1:]
		}
	}
	return jid
}
