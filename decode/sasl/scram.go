package sasl

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

const refScram = "RFC 5802 §5"

func init() {
	add(decode.Mechanism{
		ID: "sasl-scram", Title: "SCRAM", Ref: refScram,
		Names: strings.Fields(`SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS
			SCRAM-SHA-512 SCRAM-SHA-512-PLUS SCRAM-SHA3-512 SCRAM-SHA3-512-PLUS`),
		Match:     func(name string) bool { return strings.HasPrefix(name, "SCRAM-") },
		Malformed: "an attribute or the channel binding of SCRAM is wrong, or two logins at once",
	}, func(name string) Decoder {
		return &scram{name: name, plus: decode.IsPlus(name), hash: strings.TrimSuffix(strings.TrimPrefix(name, "SCRAM-"), "-PLUS")}
	})
}

// scram is RFC 5802, and RFC 7677 and its kin for other hashes. The proof shows
// that the client knows the password, the signature that the server does.
type scram struct {
	name, hash  string
	plus        bool
	gs2         string // the header of client-first, "n,," for example; it is signed
	binding     string // type of channel binding, "" if none
	clientNonce string
	serverNonce string // client's and server's parts together
	finished    bool   // client-final was seen
	signed      bool   // server-final was seen
	transcript  transcript
	checked
}

// Decode tells the four messages apart by who sends them and what came before.
func (c *scram) Decode(m Message) []session.Note {
	if !utf8.Valid(m.Payload) {
		return malformed(m, "sasl-scram", refScram, "the %s sent bytes that are not UTF-8", sender(m))
	}
	text := string(m.Payload)
	switch {
	case m.Kind == Initial && !m.Present:
		return []session.Note{decode.Say(session.Info, m.Element.Tag,
			"the client sends no initial response: the server has to ask with an empty challenge first")}
	case m.Kind.FromClient() && c.gs2 == "":
		return c.clientFirst(m, text)
	case m.Kind.FromClient() && text == "" && c.finished:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "the client has checked the server's signature and agrees")}
	case m.Kind.FromClient():
		return c.clientFinal(m, text)
	case text == "":
		return c.emptyFromServer(m)
	case m.Kind == Challenge && !c.finished:
		return c.serverFirst(m, text)
	}
	return c.serverFinal(m, text)
}

func (c *scram) emptyFromServer(m Message) []session.Note {
	if m.Kind == Challenge {
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "an empty challenge: the server asks for the client's first message")}
	}
	switch {
	case !c.finished:
		return []session.Note{c.tooEarly(m)}
	case !c.signed: // in a challenge, it would have come before
		return []session.Note{decode.Say(session.Error, m.Element.Tag, "the server lets the client in without its signature, and so without a proof that it knows the account: the client must refuse")}
	}
	return nil
}

func (c *scram) tooEarly(m Message) session.Note {
	return decode.Say(session.Error, m.Element.Tag, "the server reports success before the client has proved anything")
}

// clientFirst: gs2-cbind-flag "," [authzid] "," [reserved-mext ","] username "," nonce.
func (c *scram) clientFirst(m Message, text string) []session.Note {
	parts := strings.SplitN(text, ",", 3)
	if len(parts) < 3 {
		return malformed(m, "sasl-scram", "RFC 5802 §7", "the client sent a first message without a GS2 header")
	}
	flag, authzid, bare := parts[0], parts[1], parts[2]
	c.gs2 = flag + "," + authzid + ","
	attrs, notes := mandatory(m, attributes(bare))
	if why := disorder(attrs, "", "n", "r"); why != "" {
		return malformed(m, "sasl-scram", "RFC 5802 §7", "the client sent a first message that is not n=user,r=nonce after the GS2 header: %s", why)
	}
	about, bad := c.bindingFlag(m, flag)
	if bad != nil {
		return bad
	}
	notes = append(notes, about...)
	notes = append(notes, c.identity(m, authzid, attrs[0].value)...)
	c.clientNonce = attrs[1].value
	c.transcript.user, _ = unescape(attrs[0].value)
	c.transcript.clientFirst = bare
	notes = append(notes, explained(decode.Field("nonce", c.clientNonce, m.Span).Classed(session.Identifier),
		"the client's nonce: it makes this login unlike every other, so that a recording of it cannot be played back"))
	notes = append(notes, nonceText(m, c.clientNonce)...)
	return append(notes, extensions(m, attrs[2:])...)
}

