package core

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-dialback", Title: "Servers and the domains they speak for", Ref: "XEP-0220 §2",
		New: func() decode.Explainer { return &dialback{} },
	})
}

// pair is who may send stanzas to whom.
type pair struct{ from, to string }

// kept is a pair to be remembered, without the bytes that it was read from.
func (p pair) kept() pair { return pair{strings.Clone(p.from), strings.Clone(p.to)} }

// maxPairs bounds what is remembered of one stream.
const maxPairs = 1000

// dialback knows which pairs of domains were proved on a stream between servers.
type dialback struct {
	sight
	valid  map[pair]bool
	asked  []asking
	proved bool // dialback is in use
	bidi   bool // stanzas flow both ways (XEP-0288)
}

// asking is a result or verify that waits for its answer.
type asking struct {
	verify bool // else a result
	dir    session.Dir
	pair
}

// Explain implements decode.Explainer.
func (d *dialback) Explain(s *decode.Seen) []session.Note {
	known := d.clear(s)
	switch {
	case !isElement(s):
		return nil
	case s.Root.Name.Space == decode.NSDialback:
		return append(dialbackPrefix(s), d.dialback(s)...)
	case s.Root.Name.Space == "urn:xmpp:bidi":
		d.bidi = true
		return []session.Note{decode.Explain("XEP-0288 §2", s.Root.Span, "stanzas will flow both ways on this connection, once the other side has proved its domain")}
	case s.IsStanza() && roleOf(s.State) == serverStream:
		return d.stanza(s, known && !s.State.Joined)
	case s.IsStanza() && roleOf(s.State) == componentStream && s.Event.Dir == session.C2S && s.Root.Attr("from") == "":
		return []session.Note{decode.Finding("Q11", "XEP-0114 §3", session.Error, s.Root.Tag, "the component's %s has no \"from\"; a component must say which of its addresses is speaking", s.Root.Name.Local)}
	}
	return nil
}

// dialbackPrefix is D03.
func dialbackPrefix(s *decode.Seen) []session.Note {
	if s.Root.Name.Prefix == "db" {
		return nil
	}
	return []session.Note{decode.Finding("D03", "XEP-0220 §2.1.1", session.Warning, s.Root.Tag,
		"the %s writes dialback with the prefix %q; many servers know %q alone", s.Event.Dir.Sender(), s.Root.Name.Prefix, "db")}
}

// dialback is D01.
func (d *dialback) dialback(s *decode.Seen) []session.Note {
	d.proved = true
	root, who := s.Root, s.Event.Dir.Sender()
	p := pair{root.Attr("from"), root.Attr("to")}
	name := root.Name.Local
	if name != "result" && name != "verify" {
		return nil
	}
	if p.from == "" || p.to == "" || name == "verify" && root.Attr("id") == "" {
		return []session.Note{decode.Breach("D01", root.Tag, "the %s's %s lacks from, to or (verify) the id of the stream that it is about", who, name)}
	}
	typ := root.Attr("type")
	if typ == "" {
		if len(d.asked) < maxPairs {
			d.asked = append(d.asked, asking{name == "verify", s.Event.Dir, p.kept()})
		}
		return d.question(s, p)
	}
	return d.answer(s, p, typ)
}

func (d *dialback) question(s *decode.Seen, p pair) []session.Note {
	text := "the server that opened the stream says that it is %q, and hands over a key that %q can check with that domain's own server"
	if s.Root.Name.Local == "verify" {
		text = "%q asks the server of %q whether the key that it was given is good"
	}
	notes := []session.Note{decode.Explain("XEP-0220 §2.1", s.Root.Span, text, p.from, p.to)}
	if s.Root.Text() == "" {
		notes = append(notes, decode.Breach("D01", s.Root.Tag, "the %s's %s holds no key, and no answer either (it has no type)", s.Event.Dir.Sender(), s.Root.Name.Local))
	}
	return append(notes, checkKey(s, p)...)
}

// checkKey holds a dialback key against the one that the domain's server makes of its
// secret, where that is known. How it is made is advice alone (XEP-0185): one that does not
// fit may be made in another way.
func checkKey(s *decode.Seen, p pair) []session.Note {
	receiving, originating, id := p.to, p.from, ""
	if h := s.State.Header[s.Event.Dir.Opposite()]; h != nil {
		id = h.ID
	}
	if s.Root.Name.Local == "verify" {
		receiving, originating, id = p.from, p.to, s.Root.Attr("id")
	}
	key := strings.TrimSpace(s.Root.Text())
	if key == "" || id == "" {
		return nil
	}
	check := decode.CheckForms(s.State.SecretOf(originating), func(secret string) bool {
		return decode.DialbackKey(secret, receiving, originating, id) == key
	})
	n := field("XEP-0185 §2", "key-check", "fits", s.Root.TextSpan(), "the key is what the secret given to xmppscope makes of the two domains and the stream's id").Is(session.Word)
	n.Rule = decode.RuleVerify
	switch check.Result {
	case decode.Unchecked:
		return nil
	case decode.Differs:
		n.Value, n.Severity = "does not fit", session.Warning
		n.Text = "the key is not what the secret given to xmppscope makes of the two domains and the stream's id: the server has another secret, or makes its keys in a way of its own"
	}
	return []session.Note{n}
}

