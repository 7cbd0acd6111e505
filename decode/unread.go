package decode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"xmppscope/session"
)

// credentials are the elements whose content may be a password, and the marks by
// which the others are known. Where such an element could not be read as a whole
// no rule can say which bytes are the secret, so all of them are.
var (
	credentialElements = []string{"auth", "challenge", "response", "authenticate", "initial-response", "additional-data", "next", "task-data", "success", "handshake", "token", "hash", "key", "password", "digest"}
	credentialMarks    = [][]byte{[]byte("jabber:iq:auth"), []byte("jabber:iq:register"), []byte("urn:xmpp:fast:0")}
)

// isOurs says whether an event's bytes are what xmppscope has said in somebody's place.
func isOurs(b session.Body) bool {
	switch b.(type) {
	case session.RelayEdited, session.RelaySent:
		return true
	}
	return false
}

// hideUnread marks as secret what may be a credential and no rule has read: an
// element of ours, or one that was cut off, truncated, not well-formed or in a namespace where
// nobody looks for one, and any sign of one in a direction that is opaque.
func (d *Session) hideUnread(s *Seen, broken bool) {
	e := s.Event
	edited := isOurs(e.Body)
	broken = broken || edited
	if !session.IsPlaintext(e.Body) && !edited || len(e.Raw) == 0 {
		return
	}
	_, raw := e.Body.(session.StreamRaw)
	login := -1
	if raw && e.Dir == session.C2S {
		login = d.lines.login(e.Raw)
	}
	switch {
	case raw && d.cut[e.Dir] != "":
		end := endTag(e.Raw, d.cut[e.Dir])
		if end >= 0 {
			delete(d.cut, e.Dir)
		} else {
			end = len(e.Raw)
		}
		d.hide(e, session.Span{Start: 0, End: end})
	case edited && isCount(e.Raw):
	case broken || raw:
		start, until := credentialAt(e.Raw)
		if login >= 0 && (start < 0 || login < start) {
			start, until = login, untilLine
		}
		if start >= 0 {
			d.hide(e, session.Span{Start: start, End: len(e.Raw)})
			if login >= 0 {
				d.learnLogin(e.Raw[login:])
			}
			if raw && endOf(e.Raw[start:], until) < 0 {
				d.cutOff(e.Dir, until)
			}
		}
	case len(e.Secrets) == 0 && s.Root != nil && !IsSASL(s.Root.Name.Space) &&
		slices.Contains(plainCredentials, s.Root.Name.Local): // where SASL's rules do not look
		d.hide(e, s.Root.TextSpan())
	}
}

// isCount says whether bytes are an acknowledgement of stream management, or a request for
// one, as a whole: their namespace may else tell of a session that could be taken over.
func isCount(raw []byte) bool {
	if bytes.Count(raw, []byte("<")) != 1 || !bytes.HasSuffix(raw, []byte("/>")) {
		return false
	}
	root, faults := ParseTag(raw, nil)
	if root == nil || len(faults) > 0 || root.Name.Space != NSSM2 && root.Name.Space != NSSM3 || root.Name.Local != "a" && root.Name.Local != "r" {
		return false
	}
	return !slices.ContainsFunc(root.Attrs, func(a session.Attr) bool { return a.Name.Local != "h" && a.Name.Local != "xmlns" })
}

// Screened is an element that no rule has read without what may be a credential in it.
func Screened(raw []byte) []byte {
	at, _ := credentialAt(raw)
	if at < 0 {
		return bytes.Clone(raw)
	}
	return fmt.Appendf(bytes.Clone(raw[:at]), "[%s, %s]", unread, session.Plural(len(raw)-at, "byte"))
}

// What ends a credential in bytes of which nobody knows the structure: an end tag,
// the end of a line, the end of a key in text form.
const (
	untilTag  = "</"
	untilLine = "\n"
	untilKey  = "-----END"
)

// endOf is where the credential ends that begins in raw, -1 if not here. It may be an empty
// element.
func endOf(raw []byte, until string) int {
	if end := endTag(raw, until); end >= 0 || until != untilTag || !bytes.HasSuffix(raw, []byte("/>")) {
		return end
	}
	return len(raw)
}

// endTag is where a credential ends that has begun before, -1 if not here. The end of a name
// is none: the value follows it.
func endTag(raw []byte, until string) int {
	for at := 0; ; at += len(until) {
		i := bytes.Index(raw[at:], []byte(until))
		if i < 0 {
			break
		}
		if at += i; until != untilTag || !endsName(raw[at:]) {
			return at
		}
	}
	return -1
}

func endsName(tag []byte) bool {
	return bytes.HasPrefix(tag, []byte("</name>")) || bytes.HasPrefix(tag, []byte("</key>")) || bytes.HasPrefix(tag, []byte("</string>"))
}

// plainCredentials are hidden wherever they stand, whatever their namespace says.
var plainCredentials = []string{"auth", "response", "authenticate", "handshake"}

// unread is the kind of secret that such bytes are.
const unread = "unread credentials"