// identity decodes authzid and username, in which "=2C" is a comma and "=3D" an
// equals sign.
func (c *scram) identity(m Message, authzid, username string) (notes []session.Note) {
	if value, ok := strings.CutPrefix(authzid, "a="); ok {
		name, fine := unescape(value)
		notes = append(notes, explained(decode.Field("authzid", name, m.Span).Is(session.JID), "the client asks to act as this identity"))
		notes = append(notes, checkAuthzid(m, name, username)...)
		if !fine {
			notes = append(notes, badEscape(m, "authorization identity"))
		}
	} else if authzid != "" {
		notes = append(notes, decode.Say(session.Error, m.Span, "the client's authorization identity does not begin with %q", "a="))
	}
	name, fine := unescape(username)
	notes = append(notes, explained(decode.Field("username", name, m.Span).Is(session.User), "the user name; the password itself never travels"))
	if !fine {
		notes = append(notes, badEscape(m, "user name"))
	}
	if name == "" {
		notes = append(notes, decode.Say(session.Error, m.Span, "the client sent an empty user name"))
	}
	return notes
}

func badEscape(m Message, what string) session.Note {
	return decode.Finding("sasl-scram", "RFC 5802 §5.1", session.Error, m.Span,
		"the client's %s holds an equals sign that is not part of %q or %q", what, "=2C", "=3D")
}

// serverFirst: [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions].
func (c *scram) serverFirst(m Message, text string) []session.Note {
	attrs := attributes(text)
	if e := attrs[0]; e.name == "e" {
		return []session.Note{serverError(m, e.value)}
	}
	attrs, notes := mandatory(m, attrs)
	if why := disorder(attrs, "", "r", "s", "i"); why != "" {
		return malformed(m, "sasl-scram", "RFC 5802 §7", "the server sent a first message that is not r=nonce,s=salt,i=iterations: %s", why)
	}
	c.serverNonce = attrs[0].value
	notes = append(notes, c.nonceGrown(m))
	notes = append(notes, nonceText(m, strings.TrimPrefix(c.serverNonce, c.clientNonce))...)
	salt, why := strict(attrs[1].value)
	switch {
	case why != "":
		notes = append(notes, decode.Field("salt", attrs[1].value, m.Span).Classed(session.Identifier),
			decode.Say(session.Error, m.Span, "the server's salt is not base64: %s", why))
	default:
		notes = append(notes, explained(decode.Field("salt", attrs[1].value, m.Span).Classed(session.Identifier),
			fmt.Sprintf("%s of salt: the same password gives another key for every account", session.Plural(len(salt), "byte"))))
	}
	c.transcript.serverFirst, c.transcript.salt = text, salt
	c.transcript.iterations, _ = positive(attrs[2].value)
	notes = append(notes, c.iterations(m, attrs[2].value)...)
	return append(notes, c.serverExtensions(m, attrs[3:])...)
}

// nonceGrown is the first half of check A14.
func (c *scram) nonceGrown(m Message) session.Note {
	n := decode.Field("nonce", c.serverNonce, m.Span).Classed(session.Identifier)
	added, ok := strings.CutPrefix(c.serverNonce, c.clientNonce)
	switch {
	case !ok:
		n.Rule, n.Severity, n.Ref = "A14", session.Error, "RFC 5802 §5.1"
		n.Text = "the server's nonce does not begin with the client's: this may be an answer to someone else's login, and the client must refuse"
	case added == "":
		n.Rule, n.Severity, n.Ref = "A14", session.Error, "RFC 5802 §5.1"
		n.Text = "the server added nothing to the client's nonce: a recorded login could be played back"
	default:
		n.Text = fmt.Sprintf("the server's nonce extends the client's by %s", session.Plural(utf8.RuneCountInString(added), "character"))
	}
	return n
}