// dialbackAnswers says what the answers mean (XEP-0220 §2.1.1, §2.1.2, §2.4.2).
var dialbackAnswers = map[string]struct {
	severity session.Severity
	text     string
}{
	"valid":   {session.Info, "the key is good: %q is what it says it is"},
	"invalid": {session.Error, "the key is not good: %q could not prove its domain"},
	"error":   {session.Warning, "whether %q is what it says could not be found out; the stream may go on for other domains"},
}

func (d *dialback) answer(s *decode.Seen, p pair, typ string) []session.Note {
	known, ok := dialbackAnswers[typ]
	if !ok {
		return []session.Note{decode.Breach("D01", s.Root.AttrSpan("type"), "the %s's answer is %q; valid, invalid and error are defined", s.Event.Dir.Sender(), typ)}
	}
	n := decode.Explain("XEP-0220 §2.1", s.Root.Tag, known.text, p.to)
	n.Severity = known.severity
	n.Name, n.Value = session.FieldDialback, typ
	if s.Root.Name.Local == "verify" { // it speaks of who is asked about: itself
		n.Text = "the server of " + decode.Quote(p.from) + " says about the key: " + typ
	}
	notes := []session.Note{n}
	question := asking{s.Root.Name.Local == "verify", s.Event.Dir.Opposite(), pair{p.to, p.from}}
	i := slices.Index(d.asked, question)
	switch {
	case i >= 0:
		d.asked = slices.Delete(d.asked, i, i+1)
	case !d.lost && !s.State.Joined:
		notes = append(notes, decode.Breach("D01", s.Root.Tag,
			"the %s answers from %q to %q, but nobody asked from %q to %q", s.Event.Dir.Sender(), p.from, p.to, p.to, p.from))
	}
	if typ == "valid" && s.Root.Name.Local == "result" && len(d.valid) < maxPairs {
		if d.valid == nil {
			d.valid = map[pair]bool{}
		}
		d.valid[pair{p.to, p.from}.kept()] = true
	}
	if typ == "error" {
		notes = append(notes, dialbackError(s.Root)...)
	}
	return notes
}

// dialbackConditions says what stanza conditions mean in dialback (XEP-0220 §2.5).
var dialbackConditions = map[string]string{
	"item-not-found":           "the domain asked for is not served there",
	"remote-connection-failed": "the server of the domain to be checked cannot be reached",
	"remote-server-not-found":  "the server that was reached does not know the domain to be checked",
	"remote-server-timeout":    "the server of the domain to be checked closed, or did not answer",
	"policy-violation":         "TLS is wanted before dialback",
	"not-authorized":           "a valid certificate, or another proof, is wanted besides",
	"forbidden":                "the key was said to be not valid",
	"not-acceptable":           "the identity could not be made sure of",
	"resource-constraint":      "too many domains on one stream",
}

func dialbackError(root *session.Element) (notes []session.Note) {
	el := root.Child("", "error")
	if el == nil {
		return nil
	}
	for c := range el.Elements() {
		if text := dialbackConditions[c.Name.Local]; text != "" {
			n := field("XEP-0220 §2.5", "condition", c.Name.Local, c.Span, text).Is(session.Word)
			n.Severity = session.Notice
			notes = append(notes, n)
		}
	}
	return notes
}

// stanza is B06, D02 and Q11.
func (d *dialback) stanza(s *decode.Seen, judge bool) []session.Note {
	root, who := s.Root, s.Event.Dir.Sender()
	from, to := root.Attr("from"), root.Attr("to")
	if from == "" || to == "" {
		return []session.Note{decode.Breach("Q11", root.Tag, "the %s's %s lacks from or to; between servers a stanza must have both", who, root.Name.Local)}
	}
	p := pair{domainOf(from), domainOf(to)}
	if !judge || d.allowed(s, p) {
		return nil
	}
	switch {
	case len(d.valid) > 0 || s.State.Authenticated:
		return []session.Note{decode.Finding("Q11", "RFC 6120 §8.1.2.2", session.Error, root.Tag, "the %s sends %s from %q to %q, a pair that was not validated on this stream", who, a(root.Name.Local), p.from, p.to)}
	case d.proved:
		return []session.Note{decode.Breach("D02", root.Tag, "the %s sends %s from %q to %q before dialback has said that the pair is valid", who, a(root.Name.Local), p.from, p.to)}
	}
	return []session.Note{decode.Breach("B06", root.Tag, "the %s sends %s before either server has proved its domain", who, a(root.Name.Local))}
}

// allowed says whether stanzas may go from one domain to the other, in this
// direction. A login (EXTERNAL) proves the header's "from", towards any domain
// that the other side serves.
func (d *dialback) allowed(s *decode.Seen, p pair) bool {
	if d.valid[p] {
		return true
	}
	if s.Event.Dir == session.S2C {
		if !d.bidi {
			return false
		}
		p = pair{p.to, p.from}
	}
	head := s.State.Header[session.C2S]
	return d.valid[p] || s.State.Authenticated && (head == nil || head.From == "" || head.From == p.from)
}
