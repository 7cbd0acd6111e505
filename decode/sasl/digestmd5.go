package sasl

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refDigest = "RFC 2831 §2.1"

func init() {
	add(decode.Mechanism{
		ID: "sasl-digest-md5", Title: "DIGEST-MD5", Ref: refDigest, Names: []string{"DIGEST-MD5"},
		Historic: guessable,
	}, func(string) Decoder { return &digest{} })
}

// guessable is why mechanisms that hash with MD5 are historic (RFC 6331).
const guessable = "MD5 lets whoever records this login guess the password quickly; SCRAM has replaced it"

// digest is RFC 2831: the server's nonce, the client's MD5 over it and the
// password, and the server's MD5 in return.
type digest struct {
	nonce        string
	realms, qops []string // on offer; no qop stands for auth
	challenged   bool
	responded    bool
	rspauth      string // what the server's should be, "" if it is not known
	checked
}

// digestWords explains directives that come from either side.
var digestWords = map[string]word{
	"realm":     {"the name that the password belongs to, usually the domain", session.Host, session.Decides},
	"nonce":     {"the server's nonce, valid for this login", session.FreeText, session.Identifier},
	"cnonce":    {"the client's nonce", session.FreeText, session.Identifier},
	"nc":        {"how often the client has used this nonce", session.Word, session.Decides},
	"charset":   {"how names and password are encoded before they are hashed", session.Word, session.Decides},
	"algorithm": {"md5-sess: the hash is made once for a session", session.Word, session.Decides},
	"username":  {"the user name; the password itself never travels", session.User, session.Decides},
	"authzid":   {"the client asks to act as this identity", session.JID, session.Decides},
	"stale":     {"the nonce was too old; the client may try again with the new one", session.Word, session.Decides},
	"maxbuf":    {"the largest buffer of a security layer", session.Word, session.Decides},
	"cipher":    {"ciphers of a security layer", session.Word, session.Decides},

	"qop":        {"auth: the login only", session.Word, session.Decides},
	"digest-uri": {"the service that the client means to log in to", session.Sentence, session.Decides},
}

// Decode tells the messages apart by who sends them and what they hold.
func (d *digest) Decode(m Message) []session.Note {
	if len(m.Payload) == 0 {
		return d.empty(m)
	}
	pairs, ok := directives(string(m.Payload))
	if !ok {
		return malformed(m, "sasl-digest-md5", refDigest, "the %s sent something that is not a list of key=value", sender(m))
	}
	if m.Kind.FromClient() {
		return d.response(m, pairs)
	}
	return d.challenge(m, pairs)
}

func (d *digest) empty(m Message) []session.Note {
	switch {
	case m.Kind == Initial:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: in this mechanism the server speaks first")}
	case m.Kind == Response && d.responded:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "the client has checked the server's answer and agrees")}
	}
	return nil
}

func (d *digest) challenge(m Message, pairs []directive) (notes []session.Note) {
	for _, p := range pairs {
		switch p.key {
		case "rspauth":
			n := secret("rspauth", p.value, "DIGEST-MD5 response", m.Span)
			n.Text, n.Ref = "proves to the client that the server knows the password too", "RFC 2831 §2.1.3"
			notes = append(notes, n)
			if d.rspauth != "" {
				notes = append(notes, serverVerdict(m, "rspauth", p.value == d.rspauth))
			}
			continue
		case "nonce":
			d.nonce, d.challenged = p.value, true
		case "realm":
			d.realms = append(d.realms, p.value)
		case "qop":
			d.qops = strings.FieldsFunc(p.value, func(r rune) bool { return r == ',' || r == ' ' })
		}
		notes = append(notes, d.field(m, p))
	}
	if has(pairs, "rspauth") {
		return notes
	}
	fault := func(sev session.Severity, format string, args ...any) {
		notes = append(notes, decode.Finding("A21", "RFC 2831 §2.1.1", sev, m.Span, format, args...))
	}
	if !has(pairs, "nonce") {
		fault(session.Error, "the server's challenge has no nonce")
	}
	switch algorithm := valueOf(pairs, "algorithm"); {
	case algorithm == "":
		fault(session.Notice, "the server's challenge does not say algorithm=md5-sess, which it must, and some clients want to see")
	case algorithm != "md5-sess":
		fault(session.Error, "the server's algorithm is %q; only md5-sess is defined", algorithm)
	}
	if twice := repeated(pairs, "realm"); twice != "" {
		fault(session.Error, "the server's %s stands there twice", twice)
	}
	return notes
}

func (d *digest) response(m Message, pairs []directive) (notes []session.Note) {
	if !has(pairs, "response") || !has(pairs, "username") {
		return malformed(m, "sasl-digest-md5", "RFC 2831 §2.1.2", "the client sent no user name or no response")
	}
	d.responded = true
	for _, p := range pairs {
		switch {
		case p.key == "response":
			n := secret("response", p.value, "DIGEST-MD5 response", m.Span)
			n.Text = "an MD5 over password, nonces and address; whoever records it can guess passwords off line"
			n.Ref = "RFC 2831 §2.1.2"
			notes = append(notes, n)
		case digestWords[p.key].text == "":
			notes = append(notes, secret(p.key, p.value, "credentials", m.Span)) // nobody knows what it is
		default:
			notes = append(notes, d.field(m, p))
			notes = append(notes, d.check(m, p)...)
		}
	}
	notes = append(notes, d.missing(m, pairs)...)
	return append(notes, d.verify(m, pairs)...)
}

