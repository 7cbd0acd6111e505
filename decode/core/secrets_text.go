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
		Match: decode.AnyElement().And(func(s *decode.Seen) bool { return !s.Event.Redacted && maySayASecret(s.Event.Raw) }),
		New:   decode.Stateless(secretTexts),
	})
}

// secretPattern finds a secret in what people and programs write: in addresses,
// in JSON, in a token that shows by its form what it is.
type secretPattern struct {
	kind  string
	where *regexp.Regexp // the first group is the secret
}

const secretWords = `(?:preauth|token|access_?token|refresh_?token|id_?token|auth_?token|session_?token|password|passwd|pwd|secret|client_?secret|api_?key|sig|signature|x-amz-signature)`

var secretPatterns = []secretPattern{
	{"private key", regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END|$)`)},
	{"token", regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)`)}, // RFC 7519
	{"file key", regexp.MustCompile(`aesgcm://[^\s"'<>#]*#([0-9A-Fa-f]{16,})`)},                        // XEP-0454
	{"token", regexp.MustCompile(`(?i)(?:^|[?&;#\s])` + secretWords + `=([^\s&;#"'<>]+)`)},
	{"token", regexp.MustCompile(`(?i)"` + secretWords + `"\s*:\s*"((?:[^"\\]|\\.)+)"`)},
	{"password", regexp.MustCompile(`://[^\s/@:"'<>]*:([^\s/@"'<>]+)@`)},
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
	for _, p := range secretPatterns {
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
func maySayASecret(raw []byte) bool {
	return bytes.IndexByte(raw, '{') >= 0 || holds(raw, "&#", '&') || holds(raw, "<![", '!') || holds(raw, ".eyJ", 'J') ||
		holds(raw, "PRIVATE KEY", 'V') ||
		bytes.IndexByte(raw, '#') >= 0 && holds(raw, "gcm://", 'g') || assigns(raw) || namesUser(raw)
}

// holds says whether a word is in raw; rare is a byte of it.
func holds(raw []byte, word string, rare byte) bool {
	at := strings.IndexByte(word, rare)
	for i := 0; ; i++ {
		next := bytes.IndexByte(raw[i:], rare)
		if next < 0 {
			return false
		}
		i += next
		if from := i - at; from >= 0 && len(raw)-from >= len(word) && string(raw[from:from+len(word)]) == word {
			return true
		}
	}
}

// assigns says whether something is given a value that is no attribute.
func assigns(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '=')
		if i < 0 || i+1 == len(raw) {
			return false
		}
		switch raw[i+1] {
		case '"', '\'', ' ', '=', '<':
		default:
			if i > 0 && raw[i-1] > ' ' {
				return true
			}
		}
		raw = raw[i+1:]
	}
}

// endsUser are the bytes that do not stand in the user's part of an address.
var endsUser = [256]bool{'/': true, ' ': true, '"': true, '\'': true, '<': true, '>': true, '\n': true}

// namesUser says whether an address may have a user and a password in it.
func namesUser(raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '@')
		if i < 0 {
			return false
		}
		start := i - 1
		for start > 0 && !endsUser[raw[start]] {
			start--
		}
		if start > 0 && raw[start] == '/' && raw[start-1] == '/' && bytes.IndexByte(raw[start:i], ':') > 0 {
			return true
		}
		raw = raw[i+1:]
	}
}
