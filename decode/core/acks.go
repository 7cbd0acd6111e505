package core

import (
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-acks", Title: "Acknowledgements that do not come", Ref: "XEP-0198 §4",
		New: func() decode.Explainer { return &acks{} },
	})
}

// ackPatience is how long an answer to <r/> may take before it is said to be late.
// Servers give up a silent client after one to five minutes.
const ackPatience = 30 * time.Second

// acks knows, by direction, since when an <r/> waits for its <a/>.
type acks struct {
	sight
	since [3]time.Time
	said  [3]bool
}

// Explain implements decode.Explainer: it is check M03. The other side is late
// only if it is alive: if it sends something else, or the connection ends.
func (k *acks) Explain(s *decode.Seen) []session.Note {
	if !k.clear(s) {
		return nil
	}
	switch b := s.Event.Body.(type) {
	case session.StreamOpened:
		k.since = [3]time.Time{}
	case session.StreamElement:
		return k.element(s)
	case session.TCPClosed:
		if s.Event.Leg == session.ClientLeg && b.By != session.OriginSelf {
			return append(k.late(s, session.C2S), k.late(s, session.S2C)...)
		}
	}
	return nil
}

func (k *acks) element(s *decode.Seen) []session.Note {
	name, dir := s.Root.Name, s.Event.Dir
	if name.Space != decode.NSSM2 && name.Space != decode.NSSM3 {
		return k.late(s, dir.Opposite())
	}
	switch name.Local {
	case "a":
		k.since[dir.Opposite()], k.said[dir.Opposite()] = time.Time{}, false
	case "r":
		if k.since[dir].IsZero() {
			k.since[dir] = s.Event.At
		}
	}
	return nil
}

// late says that a question of one side has waited for too long.
func (k *acks) late(s *decode.Seen, asker session.Dir) []session.Note {
	since := k.since[asker]
	if since.IsZero() || k.said[asker] || s.Event.At.Sub(since) < ackPatience {
		return nil
	}
	k.said[asker] = true
	return []session.Note{decode.Breach("M03", session.Span{},
		"the %s has not answered the %s's request for acknowledgement in %s", asker.Opposite().Sender(), asker.Sender(), session.ShortTime(s.Event.At.Sub(since)))}
}