// iterations is check A16.
func (c *scram) iterations(m Message, value string) []session.Note {
	n := decode.Field("iterations", value, m.Span).Is(session.Word)
	count, ok := positive(value)
	if !ok {
		n.Severity, n.Text = session.Error, "the server's iteration count is not a positive number, in digits that do not begin with 0"
		return []session.Note{n}
	}
	n.Text = fmt.Sprintf("%s of PBKDF2 with %s turn the password into the salted password: they make guessing slow",
		session.Plural(count, "iteration"), c.hash)
	notes := []session.Note{n}
	if count < 4096 {
		notes = append(notes, decode.Breach("A16", m.Span,
			"the server asks for %s; at least 4096 are advised", session.Plural(count, "iteration")))
	}
	if count > 1_000_000 {
		notes = append(notes, decode.Say(session.Notice, m.Span, "so many iterations may keep a small client busy for seconds"))
	}
	return notes
}

// clientFinal: channel-binding "," nonce ["," extensions] "," proof.
func (c *scram) clientFinal(m Message, text string) []session.Note {
	attrs := attributes(text)
	last := attrs[len(attrs)-1]
	if why := disorder(attrs, "p", "c", "r"); why != "" {
		return malformed(m, "sasl-scram", "RFC 5802 §7", "the client sent a final message that is not c=binding,r=nonce,p=proof: %s", why)
	}
	c.finished = true
	notes := c.bindingData(m, attrs[0].value)
	nonce := decode.Field("nonce", attrs[1].value, m.Span).Classed(session.Identifier)
	if nonce.Text = "both nonces, repeated by the client"; c.serverNonce != "" && attrs[1].value != c.serverNonce {
		nonce.Rule, nonce.Severity, nonce.Ref = "A14", session.Error, "RFC 5802 §5.1"
		nonce.Text = "the client's final nonce is not the one that the server sent"
	}
	notes = append(notes, nonce)
	notes = append(notes, extensions(m, attrs[2:len(attrs)-1])...)
	proof := secret("proof", last.value, "SCRAM proof", m.Span)
	proof.Text = "proves that the client knows the password without showing it; with the salt it lets whoever records it guess passwords off line"
	if raw, why := c.hashed(last.value); why != "" {
		notes = append(notes, decode.Say(session.Error, m.Span, "the client's proof is not right: %s", why))
	} else {
		c.transcript.clientFinal = strings.TrimSuffix(text, ",p="+last.value)
		notes = append(notes, c.verifyProof(m, raw)...)
	}
	return append(notes, proof)
}

// serverFinal: (server-error / verifier) ["," extensions].
func (c *scram) serverFinal(m Message, text string) []session.Note {
	attrs := attributes(text)
	if m.Kind == Success && !c.finished && c.gs2 != "" {
		return append([]session.Note{c.tooEarly(m)}, malformed(m, "sasl-scram", "RFC 5802 §7", "the server's last message stands where there is nothing to answer")...)
	}
	switch attrs[0].name {
	case "e":
		return []session.Note{serverError(m, attrs[0].value)}
	case "v":
		c.signed = true
		n := secret("signature", attrs[0].value, "SCRAM signature", m.Span)
		n.Text = "proves to the client that the server knows the password's key too, and that nobody changed a message on the way"
		notes := append([]session.Note{n}, c.verifySignature(m, attrs[0].value)...)
		return append(notes, extensions(m, attrs[1:])...)
	}
	return malformed(m, "sasl-scram", "RFC 5802 §7", "the server sent a final message that is neither v=signature nor e=error")
}

// hashSize is the length of the mechanism's hash in bytes, 0 if it is not known.
func (c *scram) hashSize() int {
	if newHash := hashes[c.hash]; newHash != nil {
		return newHash().Size()
	}
	return 0
}

