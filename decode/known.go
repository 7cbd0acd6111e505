package decode

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"xmppscope/session"
)

// known are the secrets that a session has shown so far: whoever quotes one later, in an
// error, a text or as it stood on the wire, shows it again. It holds the newest alone, in
// memory.
type known struct {
	secrets []quotable
	next    int // which of them is replaced, once there are maxKnown

	odd []oddText // of the event at hand
}

// quotable is a secret as it may be quoted.
type quotable struct {
	value, kind, mark string
	written           []byte // value as it may be written in XML
}

const (
	maxKnown   = 16
	maxQuoted  = 1 << 10 // a secret that is longer is not quoted
	leastQuote = 6       // of a secret that is cut off where the bytes end
	uploadURL  = "upload URL"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// learn remembers a secret, if it can be mistaken for nothing else.
func (k *known) learn(kind, value, mark string) {
	if len(value) > maxQuoted || !session.Telling(value) ||
		slices.ContainsFunc(k.secrets, func(q quotable) bool { return q.value == value }) {
		return
	}
	value = strings.Clone(value) // it is part of an event
	q := quotable{value, kind, mark, []byte(escaper.Replace(value))}
	if len(k.secrets) < maxKnown {
		k.secrets = append(k.secrets, q)
		return
	}
	k.secrets[k.next] = q
	k.next = (k.next + 1) % maxKnown
}

// learnFrom remembers the secrets of an event, as they are and as they stand there. What
// was hidden because nobody understands it may hold names that are no secrets: of that
// only what stands there is remembered. Where a file was uploaded to is often told to all
// who are to read it.
func (k *known) learnFrom(e *session.Event) {
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Secret != "" && n.Secret != "credentials" && n.Secret != uploadURL {
			k.learn(n.Secret, n.Value, n.Mark)
		}
	}
	for _, s := range e.Secrets {
		if s.Kind != uploadURL && s.Span.Start < s.Span.End && s.Span.End <= len(e.Raw) && s.Span.Len() <= maxQuoted {
			k.learn(s.Kind, asRead(string(e.Raw[s.Span.Start:s.Span.End])), s.Mark)
		}
	}
}

// asRead is text that was written in XML, without its references and CDATA.
func asRead(written string) string {
	if !strings.Contains(written, "&") && !strings.Contains(written, cdataStart) {
		return written
	}
	root, _ := Parse([]byte("<a>"+written+"</a>"), nil)
	return root.Text()
}

// learnUnread remembers what may be the secrets in bytes that could not be read: the
// words that stand alone between tags, and the password in a message of PLAIN.
func (k *known) learnUnread(raw []byte, mark func(word string) string) {
	for len(raw) > 0 && len(k.secrets) < maxKnown {
		text, rest, _ := bytes.Cut(raw, []byte("<"))
		if _, raw, _ = bytes.Cut(rest, []byte(">")); bytes.ContainsAny(text, " \t\r\n@") {
			continue
		}
		word := asRead(string(text))
		k.learn(unread, word, mark(word))
		if plain, err := base64.StdEncoding.DecodeString(word); err == nil && bytes.Count(plain, []byte{0}) == 2 {
			password := string(plain[bytes.LastIndexByte(plain, 0)+1:])
			k.learn(unread, password, mark(password))
		}
	}
}

// hideKnown remembers the secrets of the event, and marks those that it quotes.
func (d *Session) hideKnown(s *Seen) {
	e := s.Event
	if e.Redacted {
		return
	}
	if len(e.Secrets) > 0 || len(e.Notes) > 0 {
		d.known.learnFrom(e)
	}
	if len(d.known.secrets) > 0 {
		d.known.odd = d.known.odd[:0]
		if s.Root != nil && (bytes.IndexByte(e.Raw, '&') >= 0 || bytes.Contains(e.Raw, []byte(cdataStart))) {
			d.known.oddTexts(e.Raw, s.Root)
		}
	}
	for i := range d.known.secrets {
		q := &d.known.secrets[i]
		found := q.in(s, d.known.odd)
		if len(found) == 0 {
			continue
		}
		e.AddSecrets(found...)
		e.Notes = append(e.Notes, session.Note{
			Rule: "core-secrets", Ref: "RFC 6120 §13.2", Name: "quoted", Value: q.value, Secret: q.kind, Mark: q.mark, Span: found[0].Span,
			Text: "a secret that this session has shown elsewhere is repeated here",
		})
	}
}

// oddText is a text that does not read as it was written, with references or CDATA.
type oddText struct {
	text string
	span session.Span
}

func (k *known) oddTexts(raw []byte, el *session.Element) {
	look := func(text string, span session.Span) {
		if text != "" && string(raw[span.Start:span.End]) != text {
			k.odd = append(k.odd, oddText{text, span})
		}
	}
	for i := range el.Attrs {
		look(el.Attrs[i].Value, el.Attrs[i].Quote)
	}
	look(el.Text(), el.TextSpan())
	for c := range el.Elements() {
		k.oddTexts(raw, c)
	}
}

// in is where an event quotes the secret outside of what is marked.
func (q *quotable) in(s *Seen, odd []oddText) (found []session.Secret) {
	raw := s.Event.Raw
	add := func(start, end int) {
		marked := func(m session.Secret) bool { return m.Span.Start <= start && end <= m.Span.End }
		if !slices.ContainsFunc(s.Event.Secrets, marked) {
			found = append(found, session.Secret{Kind: q.kind, Mark: q.mark, Span: session.Span{Start: start, End: end}})
		}
	}
	places := func(what []byte) {
		for at := 0; ; at += len(what) {
			i := bytes.Index(raw[at:], what)
			if i < 0 {
				return
			}
			at += i
			add(at, at+len(what))
		}
	}
	places(q.written)
	if len(q.written) != len(q.value) {
		places([]byte(q.value))
	}
	if s.Root == nil || s.Event.Truncated { // its end may be missing
		for n := min(len(q.written)-1, len(raw)); n >= leastQuote; n-- {
			if bytes.HasSuffix(raw, q.written[:n]) {
				add(len(raw)-n, len(raw))
				break
			}
		}
	}
	for _, t := range odd {
		if n := strings.Count(t.text, q.value); n > 0 && n > bytes.Count(raw[t.span.Start:t.span.End], q.written) {
			add(t.span.Start, t.span.End)
		}
	}
	return found
}
