package core

import (
	"bytes"
	"regexp"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-secret-text", Title: "Secrets in texts", Ref: "RFC 6120 §13.2",
		Match: decode.AnyElement().And(func(s *decode.Seen) bool { return !s.Event.Redacted && maySayASecret(s.Raw()) }),
		New:   decode.Stateless(secretTexts),
	})
}

// secretPattern finds a secret in what people and programs write: in addresses,
// in JSON, in a token that shows by its form what it is.
type secretPattern struct {
	kind  string
	may   func(text string) bool // a quick look: without this the expression finds nothing
	where *regexp.Regexp         // the first group is the secret
}

const secretWords = `(?:preauth|token|access_?token|refresh_?token|id_?token|auth_?token|session_?token|password|passwd|pwd|secret|client_?secret|api_?key|sig|signature|x-amz-signature)`

var secretPatterns = []secretPattern{
	{"private key", containing("PRIVATE KEY"), regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END|$)`)},
	{"token", containing(".eyJ"), regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)`)}, // RFC 7519
	{"file key", containing("aesgcm://"), regexp.MustCompile(`aesgcm://[^\s"'<>#]*#([0-9A-Fa-f]{16,})`)},                   // XEP-0454
	{"token", setsWord, regexp.MustCompile(`(?i)(?:^|[?&;#\s])` + secretWords + `=([^\s&;#"'<>]+)`)},
	{"token", quotesWord, regexp.MustCompile(`(?i)"` + secretWords + `"\s*:\s*"((?:[^"\\]|\\.)+)"`)},
	{"password", namesUser, regexp.MustCompile(`://[^\s/@:"'<>]*:([^\s/@"'<>]+)@`)},
}

func containing(word string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, word) }
}

// setsWord says whether what may be a secret word is given a value with "=".
func setsWord(text string) bool {
	return each(text, '=', func(at int) bool { return endsWord(text[:at]) })
}

// quotesWord says whether what may be a secret word ends in a quotation mark.
func quotesWord(text string) bool {
	return each(text, '"', func(at int) bool { return endsWord(text[:at]) })
}

// endsWord says whether a text ends as one of secretWords does, in any case.
func endsWord(text string) bool {
	if len(text) < len("pwd") {
		return false
	}
	switch string([]byte{text[len(text)-2] | 0x20, text[len(text)-1] | 0x20}) {
	case "th", "en", "rd", "wd", "et", "ey", "ig", "re":
		return true
	}
	return false
}

// secretTexts looks through the texts and attributes of an event.
func secretTexts(s *decode.Seen) []session.Note {
	return bounded(s.Event.Raw, textSecrets(s.Event.Raw, s.Root, nil))
}

func textSecrets(raw []byte, el *session.Element, notes []session.Note) []session.Note {
	for i := range el.Attrs {
		if a := &el.Attrs[i]; a.Name.Prefix != "xmlns" && a.Name.Local != "xmlns" {
			notes = secretsIn(raw, a.Name.Local, a.Value, a.Quote, notes)
		}
	}
	for i := range el.Nodes {
		if n := &el.Nodes[i]; n.Element != nil {
			notes = textSecrets(raw, n.Element, notes)
		}
	}
	return secretsIn(raw, el.Name.Local, el.Text(), el.TextSpan(), notes)
}

// secretsIn finds the secrets of one text. A secret that was not written as it
// reads, with references, CDATA or elements in it, takes the whole text along, and
// so do very many.
func secretsIn(raw []byte, name, text string, span session.Span, notes []session.Note) []session.Note {
	if len(text) < 8 {
		return notes
	}
	written := raw[span.Start:span.End]
	plain := string(written) == text
	for i := range secretPatterns {
		p := &secretPatterns[i]
		if !p.may(text) {
			continue
		}
		found := p.where.FindAllStringSubmatchIndex(text, maxSecretsIn+1)
		if len(found) > maxSecretsIn {
			return append(notes, hidden(name, text, p.kind, span))
		}
		for _, at := range found {
			value := text[at[2]:at[3]]
			switch {
			case value == "":
			case plain:
				notes = append(notes, hidden(name, value, p.kind, session.Span{Start: span.Start + at[2], End: span.Start + at[3]}))
			default:
				places := strings.Count(text, value)
				if places > maxSecretsIn || places != bytes.Count(written, []byte(value)) {
					return append(notes, hidden(name, text, p.kind, span))
				}
				notes = append(notes, everywhere(string(written), span.Start, hidden(name, value, p.kind, span))...)
			}
		}
	}
	return notes
}

// maxSecretsIn is how many secrets of a kind a text may have, and how often it may
// repeat one, before it is hidden as a whole: to look for each of very many in all of
// a long text would take as long as whoever wrote it likes.
const maxSecretsIn = 32

// everywhere is the note for each place where its value stands.
func everywhere(written string, start int, n session.Note) (notes []session.Note) {
	for at := 0; ; at += len(n.Value) {
		i := strings.Index(written[at:], n.Value)
		if i < 0 {
			return notes
		}
		at += i
		n.Span = session.Span{Start: start + at, End: start + at + len(n.Value)}
		notes = append(notes, n)
	}
}

// maySayASecret is a quick look whether the patterns are worth a try. It looks for
// bytes that few events have, and then at what is around them.
func maySayASecret(raw string) bool {
	return strings.IndexByte(raw, '{') >= 0 || holds(raw, "&#", '&') || holds(raw, "<![", '!') || holds(raw, ".eyJ", 'J') ||
		holds(raw, "PRIVATE KEY", 'V') ||
		strings.IndexByte(raw, '#') >= 0 && holds(raw, "gcm://", 'g') || assigns(raw) || namesUser(raw)
}

// each goes through the places where a byte stands in a text, as long as it is
// not answered with true; then it is true itself.
func each(text string, c byte, found func(at int) bool) bool {
	for at := 0; ; at++ {
		next := strings.IndexByte(text[at:], c)
		if next < 0 {
			return false
		}
		if at += next; found(at) {
			return true
		}
	}
}

// holds says whether a word is in raw; rare is a byte of it.
func holds(raw, word string, rare byte) bool {
	before := strings.IndexByte(word, rare)
	return each(raw, rare, func(at int) bool { return at >= before && strings.HasPrefix(raw[at-before:], word) })
}

// assigns says whether something is given a value that is no attribute.
func assigns(raw string) bool {
	return each(raw, '=', func(at int) bool {
		if at == 0 || at+1 == len(raw) || raw[at-1] <= ' ' || raw[at-1] == '=' {
			return false
		}
		switch raw[at+1] {
		case '"', '\'', ' ', '=', '<':
			return false
		}
		return true
	})
}

// endsUser are the bytes that do not stand in the user's part of an address.
var endsUser = [256]bool{'/': true, ' ': true, '"': true, '\'': true, '<': true, '>': true, '\n': true, '@': true}

// namesUser says whether an address may have a user and a password in it.
func namesUser(text string) bool {
	return each(text, '@', func(at int) bool {
		start := at - 1
		for start > 0 && !endsUser[text[start]] {
			start--
		}
		return start > 0 && text[start-1:start+1] == "//" && strings.IndexByte(text[start:at], ':') > 0
	})
}
