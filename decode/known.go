package decode

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"xmppscope/session"
)

// known are the secrets that a session has shown so far: whoever quotes one later, in an
// error, a text or as it stood on the wire, shows it again. It holds the newest alone, in
// memory.
type known struct {
	secrets []quotable
	learned int    // how many there were
	next    int    // which of them is replaced, once there are maxKnown
	sieve   *sieve // of all but the newest; nil if it has to be made anew
	fresh   int    // how many of the newest it is without

	odd []oddText // of the event at hand
}

// quotable is a secret as it may be quoted.
type quotable struct {
	value, kind, mark string
	forms             [][]byte // as it may be written
	sort              quoteSort
	nth               int // of those that the session has shown
}

// quoteSort says where a secret is looked for.
type quoteSort uint8

const (
	anywhere   quoteSort = iota // it can be mistaken for nothing else
	asAWord                     // wherever it stands alone, as "hunter2" does not by chance
	inRefusals                  // where it stands alone in what refuses something: it may be any word
)

const (
	maxKnown   = 64
	maxFresh   = 16      // secrets that are looked for one by one before a sieve is made with them
	maxQuoted  = 1 << 10 // a secret that is longer is not quoted
	maxForms   = 1 << 8  // one that is longer is not looked for in other forms
	leastQuote = 6       // bytes of a secret that is looked for, and of one that is cut off where the bytes end
	uploadURL  = "upload URL"
)

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// learn remembers a secret, unless it may be anything. Of passwords alone those are
// remembered that may be a word.
func (k *known) learn(kind, value, mark string, password bool) {
	sort, ok := quoteSortOf(value, password)
	if !ok || slices.ContainsFunc(k.secrets, func(q quotable) bool { return q.value == value }) {
		return
	}
	value = strings.Clone(value) // it is part of an event
	k.learned++
	q := quotable{value, kind, mark, formsOf(value, sort), sort, k.learned}
	if len(k.secrets) < maxKnown {
		k.secrets = append(k.secrets, q)
		k.sieve = nil
		return
	}
	if k.fresh == 0 {
		k.secrets = slices.Clone(k.secrets) // the sieve has those that it was made of
	}
	k.secrets[k.next] = q
	k.next = (k.next + 1) % maxKnown
	if k.fresh++; k.fresh > maxFresh { // whoever says something new each time must not have one made each time
		k.sieve = nil
	}
}

func quoteSortOf(value string, password bool) (sort quoteSort, ok bool) {
	switch {
	case len(value) < leastQuote || len(value) > maxQuoted:
		return 0, false
	case session.Telling(value):
		return anywhere, true
	case !password:
		return 0, false
	case strings.ContainsFunc(value, unicode.IsLetter) && !strings.ContainsFunc(value, unicode.IsSpace) &&
		strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) }):
		return asAWord, true
	}
	return inRefusals, true
}

// formsOf are the ways in which a secret may be written: as it is, in XML, in base64 and
// in an address.
func formsOf(value string, sort quoteSort) (forms [][]byte) {
	add := func(form string) {
		if !slices.ContainsFunc(forms, func(f []byte) bool { return string(f) == form }) {
			forms = append(forms, []byte(form))
		}
	}
	add(value)
	add(escaper.Replace(value))
	if sort == anywhere && len(value) <= maxForms {
		add(base64.RawStdEncoding.EncodeToString([]byte(value)))
		add(base64.RawURLEncoding.EncodeToString([]byte(value)))
		add(url.QueryEscape(value))
		add(url.PathEscape(value))
	}
	return forms
}