func sender(m Message) string {
	if m.Kind.FromClient() {
		return "client"
	}
	return "server"
}

// unescape undoes "=2C" and "=3D", and says whether every "=" was one of them.
func unescape(s string) (string, bool) {
	out := strings.NewReplacer("=2C", ",", "=3D", "=").Replace(s)
	rest := strings.NewReplacer("=2C", "", "=3D", "").Replace(s)
	return out, !strings.Contains(rest, "=")
}

// attribute is one "x=value" of a SCRAM message.
type attribute struct{ name, value string }

// attributes splits a message at its commas; there is always at least one.
func attributes(text string) []attribute {
	var out []attribute
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || len(name) != 1 {
			name, value = "", part
		}
		out = append(out, attribute{name, value})
	}
	return out
}

// mandatory takes a leading m= off (RFC 5802 §5.1: reserved for extensions that
// a receiver must know; none is defined, so it must refuse).
func mandatory(m Message, attrs []attribute) ([]attribute, []session.Note) {
	if attrs[0].name != "m" {
		return attrs, nil
	}
	return attrs[1:], extensions(m, attrs[:1])
}

// disorder says why attrs do not begin with these names, end with the last (if any)
// and have each name once; "" if they do. It quotes no value.
func disorder(attrs []attribute, last string, names ...string) string {
	count := map[string]int{}
	for _, a := range attrs {
		if a.name == "" {
			return "one of its parts is not a letter, an equals sign and a value"
		}
		if count[a.name]++; count[a.name] == 2 {
			return decode.Quote(a.name+"=") + " stands there twice"
		}
	}
	want := slices.Clone(names)
	if last != "" {
		want = append(want, last)
	}
	for _, n := range want {
		if count[n] == 0 {
			return decode.Quote(n+"=") + " is missing"
		}
	}
	for i, n := range names {
		if attrs[i].name != n {
			return decode.Quote(n+"=") + " does not stand in its place"
		}
	}
	if last != "" && attrs[len(attrs)-1].name != last {
		return decode.Quote(last+"=") + " is not the last of them"
	}
	return ""
}

// nonceText: a nonce is printable ASCII without commas (RFC 5802 §7).
func nonceText(m Message, nonce string) []session.Note {
	odd := func(r rune) bool { return r < 0x21 || r > 0x7e || r == ',' }
	switch {
	case nonce == "" && m.Kind.FromClient():
		return []session.Note{decode.Say(session.Error, m.Span, "the client's nonce is empty: its login could be played back")}
	case strings.ContainsFunc(nonce, odd):
		return []session.Note{decode.Say(session.Error, m.Span, "the %s's nonce has characters that are not printable ASCII", sender(m))}
	}
	return nil
}

// positive reads posit-number (RFC 5802 §7): digits that do not begin with 0.
func positive(value string) (n int, ok bool) {
	n, err := strconv.Atoi(value)
	return n, err == nil && n > 0 && value[0] >= '1' && value[0] <= '9'
}

// strict decodes base64 inside of a message and says what is wrong with it.
func strict(value string) (raw []byte, why string) {
	raw, ok := strictBase64(value)
	switch {
	case !ok:
		_, why = base64Fault(value)
	case len(raw) == 0:
		why = "it is empty"
	}
	return raw, why
}

// hashed decodes a proof or signature, which is as long as the hash.
func (c *scram) hashed(value string) (raw []byte, why string) {
	raw, why = strict(value)
	switch {
	case why != "":
		return nil, "it is not base64: " + why
	case c.hashSize() > 0 && len(raw) != c.hashSize():
		return nil, fmt.Sprintf("it has %s, and %s has %d", session.Plural(len(raw), "byte"), c.hash, c.hashSize())
	}
	return raw, ""
}

// expectedBinding says whether data begins with the GS2 header of client-first.
func expectedBinding(data []byte, gs2 string) ([]byte, bool) {
	return bytes.CutPrefix(data, []byte(gs2))
}
