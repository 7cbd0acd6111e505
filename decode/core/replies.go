package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-replies", Title: "Errors that come back", Ref: "RFC 6120 §8.3.1",
		Match: decode.Stanza("message", "presence"),
		New:   func() decode.Explainer { return &replies{} },
	})
}

// maxPeers bounds what is remembered of the peers of a session.
const maxPeers = 1000

// peerKey is a stanza of one kind to someone, errorKey an error about one.
type (
	peerKey struct {
		dir        session.Dir
		name, peer string
	}
	errorKey struct {
		dir      session.Dir
		name, id string
	}
)

// replies knows the messages and presences that may come back as errors.
type replies struct {
	sent   map[peerKey]*string // newest id sent to a peer; "" once one had none
	errors map[errorKey]answer
}

// Explain implements decode.Explainer: it is checks Q10 and Q13.
func (r *replies) Explain(s *decode.Seen) []session.Note {
	dir, name := s.Event.Dir, s.Stanza()
	id, hasID := s.Root.LookupAttr("id")
	if s.Root.Attr("type") != "error" {
		r.remember(peerKey{dir, name, session.BareJID(s.Root.Attr("to"))}, id)
		return nil
	}
	now := answer{failed: true, from: s.Root.Attr("from"), to: s.Root.Attr("to")}
	before, crossed := r.errors[errorKey{dir.Opposite(), name, id}]
	r.failed(errorKey{dir, name, id}, now)
	if hasID && crossed && fits(before, now) {
		return []session.Note{decode.Breach("Q10", s.Root.Tag, "the %s answers the error %q with an error; errors are never answered", dir.Sender(), id)}
	}
	asked := r.sent[peerKey{dir.Opposite(), name, session.BareJID(s.Root.Attr("from"))}]
	if hasID || asked == nil || *asked == "" {
		return nil
	}
	return []session.Note{decode.Breach("Q13", s.Root.Tag, "the %s's error has no id, but the %s that it is about had %q", dir.Sender(), name, *asked)}
}

// remember keeps the id of what is sent to a peer. Where one had none, an error
// without id may be about that.
func (r *replies) remember(k peerKey, id string) {
	if r.sent == nil {
		r.sent = map[peerKey]*string{}
	}
	before := r.sent[k]
	if before == nil {
		if len(r.sent) >= maxPeers {
			clear(r.sent)
		}
		k.peer, before = decode.Keep(k.peer), new(string)
		r.sent[k] = before
	} else if *before == "" {
		return
	}
	*before = decode.Keep(id)
}

// failed keeps an error, which nobody may answer with another.
func (r *replies) failed(k errorKey, a answer) {
	if r.errors == nil {
		r.errors = map[errorKey]answer{}
	}
	if len(r.errors) >= maxPeers {
		clear(r.errors)
	}
	k.id = decode.Keep(k.id)
	r.errors[k] = a.kept()
}
