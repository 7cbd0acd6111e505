package core

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

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
	sign  sign              // without it the expression finds nothing
	where *regexp.Regexp    // the first group is the secret
	is    func(string) bool // nil, or says whether it is one
}

// sign is something in a text that is quickly found.
type sign uint16

const (
	signKey    sign = 1 << iota // "PRIVATE KEY"
	signToken                   // a second part of a JWT
	signFile                    // "aesgcm://"
	signValue                   // what may be a secret word, and "="
	signQuoted                  // what may be a secret word, and a quotation mark
	signColon                   // what may be a secret word, and ":"
	signTag                     // an end tag
	signPlain                   // what may be a message of PLAIN
	signUser                    // an address with a user and a password in it
)

// secretWords is an expression for names of secrets: those of decode.SecretKinds at the end of
// any name, and some that are only known in texts.
func secretWords() string {
	var words []string
	for _, k := range decode.SecretKinds {
		words = append(words, strings.ReplaceAll(strings.ReplaceAll(k.Words, "-", "[-_.]?"), " ", "|"))
	}
	return `(?:[\w.-]*(?:` + strings.Join(words, "|") + `)|` + textWords + `)`
}

// textWords are known in texts alone, or in elements that a text shows.
const textWords = "pass|pw|preauth|sig|signature|x-amz-signature"

const saslWords = "auth|challenge|response|initial-response|additional-data|digest|handshake"