// learnFrom remembers the secrets of an event, as they are and as they stand there. What
// was hidden because nobody understands it may hold names that are no secrets: of that
// only what stands there is remembered. Where a file was uploaded to is often told to all
// who are to read it.
func (k *known) learnFrom(e *session.Event) {
	open := func(value string) bool { // as the user's name, say
		return slices.ContainsFunc(e.Notes, func(n session.Note) bool { return n.Secret == "" && n.Value == value })
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Secret != "" && n.Secret != "credentials" && n.Secret != uploadURL && !open(n.Value) {
			k.learn(n.Secret, n.Value, n.Mark, n.Secret == "password")
		}
	}
	for _, s := range e.Secrets {
		if s.Kind != uploadURL && s.Span.Start < s.Span.End && s.Span.End <= len(e.Raw) && s.Span.Len() <= maxQuoted {
			k.learn(s.Kind, asRead(string(e.Raw[s.Span.Start:s.Span.End])), s.Mark, false)
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

// withoutCDATA is XML in which the text of CDATA sections stands as any other.
func withoutCDATA(s string) string {
	if !strings.Contains(s, cdataStart) {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, cdataStart, ""), "]]>", "")
}

// learnUnread remembers what may be the secrets in bytes that could not be read: the
// words that stand alone between tags, and those in messages of SASL.
func (k *known) learnUnread(raw []byte, mark func(word string) string) {
	raw = []byte(withoutCDATA(string(raw)))
	for len(raw) > 0 && len(k.secrets) < maxKnown {
		text, rest, _ := bytes.Cut(raw, []byte("<"))
		if _, raw, _ = bytes.Cut(rest, []byte(">")); bytes.ContainsAny(text, " \t\r\n@") {
			continue
		}
		word := asRead(string(text))
		k.learn(unread, word, mark(word), false)
		if plain, err := base64.StdEncoding.DecodeString(word); err == nil {
			k.learnMessage(plain, mark)
		}
	}
}

// learnMessage remembers the secrets in what may be a message of SASL that no rule has read:
// the password of PLAIN, what DIGEST-MD5, SCRAM and CRAM-MD5 have computed.
func (k *known) learnMessage(plain []byte, mark func(word string) string) {
	if bytes.Count(plain, []byte{0}) == 2 {
		password := string(plain[bytes.LastIndexByte(plain, 0)+1:])
		k.learn(unread, password, mark(password), true)
		return
	}
	for part := range strings.SplitSeq(string(plain), ",") {
		switch name, value, _ := strings.Cut(part, "="); strings.TrimSpace(name) {
		case "response", "rspauth", "p", "v":
			value = strings.Trim(value, ` "`)
			k.learn(unread, value, mark(value), false)
		}
	}
	if words := strings.Fields(string(plain)); len(words) == 2 && len(words[1]) == 2*md5.Size { // RFC 2195 §2
		k.learn(unread, words[1], mark(words[1]), false)
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
	if len(d.known.secrets) == 0 {
		return
	}
	for _, f := range d.known.quotesIn(s) {
		e.AddSecrets(f.places...)
		e.Notes = append(e.Notes, session.Note{
			Rule: "core-secrets", Ref: "RFC 6120 §13.2", Name: session.NoteQuoted, Value: f.as, Secret: f.kind, Mark: f.mark, Span: f.places[0].Span,
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

// quotes are the places where a secret is quoted in the same form.
type quotes struct {
	*quotable
	as     string
	places []session.Secret
}

// quotesIn are the secrets that an event quotes outside of what is marked.
func (k *known) quotesIn(s *Seen) (all []quotes) {
	raw := s.Event.Raw
	add := func(q *quotable, as string, start, end int) {
		place := session.Span{Start: start, End: end}
		own := func(m session.Secret) bool { // what is hidden because it was not read may be told of all the same
			return m.Span == place || m.Kind != unread && m.Span.Start <= start && end <= m.Span.End
		}
		if slices.ContainsFunc(s.Event.Secrets, own) {
			return
		}
		i := slices.IndexFunc(all, func(a quotes) bool { return a.nth == q.nth && a.as == as })
		if i < 0 {
			i, all = len(all), append(all, quotes{quotable: q, as: as})
		}
		all[i].places = append(all[i].places, session.Secret{Kind: q.kind, Mark: q.mark, Span: place})
	}
	k.find(raw, func(q *quotable, start, end int) {
		if q.counts(s, raw, start, end) {
			add(q, asRead(string(raw[start:end])), start, end)
		}
	})
	if s.Root == nil || s.Event.Truncated { // its end may be missing
		for i := range k.secrets {
			if n := k.secrets[i].cutOff(raw); n > 0 {
				add(&k.secrets[i], k.secrets[i].value, len(raw)-n, len(raw))
			}
		}
	}
	if bytes.IndexByte(raw, '&') >= 0 || bytes.Contains(raw, []byte(cdataStart)) {
		k.odd = k.odd[:0]
		if s.Root != nil {
			k.oddTexts(raw, s.Root)
		} else { // nobody knows its parts
			k.odd = append(k.odd, oddText{html.UnescapeString(withoutCDATA(string(raw))), session.Span{End: len(raw)}})
		}
		for _, t := range k.odd {
			text := []byte(t.text)
			k.find(text, func(q *quotable, start, end int) {
				if q.counts(s, text, start, end) && !bytes.Contains(raw[t.span.Start:t.span.End], []byte(escaper.Replace(t.text[start:end]))) {
					add(q, t.text[start:end], t.span.Start, t.span.End)
				}
			})
		}
	}
	slices.SortStableFunc(all, func(a, b quotes) int { return a.nth - b.nth })
	return all
}

// find calls found for each place where a form of a secret stands.
func (k *known) find(raw []byte, found func(q *quotable, start, end int)) {
	if k.sieve == nil {
		k.sieve, k.fresh = newSieve(k.secrets), 0
	}
	k.sieve.find(raw, found)
	for i := range k.fresh {
		q := &k.secrets[(k.next+maxKnown-1-i)%maxKnown]
		for _, form := range q.forms {
			for at := 0; ; at++ {
				n := bytes.Index(raw[at:], form)
				if n < 0 {
					break
				}
				at += n
				found(q, at, at+len(form))
			}
		}
	}
}

// counts says whether what stands in a text of an event is the secret, and no word like it.
func (q *quotable) counts(s *Seen, text []byte, start, end int) bool {
	return q.sort == anywhere || alone(text, start, end) && (q.sort == asAWord || s.refuses())
}

// cutOff is how much of the secret stands at the end of raw bytes, 0 for none.
func (q *quotable) cutOff(raw []byte) (most int) {
	if len(raw) == 0 {
		return 0
	}
	last := raw[len(raw)-1]
	for _, form := range q.forms {
		for n := min(len(form)-1, len(raw)); n >= leastQuote && n > most; n-- {
			if n = bytes.LastIndexByte(form[:n], last) + 1; n < leastQuote || n <= most {
				break
			}
			if bytes.HasSuffix(raw, form[:n]) && (q.sort == anywhere || alone(raw, len(raw)-n, len(raw))) {
				most = n
			}
		}
	}
	return most
}

// refuses says whether the event is an error, as far as it could be read.
func (s *Seen) refuses() bool {
	return s.Root == nil || (s.Root.Name.Local == "failure" || s.Root.Name.Local == "error" || s.Root.Attr("type") == "error")
}

// alone says whether what stands between start and end is a word of a text, and no part
// of a longer one or of a name.
func alone(raw []byte, start, end int) bool {
	part := func(c byte) bool {
		return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80 || bytes.IndexByte([]byte("-_:@/="), c) >= 0
	}
	return (start == 0 || !part(raw[start-1]) && raw[start-1] != '<') && (end == len(raw) || !part(raw[end]))
}