// missing names the directives that every response must have (RFC 2831 §2.1.2).
func (d *digest) missing(m Message, pairs []directive) (notes []session.Note) {
	for _, key := range []string{"nonce", "cnonce", "nc", "digest-uri"} {
		if valueOf(pairs, key) == "" {
			notes = append(notes, d.breach(m, "the client's response has no %s", key)...)
		}
	}
	if twice := repeated(pairs, ""); twice != "" {
		notes = append(notes, d.breach(m, "the client's %s stands there twice", twice)...)
	}
	if r := valueOf(pairs, "response"); len(r) != 32 || strings.Trim(r, "0123456789abcdef") != "" {
		notes = append(notes, d.breach(m, "the client's response is not 32 hex digits in lower case")...)
	}
	return append(notes, d.unquoted(m, pairs)...)
}

// unquoted names what has to stand in quotes, and does not. Many servers read it
// all the same.
func (d *digest) unquoted(m Message, pairs []directive) []session.Note {
	var bare []string
	for _, p := range pairs {
		if slices.Contains([]string{"username", "realm", "nonce", "cnonce", "digest-uri", "authzid"}, p.key) && !p.quoted {
			bare = append(bare, p.key)
		}
	}
	if len(bare) == 0 {
		return nil
	}
	return []session.Note{decode.Finding("A21", "RFC 2831 §2.1.2", session.Notice, m.Span, "the client does not put the values of %s in quotes, and some servers want them", decode.Quotes(bare))}
}

// breach is A21.
func (d *digest) breach(m Message, format string, args ...any) []session.Note {
	return []session.Note{decode.Breach("A21", m.Span, format, args...)}
}

// field is a directive with what it means.
func (d *digest) field(m Message, p directive) session.Note {
	n := digestWords[p.key].field(p.key, p.value, m)
	if p.key == "qop" && strings.Contains(p.value, "auth-") {
		n.Text = "a security layer is on offer (auth-int, auth-conf): it would begin right after success, and XMPP hardly ever uses it"
	}
	return n
}

// check is A21.
func (d *digest) check(m Message, p directive) []session.Note {
	switch p.key {
	case "digest-uri":
		// A host may be named before the domain: serv-type/host/serv-name.
		service, host, _ := strings.Cut(p.value, "/")
		if _, name, ok := strings.Cut(host, "/"); ok {
			host = name
		}
		if domain := m.State.Domain(); service != "xmpp" || (domain != "" && !strings.EqualFold(host, domain)) {
			return d.breach(m, "the client's digest-uri is %q; it must be %q", p.value, "xmpp/"+domain)
		}
	case "realm":
		if d.challenged && len(d.realms) > 0 && !slices.Contains(d.realms, p.value) {
			return d.breach(m, "the client's realm is %q, but the server's was %s", p.value, decode.Quotes(d.realms))
		}
	case "qop":
		if offered := d.qops; d.challenged && p.value != "auth" && !slices.Contains(offered, p.value) {
			return d.breach(m, "the client chose the qop %q, which the server did not offer", p.value)
		}
	case "charset":
		if p.value != "utf-8" {
			return d.breach(m, "the client's charset is %q; only utf-8 is defined", p.value)
		}
	case "nc":
		if p.value != "00000001" {
			return d.breach(m, "the client's nc is %q; on a fresh nonce it must be %q", p.value, "00000001")
		}
	case "nonce":
		if d.challenged && p.value != d.nonce {
			return d.breach(m, "the client's nonce is %q, but the server's was %q", p.value, d.nonce)
		}
	}
	return nil
}

// directive is one key=value of a DIGEST-MD5 message.
type directive struct {
	key, value string
	quoted     bool
}

func has(pairs []directive, key string) bool {
	return slices.ContainsFunc(pairs, func(p directive) bool { return p.key == key })
}

// valueOf is the value of a directive, "" if it is not there.
func valueOf(pairs []directive, key string) string {
	for _, p := range pairs {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// repeated is the first key that stands there twice, though it is not the one that
// may; "" if none does.
func repeated(pairs []directive, may string) string {
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p.key] && p.key != may {
			return p.key
		}
		seen[p.key] = true
	}
	return ""
}

// directives takes a comma list apart: values quoted or not, whatever the
// directive (implementations disagree), empty elements and white space allowed.
func directives(text string) (out []directive, ok bool) {
	for {
		text = strings.TrimLeft(text, " \t\r\n,")
		if text == "" {
			return out, len(out) > 0
		}
		key, rest, found := strings.Cut(text, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if !found || key == "" || strings.ContainsAny(key, "\", \t\x00") {
			return nil, false
		}
		rest = strings.TrimLeft(rest, " \t\r\n")
		quoted := strings.HasPrefix(rest, `"`)
		value, rest, err := directiveValue(rest)
		if err != nil {
			return nil, false
		}
		out = append(out, directive{key, value, quoted})
		text = rest
	}
}

func directiveValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		if i := strings.IndexByte(text, ','); i >= 0 {
			return strings.TrimSpace(text[:i]), text[i:], nil
		}
		return strings.TrimSpace(text), "", nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			if i++; i == len(text) {
				return "", "", fmt.Errorf("sasl: a quoted value ends in a backslash")
			}
		}
		b.WriteByte(text[i])
	}
	return "", "", fmt.Errorf("sasl: a quoted value has no end")
}
