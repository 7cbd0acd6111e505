package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

func stanzas(n uint32) string { return session.Plural(int(n), "stanza") }

func (m *management) request(root *session.Element, dir session.Dir) []session.Note {
	n := decode.Explain("XEP-0198 §4", root.Span, "the %s asks how many stanzas have arrived", dir.Sender())
	if m.Known(dir) {
		n.Name, n.Value, n.Holds = "unacked", number(m.Unacked(dir)), session.Word
		n.Text += "; it has sent " + number(m.Sent[dir]) + ", still to be acknowledged: " + n.Value
	}
	return []session.Note{n}
}

// answer is check M02: h is compared with what the other side has sent.
func (m *management) answer(root *session.Element, dir session.Dir) []session.Note {
	value := root.Attr("h")
	h, ok := parseH(root)
	if !ok {
		return []session.Note{decode.Breach("M02", root.Span, "the %s's acknowledgement has no number (h is %q)", dir.Sender(), value)}
	}
	from := dir.Opposite()
	n := field("XEP-0198 §4", "h", value, root.AttrSpan("h"), "").Is(session.Word)
	switch before := m.Acked[from]; {
	case !m.Known(from):
		n.Text = "so many stanzas have arrived at the " + dir.Sender()
	case int32(h-before) < 0: // differences modulo 2^32: h wraps
		n.Rule, n.Severity = "M02", session.Error
		n.Text = "the " + dir.Sender() + " has acknowledged fewer stanzas than before, when it was " + number(before)
	case int32(m.Sent[from]-h) < 0:
		n.Rule, n.Severity = "M02", session.Error
		n.Text = "the " + dir.Sender() + " has acknowledged more stanzas than the " + from.Sender() + " sent, which is " + number(m.Sent[from])
	case h == m.Sent[from]:
		n.Text = "every stanza of the " + from.Sender() + " has arrived: " + value
	default:
		n.Text = value + " of the " + from.Sender() + "'s " + stanzas(m.Sent[from]) + " have arrived; " + number(m.Sent[from]-h) + " in its queue would be sent again after a resume"
	}
	if n.Severity != session.Error {
		m.Acked[from] = h
	}
	return []session.Note{n}
}

// parseH reads an h, a number below 2^32.
func parseH(el *session.Element) (uint32, bool) {
	h, err := strconv.ParseUint(el.Attr("h"), 10, 32)
	return uint32(h), err == nil
}
