package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refResume = "XEP-0198 §5"

// resumption is what the client has asked for and the server not yet answered.
type resumption struct {
	h      uint32
	ok     bool // h could be read
	before *decode.Resumable
}

// maxID bounds the ids that are remembered, in bytes.
const maxID = 1000

// keepAs remembers this session under the name that the server gave it.
func (m *management) keepAs(run *decode.Run, id string) {
	id = strings.Clone(id)
	m.id, m.kept = id, &decode.Resumable{}
	m.keep()
	if len(id) <= maxID {
		run.Resumable.Put(id, m.kept)
	}
}

// keep brings what is remembered up to date.
func (m *management) keep() {
	if m.kept == nil {
		return
	}
	m.kept.Sent[session.C2S].Store(m.Sent[session.C2S])
	m.kept.Sent[session.S2C].Store(m.Sent[session.S2C])
	m.kept.Unknown.Store(m.Unknown)
}

// recall finds an earlier session; nil if it was not seen, or not as a whole.
func recall(run *decode.Run, id string) *decode.Resumable {
	k, _ := run.Resumable.Get(id)
	if k == nil || k.Unknown.Load() {
		return nil
	}
	return k
}

func (m *management) resume(s *decode.Seen, el *session.Element) []session.Note {
	id := el.Attr("previd")
	if id == "" || el.Attr("h") == "" {
		return []session.Note{decode.Finding("M04", refResume, session.Error, el.Span, "the client's resume lacks previd or h: the server cannot know what to take up")}
	}
	m.asked = resumption{before: recall(s.State.Run, id)}
	m.asked.h, m.asked.ok = parseH(el)
	notes := []session.Note{sessionID(refResume, id, el.AttrSpan("previd"), "the client asks to take up this earlier session in place of binding")}
	return append(notes, m.missing(el, session.C2S, m.asked.h, m.asked.ok))
}

// resumed goes on counting on both sides from the numbers that they have told.
func (m *management) resumed(s *decode.Seen, el *session.Element) []session.Note {
	h, ok := parseH(el)
	notes := []session.Note{
		decode.Explain(refResume, el.Tag, "the server takes up the earlier session; no bind is needed, and both send again what was lost"),
		m.missing(el, session.S2C, h, ok),
	}
	m.Acks = decode.Acks{Counting: [3]bool{false, true, true}, Unknown: !ok || !m.asked.ok}
	m.Sent = [3]uint32{session.C2S: h, session.S2C: m.asked.h}
	m.Acked = m.Sent
	m.enabled = true
	m.asked = resumption{}
	m.keepAs(s.State.Run, el.Attr("previd"))
	return notes
}

// missing explains the h of resume and resumed: what arrived at the side that says
// it, and so what the other has to send again, where the earlier session was seen.
func (m *management) missing(el *session.Element, dir session.Dir, h uint32, ok bool) session.Note {
	n := field(refResume, "h", el.Attr("h"), attrSpan(el, "h"), "so many stanzas have arrived at the "+dir.Sender()).Is(session.Word)
	from := dir.Opposite()
	if m.asked.before == nil || !ok {
		return n
	}
	sent := m.asked.before.Sent[from].Load()
	switch lost := sent - h; {
	case int32(lost) < 0:
		n.Rule, n.Severity = "M02", session.Error
		n.Text = "the " + dir.Sender() + " has acknowledged more stanzas than the " + from.Sender() + " sent, which is " + number(sent)
	case lost == 0:
		n.Text += ", which is all that the " + from.Sender() + " sent: it has nothing to send again"
	default:
		n.Text += "; the " + from.Sender() + " had sent " + number(sent) + ", so it has to send its last " + stanzas(lost) + " again"
	}
	return n
}

// closed: a stream that is ended in an orderly way ends the session too.
func (m *management) closed() []session.Note {
	if m.ended || m.id == "" {
		m.ended = true
		return nil
	}
	m.ended = true
	return tell(refResume, session.Span{}, "the stream is closed in an orderly way: the session is over, and cannot be resumed")
}

// gone predicts what a resume would do after the connection broke.
func (m *management) gone() []session.Note {
	if m.ended || !m.Counting[session.S2C] {
		return nil
	}
	m.ended = true
	var queues string
	if !m.Unknown {
		queues = "; not acknowledged are " + stanzas(m.Unacked(session.C2S)) + " of the client and " + number(m.Unacked(session.S2C)) + " of the server"
	}
	if m.id == "" {
		return tell(refResume, session.Span{}, "the connection is gone, and the session cannot be resumed%s", queues)
	}
	within := ""
	if m.max != "" {
		within = " within " + m.max + " seconds"
	}
	return tell(refResume, session.Span{}, "the connection is gone, but not the session: the client can resume it%s on a new one%s, which are then sent again if they have not arrived", within, queues)
}
