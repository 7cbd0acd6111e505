package core

import (
	"fmt"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-iq", Title: "Requests and answers", Ref: "RFC 6120 §8.2.3",
		Match: decode.NoStanza().Or(decode.Stanza("iq")),
		New:   func() decode.Explainer { return &requests{} },
	})
}

// requests knows which answers were given.
type requests struct {
	sight
	answered map[answerKey]answer
}

// Explain implements decode.Explainer.
func (r *requests) Explain(s *decode.Seen) []session.Note {
	r.clear(s)
	if b, ok := s.Event.Body.(session.TCPClosed); ok {
		return r.closed(s, b)
	}
	if !s.IsStanza() {
		return nil
	}
	return r.explainIQ(s)
}

// requestNames are everyday words for what an iq is about.
var requestNames = map[string]string{
	decode.NSBind:                             "bind",
	decode.NSSession:                          "session",
	decode.NSRoster:                           "roster",
	decode.NSIQAuth:                           "iq-auth",
	"urn:xmpp:ping":                           "ping",
	"urn:xmpp:carbons:2":                      "carbons",
	"urn:xmpp:blocking":                       "block list",
	"urn:xmpp:mam:2":                          "message archive",
	"jabber:iq:version":                       "software version",
	"jabber:iq:private":                       "private storage",
	"jabber:iq:register":                      "registration",
	"jabber:iq:last":                          "last activity",
	"vcard-temp":                              "vCard",
	"urn:xmpp:time":                           "time",
	"urn:xmpp:push:0":                         "push notification",
	"urn:xmpp:http:upload:0":                  "upload slot",
	"urn:xmpp:extdisco:2":                     "external service",
	"http://jabber.org/protocol/disco#info":   "disco#info",
	"http://jabber.org/protocol/disco#items":  "disco#items",
	"http://jabber.org/protocol/pubsub":       "pubsub",
	"http://jabber.org/protocol/pubsub#owner": "pubsub owner",
	"http://jabber.org/protocol/commands":     "ad-hoc command",
	"http://jabber.org/protocol/muc#owner":    "room owner",
	"http://jabber.org/protocol/muc#admin":    "room admin",
	"http://jabber.org/protocol/bytestreams":  "file transfer proxy",
}

func requestName(n session.Name) string {
	if w := requestNames[n.Space]; w != "" {
		return w
	}
	return fmt.Sprintf("%q", n.Local)
}

func (r *requests) explainIQ(s *decode.Seen) (notes []session.Note) {
	if _, ok := s.Root.LookupAttr("id"); !ok {
		notes = append(notes, decode.Breach("Q01", s.Root.Tag, "the %s's iq has no id, so its answer cannot be told from others", s.Event.Dir.Sender()))
	}
	children := 0
	for range s.Root.Elements() {
		children++
	}
	switch typ := s.Root.Attr("type"); typ {
	case "get", "set":
		r.ask(s)
		return gather(notes, explainRequest(s, typ, children))
	case "result", "error":
		if typ == "result" && children > 1 {
			notes = append(notes, decode.Breach("Q04", s.Root.Tag, "the result holds %d elements; one at most is allowed", children))
		}
		if again, ok := r.answer(s, typ); ok {
			return append(notes, again)
		}
		return gather(notes, explainAnswer(s, typ))
	default:
		return append(notes, decode.Breach("Q02", s.Root.Tag, "the iq's type is %q; get, set, result and error are defined", typ))
	}
}

func explainRequest(s *decode.Seen, typ string, children int) []session.Note {
	if children != 1 {
		return []session.Note{decode.Breach("Q03", s.Root.Tag, "a %s must hold exactly one element; this one holds %d", typ, children)}
	}
	return []session.Note{decode.Explain("RFC 6120 §8.2.3", s.Root.Tag, "the %s sends %s a %s: %s", s.Event.Dir.Sender(), receiver(s), typ, requestName(s.Root.First().Name))}
}

// receiver says whom a stanza is for.
func receiver(s *decode.Seen) string {
	switch to := s.Root.Attr("to"); {
	case s.Event.Dir == session.S2C:
		return "the client"
	case to == "":
		return "its own server"
	default:
		return decode.Quote(to)
	}
}

func explainAnswer(s *decode.Seen, typ string) []session.Note {
	if s.Request == nil && s.State.Joined {
		return []session.Note{decode.Explain("RFC 6120 §8.2.3", s.Root.Tag, "the %s answers %q, which was asked before this recording began", s.Event.Dir.Sender(), s.Root.Attr("id"))}
	}
	if s.Request == nil {
		return []session.Note{decode.Finding("Q05", "RFC 6120 §8.2.3", session.Notice, s.Root.Tag, "the %s answers %q, but no such request was seen", s.Event.Dir.Sender(), s.Root.Attr("id"))}
	}
	kind := "the " + requestName(s.Request.Payload)
	outcome := "answers"
	if typ == "error" {
		outcome = "refuses"
	}
	return []session.Note{decode.Explain("RFC 6120 §8.2.3", s.Root.Tag, "%s %s request sent %s before", outcome, kind, session.ShortTime(s.Event.RTT))}
}