// secretPatterns are made when the first text wants them: that takes some milliseconds.
var secretPatterns = sync.OnceValue(func() []secretPattern {
	words := secretWords()
	return []secretPattern{
		{"private key", signKey, regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END|$)`), nil},
		{"token", signToken, regexp.MustCompile(`(eyJ[A-Za-z0-9_-]{4,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)`), nil}, // RFC 7519
		{"file key", signFile, regexp.MustCompile(`aesgcm://[^\s"'<>#]*#([0-9A-Fa-f]{16,})`), nil},                         // XEP-0454
		{"token", signValue, regexp.MustCompile(`(?i)(?:^|[?&;#\s])` + words + `=([^\s&;#"'<>]+)`), nil},
		{"token", signValue, regexp.MustCompile(`(?i)(?:^|[?&;#\s])` + words + `=["']([^"'<>]+)`), nil},
		{"token", signQuoted, regexp.MustCompile(`(?i)"` + words + `"\s*:\s*"((?:[^"\\]|\\.)+)"`), nil},
		{"token", signQuoted, regexp.MustCompile(`(?i)'` + words + `'\s*:\s*'((?:[^'\\]|\\.)+)'`), nil},
		{"token", signColon, regexp.MustCompile(`(?i)(?:^|[\s"'(,;{])` + words + `:\s*(?:(?:basic|bearer|digest)\s+)?["']?([^\s"'<>]+)`), nil},
		{"password", signTag, regexp.MustCompile(`(?i)<(?:[\w.-]+:)?(?:` + words + `|` + saslWords + `)\d*(?:\s[^<>]*)?>([^<>]+)</`), nil},
		{"password", signPlain, regexp.MustCompile(`(?:^|[^A-Za-z0-9+/])(A[A-P][A-Za-z0-9+/]{10,}={0,2})`), decode.IsPlain},
		{"password", signUser, regexp.MustCompile(`://[^\s/@:"'<>]*:([^\s/@"'<>]+)@`), nil},
	}
})

// telling are the bytes that a sign is found by.
var telling = [256]bool{'Y': true, '.': true, ':': true, '=': true, '"': true, '\'': true, '/': true, '@': true, 'A': true}

// signsOf looks through a text once.
func signsOf(text string) (found sign) {
	for i := range len(text) {
		if !telling[text[i]] {
			continue
		}
		switch before := text[:i]; text[i] {
		case 'Y':
			if strings.HasSuffix(before, "PRIVATE KE") {
				found |= signKey
			}
		case '.':
			if strings.HasPrefix(text[i:], ".eyJ") {
				found |= signToken
			}
		case ':':
			if strings.HasSuffix(before, "aesgcm") && strings.HasPrefix(text[i:], "://") {
				found |= signFile
			}
			if endsWord(before) {
				found |= signColon
			}
		case '=':
			if endsWord(before) {
				found |= signValue
			}
		case '"', '\'':
			if endsWord(before) {
				found |= signQuoted
			}
		case '/':
			if strings.HasSuffix(before, "<") {
				found |= signTag
			}
		case 'A':
			if decode.MayBePlain(before, text[i:]) {
				found |= signPlain
			}
		case '@':
			if namesUser(before) {
				found |= signUser
			}
		}
	}
	return found
}

// textEndings are those of all words that texts are looked through for.
var textEndings = func() (e decode.Endings) {
	for _, k := range decode.SecretKinds {
		e.Add(strings.Split(k.Words, " ")...)
	}
	e.Add(textWordList...)
	return e
}()

var textWordList = strings.Split(textWords, "|")

// endsWord says whether a text ends as one of secretWords does, in any case. Letters that
// are not of ASCII may stand for one that is ("ſ").
func endsWord(text string) bool {
	if len(text) < len("pw") {
		return false
	}
	return text[len(text)-1] >= 0x80 || text[len(text)-2] >= 0x80 || textEndings.Has(text)
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
	signs := signsOf(text)
	if signs == 0 {
		return notes
	}
	written := raw[span.Start:span.End]
	plain := string(written) == text
	patterns := secretPatterns()
	for i := range patterns {
		p := &patterns[i]
		if signs&p.sign == 0 || p.sign == signPlain && slices.Contains(saslPayloads, name) { // a message that is known as such
			continue
		}
		found := p.where.FindAllStringSubmatchIndex(text, maxSecretsIn+1)
		if len(found) > maxSecretsIn {
			return append(notes, hidden(name, text, p.kind, span))
		}
		for _, at := range found {
			value := text[at[2]:at[3]]
			switch {
			case value == "", p.is != nil && !p.is(value):
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

// hinting are the bytes that maySayASecret looks at.
var hinting = [256]bool{'{': true, '&': true, '!': true, '.': true, 'Y': true, '#': true, ':': true, '=': true, '@': true, 'A': true}

// maySayASecret is a quick look whether an event is worth a walk through its texts.
func maySayASecret(raw string) bool {
	file, fragment := false, false
	for i := range len(raw) {
		if !hinting[raw[i]] {
			continue
		}
		may := false
		switch before, after := raw[:i], raw[i+1:]; raw[i] {
		case '{':
			may = true
		case '&':
			may = strings.HasPrefix(after, "#") || strings.HasPrefix(after, "lt;/")
		case '!':
			may = strings.HasSuffix(before, "<") && strings.HasPrefix(after, "[")
		case '.':
			may = strings.HasPrefix(after, "eyJ")
		case 'Y':
			may = strings.HasSuffix(before, "PRIVATE KE")
		case '#':
			fragment = true
		case ':':
			file = file || strings.HasSuffix(before, "gcm") && strings.HasPrefix(after, "//")
			for before != "" && (before[len(before)-1] == '"' || before[len(before)-1] == '\'') {
				before = before[:len(before)-1]
			}
			may = saysWord(before)
		case '=':
			may = assigns(before, after) || saysWord(before)
		case 'A':
			may = decode.MayBePlain(before, raw[i:])
		case '@':
			may = namesUser(before)
		}
		if may {
			return true
		}
	}
	return file && fragment
}

// saysWord says whether the last word of a text is one of secretWords.
func saysWord(text string) bool {
	if !endsWord(text) {
		return false
	}
	start := len(text)
	for start > 0 && len(text)-start <= decode.MaxSecretName && !endsName[text[start-1]] {
		start--
	}
	word := text[start:]
	return decode.SecretName(word) != "" || text[len(text)-1] >= 0x80 ||
		slices.ContainsFunc(textWordList, func(w string) bool { return strings.EqualFold(w, word) })
}

// endsName are the bytes that do not stand in a name.
var endsName = func() (ends [256]bool) {
	for c := range 0x80 {
		ends[c] = !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.')
	}
	return ends
}()

// assigns says whether what stands around a "=" is no attribute and its value.
func assigns(before, after string) bool {
	if before == "" || after == "" || before[len(before)-1] <= ' ' || before[len(before)-1] == '=' {
		return false
	}
	switch after[0] {
	case '"', '\'', ' ', '=', '<':
		return false
	}
	return true
}

// endsUser are the bytes that do not stand in the user's part of an address.
var endsUser = [256]bool{'/': true, ' ': true, '"': true, '\'': true, '<': true, '>': true, '\n': true, '@': true}

// namesUser says whether a text that goes on with "@" ends as an address with a user and
// a password does.
func namesUser(text string) bool {
	start := len(text) - 1
	for start > 0 && !endsUser[text[start]] {
		start--
	}
	return start > 0 && text[start-1:start+1] == "//" && strings.IndexByte(text[start:], ':') > 0
}