func (d *Session) hide(e *session.Event, span session.Span) {
	if span.Len() > 0 {
		mark := func(text string) string { return d.state.Secrets.Mark(unread, text) }
		hidden := e.Raw[span.Start:span.End]
		e.AddSecrets(session.Secret{Kind: unread, Span: span, Mark: mark(string(hidden))})
		d.known.learnUnread(hidden[:min(len(hidden), maxQuoted)], mark)
	}
}

// learnLogin remembers the last word of a login in one line: servers quote a line that they
// do not understand.
func (d *Session) learnLogin(line []byte) {
	if words := bytes.Fields(line); len(words) > 0 && len(line) <= maxQuoted {
		word := strings.Trim(string(words[len(words)-1]), `":`)
		d.known.learn(unread, word, d.state.Secrets.Mark(unread, word), true)
	}
}

// credentialSigns are words, in lower case, that tell of a credential, and what ends
// it. Words of the first two kinds may be shown; the others may be part of it.
var credentialSigns = []struct {
	until string
	words [][]byte
}{
	{untilKey, signs("-----begin")},
	{untilLine, signs("authorization: cookie:")},
	{untilTag, append(signs("previd preauth invit key-params oauth eyj gcm:// submit <field db:result db:verify jabber:server:dialback "+
		"iq:register http:upload urn:xmpp:sm: urn:xmpp:esfs httpbind isr: auth=' auth=\" &lt;auth &lt;response &lt;challenge"), signsOfNames()...)},
}

func signs(words string) (out [][]byte) {
	for word := range strings.SplitSeq(words, " ") {
		out = append(out, []byte(word))
	}
	return out
}

// signsOfNames are the names of secrets, wherever they stand, and the short ones as names
// of elements and attributes.
func signsOfNames() (out [][]byte) {
	for _, k := range SecretKinds {
		for _, word := range strings.Split(k.Words, " ") {
			for _, joint := range []string{"", "-", "_", "."} {
				if spelt := strings.ReplaceAll(word, "-", joint); joint == "" || spelt != word || joint == "-" && strings.Contains(word, "-") {
					out = append(out, []byte(spelt))
				}
			}
		}
	}
	for name := range wholeNames {
		out = append(out, signs("<"+name+" :"+name+" "+name+"=")...)
	}
	return out
}

// credentialAt is where in raw bytes a credential may begin, and what ends it: at
// an element that holds one, or at a word that tells of one; -1 if there is no
// sign of any.
func credentialAt(raw []byte) (at int, until string) {
	at, until = credentialTag(raw), untilTag
	lower := lowered(raw)
	for _, sign := range credentialSigns {
		for _, word := range sign.words {
			end := len(lower)
			if at >= 0 {
				end = min(end, at+len(word)-1)
			}
			i := signAt(lower, lower[:end], word)
			if i < 0 {
				continue
			}
			if at, until = i, sign.until; until != untilTag {
				at += len(word)
			} else if bytes.IndexByte(raw, '<') < 0 {
				until = untilLine
			}
		}
	}
	if plain := plainAt(string(raw)); plain >= 0 && (at < 0 || plain < at) {
		at, until = plain, untilTag
		if bytes.IndexByte(raw, '<') < 0 {
			until = untilLine
		}
	}
	return at, until
}

// signAt is where a sign stands in the first part of raw, -1 if nowhere.
func signAt(raw, part, sign []byte) int {
	for from := 0; ; from++ {
		i := bytes.Index(part[from:], sign)
		if i < 0 {
			return -1
		}
		if from += i; !bytes.HasPrefix(raw[from+1:], pingName) {
			return from
		}
	}
}

// pingName is a name that begins as that of a secret does (pin), and is none (XEP-0199).
var pingName = []byte("ping")

// lowered is ASCII in lower case, byte for byte.
func lowered(raw []byte) []byte {
	out := bytes.Clone(raw)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	return out
}

// credentialTag is where the contents of an element begin that holds a credential. It
// goes from one ">" to the next, so that no byte is looked at again for each "<".
func credentialTag(raw []byte) int {
	for from := 0; from < len(raw); {
		end, ended := len(raw), false
		if i := bytes.IndexByte(raw[from:], '>'); i >= 0 {
			end, ended = from+i, true
		}
		if at := credentialIn(raw[from:end]); at >= 0 {
			if ended {
				return end + 1
			}
			if i := bytes.IndexAny(raw[from+at:], " \t\r\n"); i >= 0 {
				return from + at + i + 1
			}
			return len(raw)
		}
		from = end + 1
	}
	return -1
}

// credentialIn is where a tag begins that holds a credential, from behind its "<", in
// bytes that go up to a ">"; -1 if none does.
func credentialIn(part []byte) int {
	at := bytes.IndexByte(part, '<') + 1
	if at == 0 {
		return -1
	}
	if slices.ContainsFunc(credentialMarks, func(mark []byte) bool { return bytes.Contains(part[at:], mark) }) {
		return at
	}
	for !slices.Contains(credentialElements, string(tagLocal(part[at:]))) {
		next := bytes.IndexByte(part[at:], '<')
		if next < 0 {
			return -1
		}
		at += next + 1
	}
	return at
}

// cutOff notes that raw bytes of a direction continue a credential until a text comes.
func (d *Session) cutOff(dir session.Dir, until string) {
	if d.cut == nil {
		d.cut = map[session.Dir]string{}
	}
	d.cut[dir] = until
}
